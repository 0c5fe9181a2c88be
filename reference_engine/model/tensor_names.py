"""What Hugging Face's files call the tensors of a model."""

from reference_engine.model.config import ModelConfig
from reference_engine.model.layout import EMBEDDING, FINAL_NORM, OUTPUT, layer_shapes, model_shapes

__all__ = ["PREFIXES", "tensor_name", "tensor_names"]

PREFIXES = ("model.", "language_model.model.", "model.language_model.")  # the last two: a model that also sees
BESIDE = {EMBEDDING: "embed_tokens.weight", FINAL_NORM: "norm.weight"}
HEAD = "lm_head.weight"
IN_LAYER = {
    "attention_norm": "input_layernorm.weight",
    "query": "self_attn.q_proj.weight",
    "key": "self_attn.k_proj.weight",
    "value": "self_attn.v_proj.weight",
    "output": "self_attn.o_proj.weight",
    "query_bias": "self_attn.q_proj.bias",
    "key_bias": "self_attn.k_proj.bias",
    "value_bias": "self_attn.v_proj.bias",
    "output_bias": "self_attn.o_proj.bias",
    "query_norm": "self_attn.q_norm.weight",
    "key_norm": "self_attn.k_norm.weight",
    "mlp_norm": "post_attention_layernorm.weight",
    "gate": "mlp.gate_proj.weight",
    "up": "mlp.up_proj.weight",
    "down": "mlp.down_proj.weight",
}
SANDWICH = {  # Gemma 2 and 3 have four norms a layer, and the name of Llama's second one means another
    "mlp_norm": "pre_feedforward_layernorm.weight",
    "post_attention_norm": "post_attention_layernorm.weight",
    "post_mlp_norm": "post_feedforward_layernorm.weight",
}


def tensor_name(config: ModelConfig, field: str, *, layer: int | None, prefix: str = PREFIXES[0]) -> str:
    """Return the name of a tensor; layer None is beside the layers."""
    if layer is None:
        return HEAD if field == OUTPUT else f"{prefix}{BESIDE[field]}"
    names = IN_LAYER | SANDWICH if config.has_post_norms else IN_LAYER
    return f"{prefix}layers.{layer}.{names[field]}"


def tensor_names(config: ModelConfig, *, prefix: str = PREFIXES[0]) -> dict[str, tuple[str, int | None]]:
    """Return the field and layer of each name that a model's files must have."""
    names: dict[str, tuple[str, int | None]] = {
        tensor_name(config, field, layer=None, prefix=prefix): (field, None) for field in model_shapes(config)
    }
    for layer in range(config.num_layers):
        for field in layer_shapes(config):
            names[tensor_name(config, field, layer=layer, prefix=prefix)] = (field, layer)
    return names
