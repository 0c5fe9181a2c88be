"""Reads config.json in the form of Hugging Face. Strict: what the engine would run wrongly is refused."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from reference_engine.errors import ModelError
from reference_engine.model.config import ModelConfig
from reference_engine.model.families import Family, family_of
from reference_engine.model.json_values import Values, read_json
from reference_engine.model.rope_values import read_rope

__all__ = ["CONFIG_FILE", "checked_config", "config_from_json", "read_config"]

CONFIG_FILE = "config.json"
GENERATION_FILE = "generation_config.json"
TEXT_PARTS = {"gemma3_text": "gemma3"}  # the text half of a model that also sees, under a name of its own
ACTIVATIONS = {"silu": "silu", "gelu_pytorch_tanh": "gelu_tanh", "gelu": "gelu_tanh"}
SLIDING, FULL = "sliding_attention", "full_attention"
REFUSED = {
    "quantization_config": "its weights are quantised; the engine reads them as float32, float16 or bfloat16",
    "mlp_bias": "its MLP has biases, which no supported family has",
    "use_bidirectional_attention": "it attends to both sides; the engine decodes from left to right",
}


def read_config(folder: Path) -> ModelConfig:
    """Return the shape of the model in a folder; end tokens as generation_config.json has them, if it is there.

    Raises:
        ModelError: a file is missing, broken, or describes something that the engine cannot run.
    """
    path = folder / CONFIG_FILE
    if not path.is_file():
        raise ModelError(f"{str(folder)!r} holds no {CONFIG_FILE}")
    content = read_json(path)
    generation = folder / GENERATION_FILE
    if generation.is_file() and (ends := read_json(generation).get("eos_token_id")) is not None:
        content = {**content, "eos_token_id": ends}
    return config_from_json(content, origin=str(path))


def config_from_json(content: Mapping[str, Any], *, origin: str) -> ModelConfig:
    """Return the shape that a config.json describes; `origin` names it in messages.

    Raises:
        ModelError: it describes something that the engine cannot run, or leaves out what it must say.
    """
    if isinstance(content.get("text_config"), Mapping):
        content = {"eos_token_id": content.get("eos_token_id"), **content["text_config"]}
    kind = content.get("model_type")
    architecture = TEXT_PARTS.get(str(kind), kind)
    family = family_of(architecture, origin=origin)
    values = Values(content, origin, family.defaults)
    for key, reason in REFUSED.items():
        if values.get(key):
            raise ModelError(f"{origin!r} has {key}: {reason}")
    return _config(str(architecture), family, values)


def _config(architecture: str, family: Family, values: Values) -> ModelConfig:
    hidden_size, num_heads = values.integer("hidden_size"), values.integer("num_attention_heads")
    num_layers, rope = values.layers("num_hidden_layers"), read_rope(values)
    window, is_sliding = _windows(architecture, values, num_layers)
    has_bias = values.flag("attention_bias")
    scalar, caps = values.optional_number("query_pre_attn_scalar"), _softcaps(architecture, values)
    config = ModelConfig(  # one line a field: long, and read at a glance
        architecture=architecture,
        num_layers=num_layers,
        hidden_size=hidden_size,
        num_heads=num_heads,
        num_kv_heads=values.integer("num_key_value_heads", num_heads),
        head_dim=values.integer("head_dim", hidden_size // num_heads),
        intermediate_size=values.integer("intermediate_size"),
        vocabulary_size=values.integer("vocab_size"),
        max_positions=values.integer("max_position_embeddings"),
        norm_epsilon=values.number("rms_norm_eps", 1e-6),
        rope_theta=rope.theta,
        rope_scaling=rope.scaling,
        sliding_rope_theta=rope.sliding_theta if any(is_sliding) else None,
        activation=_activation(family, values),
        norm_adds_one=family.norm_adds_one,
        has_query_key_norm=family.has_query_key_norm,
        has_attention_bias=has_bias or family.has_attention_bias,
        has_output_bias=has_bias,
        has_post_norms=family.has_post_norms,
        embedding_scale=hidden_size**0.5 if family.scales_embedding else 1.0,
        attention_scale=None if scalar is None else scalar**-0.5,
        attention_softcap=caps[0],
        logit_softcap=caps[1],
        sliding_window=window,
        layer_is_sliding=is_sliding,
        has_tied_embedding=values.flag("tie_word_embeddings"),
        end_tokens=_end_tokens(values),
    )
    return checked_config(config, origin=values.origin)


def checked_config(config: ModelConfig, *, origin: str) -> ModelConfig:
    """Return the shape if its numbers fit each other.

    Raises:
        ModelError: they do not.
    """
    if config.num_heads % config.num_kv_heads:
        raise ModelError(
            f"{origin!r}: {config.num_heads} query heads cannot share {config.num_kv_heads} heads of keys and values"
        )
    if config.head_dim % 2:
        raise ModelError(f"{origin!r}: a head of {config.head_dim} numbers cannot be rotated in pairs")
    return config


def _activation(family: Family, values: Values) -> str:
    stated = values.get("hidden_activation") or values.get("hidden_act")
    activation = family.activation if stated is None else ACTIVATIONS.get(stated)
    if activation != family.activation:
        raise ModelError(f"{values.origin!r} has the activation {stated!r}; its family uses {family.activation}")
    return activation


def _softcaps(architecture: str, values: Values) -> tuple[float | None, float | None]:
    """Return the caps of attention scores and of logits; Gemma 3 has the first in its files, and never uses it."""
    attention, logits = (values.optional_number(f"{place}_logit_softcapping") for place in ("attn", "final"))
    if attention is not None and architecture != "gemma2":
        raise ModelError(f"{values.origin!r} caps its attention scores, which only Gemma 2 does")
    return attention, logits


def _windows(architecture: str, values: Values, num_layers: int) -> tuple[int | None, tuple[bool, ...]]:
    """Return the sliding window and, for each layer, whether it has it."""
    window = values.optional_number("sliding_window")
    is_used = architecture not in ("llama", "gemma")
    if architecture in ("qwen2", "qwen3"):
        is_used = values.flag("use_sliding_window")
    if window is None or not is_used:
        return None, ()
    is_sliding = _sliding_layers(architecture, values, num_layers)
    return (values.integer("sliding_window"), is_sliding) if any(is_sliding) else (None, ())


def _sliding_layers(architecture: str, values: Values, num_layers: int) -> tuple[bool, ...]:
    if architecture == "mistral":
        return (True,) * num_layers
    types = values.get("layer_types")
    if types is None and architecture in ("qwen2", "qwen3"):
        first = values.get("max_window_layers", 28)  # layers from here on slide: the default of Qwen's classes
        return tuple(layer >= first for layer in range(num_layers))
    if types is None:
        pattern = values.integer("sliding_window_pattern")
        return tuple((layer + 1) % pattern != 0 for layer in range(num_layers))
    if not isinstance(types, list) or len(types) != num_layers or set(types) - {SLIDING, FULL}:
        raise ModelError(
            f"{values.origin!r}: layer_types should say {SLIDING} or {FULL} for each of {num_layers} layers"
        )
    return tuple(kind == SLIDING for kind in types)


def _end_tokens(values: Values) -> tuple[int, ...]:
    stated = values.get("eos_token_id", [])
    tokens = stated if isinstance(stated, list) else [stated]
    if any(type(token) is not int or token < 0 for token in tokens):
        raise ModelError(f"{values.origin!r}: eos_token_id should be a token's number, or several, found {stated!r}")
    return tuple(tokens)
