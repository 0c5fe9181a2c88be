"""Writes a model's shape as a config.json that transformers reads. The reverse of `config_file`."""

from dataclasses import asdict
from typing import Any

from reference_engine.model.config import ModelConfig

__all__ = ["config_to_json"]

SLIDING, FULL = "sliding_attention", "full_attention"


def config_to_json(config: ModelConfig, *, dtype: str = "float32") -> dict[str, Any]:
    """Return the config.json of a shape, as transformers reads it.

    Law: `config_from_json(config_to_json(config), origin="") == config`, if Gemma 2 and 3 state their query scale.
    """
    content: dict[str, Any] = {
        "architectures": [_class_name(config.architecture)],
        "model_type": "gemma3_text" if config.architecture == "gemma3" else config.architecture,
        "dtype": dtype,
        "num_hidden_layers": config.num_layers,
        "hidden_size": config.hidden_size,
        "num_attention_heads": config.num_heads,
        "num_key_value_heads": config.num_kv_heads,
        "head_dim": config.head_dim,
        "intermediate_size": config.intermediate_size,
        "vocab_size": config.vocabulary_size,
        "max_position_embeddings": config.max_positions,
        "rms_norm_eps": config.norm_epsilon,
        "rope_theta": config.rope_theta,
        "rope_scaling": _scaling_to_json(config),
        "tie_word_embeddings": config.has_tied_embedding,
        "eos_token_id": list(config.end_tokens) or None,
        "bos_token_id": None,
        "pad_token_id": None,
        "sliding_window": config.sliding_window,
    }
    gelu = "gelu_pytorch_tanh" if config.activation == "gelu_tanh" else "silu"
    content |= {"hidden_act": gelu, "hidden_activation": gelu} if config.norm_adds_one else {"hidden_act": gelu}
    return content | _particulars(config)


def _particulars(config: ModelConfig) -> dict[str, Any]:
    """Return the keys that only some families have."""
    content: dict[str, Any] = {}
    if config.architecture in ("llama", "qwen3"):
        content["attention_bias"] = config.has_output_bias
    if config.architecture in ("qwen2", "qwen3"):
        content["use_sliding_window"] = config.sliding_window is not None
    if config.layer_is_sliding and config.architecture != "mistral":
        content["layer_types"] = [SLIDING if is_sliding else FULL for is_sliding in config.layer_is_sliding]
    if config.architecture in ("gemma2", "gemma3"):
        content["query_pre_attn_scalar"] = round(config.query_scale**-2)
        content["attn_logit_softcapping"] = config.attention_softcap
        content["final_logit_softcapping"] = config.logit_softcap
    if config.sliding_rope_theta is not None:
        content["rope_local_base_freq"] = config.sliding_rope_theta
    return content


def _scaling_to_json(config: ModelConfig) -> dict[str, Any] | None:
    if config.rope_scaling is None:
        return None
    scaling = asdict(config.rope_scaling)
    content = {"rope_type": scaling["kind"], "factor": scaling["factor"]}
    if config.rope_scaling.kind == "linear":
        return content
    return content | {
        "low_freq_factor": scaling["low_frequency_factor"],
        "high_freq_factor": scaling["high_frequency_factor"],
        "original_max_position_embeddings": scaling["original_positions"],
    }


def _class_name(architecture: str) -> str:
    return f"{architecture.capitalize()}ForCausalLM"
