"""Turns the metadata of a GGUF file into the shape of a model. Knows the keys of the format, no tensors.

Source: the GGUF specification (ggml, `docs/gguf.md`) and llama.cpp's reading of it, for what its files leave unsaid.
"""

import math
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from reference_engine.errors import ModelError
from reference_engine.model.config import ModelConfig, RopeScaling
from reference_engine.model.config_file import checked_config
from reference_engine.model.families import family_of
from reference_engine.model.json_values import Values

__all__ = ["config_from_metadata"]

DEFAULT_THETA = 10_000.0
GEMMA_3_LOCAL_THETA = 10_000.0
SCALES_BY_HEADS: Mapping[str, int] = MappingProxyType({"gemma2": 46, "gemma3": 62})  # layers of the 27B models
PATTERNS: Mapping[str, int] = MappingProxyType({"gemma2": 2, "gemma3": 6})  # every n-th layer sees everything
MISTRAL_AS = "llama"  # what GGUF calls Mistral's architecture; all of its layers slide
END_KEYS = ("tokenizer.ggml.eos_token_id", "tokenizer.ggml.eot_token_id")


def config_from_metadata(
    metadata: Mapping[str, Any],
    *,
    origin: str,
    vocabulary_size: int,
    has_tied_embedding: bool,
    has_output_bias: bool,
) -> ModelConfig:
    """Return the shape of a GGUF file's model.

    What the metadata does not say comes from the tensors: the vocabulary, whether the output is the embedding, biases.

    Raises:
        ModelError: the engine cannot run it, or a key is missing.
    """
    architecture = metadata.get("general.architecture")
    family = family_of(architecture, origin=origin)
    prefix = f"{architecture}."
    own = {key.removeprefix(prefix): value for key, value in metadata.items() if key.startswith(prefix)}
    values = Values(own, origin)
    hidden_size, num_heads = values.integer("embedding_length"), values.integer("attention.head_count")
    num_layers = values.layers("block_count")
    head_dim = values.integer("attention.key_length", hidden_size // num_heads)
    window, is_sliding = _windows(str(architecture), values, num_layers)
    _check_rotation(values, head_dim)
    config = ModelConfig(  # one line a field: long, and read at a glance
        architecture=str(architecture),
        num_layers=num_layers,
        hidden_size=hidden_size,
        num_heads=num_heads,
        num_kv_heads=values.integer("attention.head_count_kv", num_heads),
        head_dim=head_dim,
        intermediate_size=values.integer("feed_forward_length"),
        vocabulary_size=vocabulary_size,
        max_positions=values.integer("context_length"),
        norm_epsilon=values.number("attention.layer_norm_rms_epsilon"),
        rope_theta=values.number("rope.freq_base", DEFAULT_THETA),
        rope_scaling=_linear_scaling(values),
        sliding_rope_theta=_local_theta(values) if architecture == "gemma3" and window else None,
        activation=family.activation,
        norm_adds_one=family.norm_adds_one,
        has_query_key_norm=family.has_query_key_norm,
        has_attention_bias=family.has_attention_bias or has_output_bias,
        has_output_bias=has_output_bias,
        has_post_norms=family.has_post_norms,
        embedding_scale=hidden_size**0.5 if family.scales_embedding else 1.0,
        attention_scale=_attention_scale(
            str(architecture), num_layers, head_dim=head_dim, hidden_per_head=hidden_size // num_heads
        ),
        attention_softcap=values.optional_number("attn_logit_softcapping"),
        logit_softcap=values.optional_number("final_logit_softcapping"),
        sliding_window=window,
        layer_is_sliding=is_sliding,
        has_tied_embedding=has_tied_embedding,
        end_tokens=_end_tokens(metadata, origin=origin),
    )
    return checked_config(config, origin=origin)


def _windows(architecture: str, values: Values, num_layers: int) -> tuple[int | None, tuple[bool, ...]]:
    if values.get("attention.sliding_window") is None:
        return None, ()
    if architecture not in (*PATTERNS, MISTRAL_AS):
        raise ModelError(f"{values.origin!r} has a sliding window, and does not say which layers of it slide")
    stated = values.get("attention.sliding_window_pattern", PATTERNS.get(architecture, 0))
    if isinstance(stated, list):
        is_sliding = tuple(bool(flag) for flag in stated)
    else:  # a period, in which the last layer sees everything; without one all layers slide
        is_sliding = tuple(not stated or (layer + 1) % stated != 0 for layer in range(num_layers))
    if len(is_sliding) != num_layers:
        raise ModelError(
            f"{values.origin!r}: the sliding window's pattern has {len(is_sliding)} of {num_layers} layers"
        )
    return (values.integer("attention.sliding_window"), is_sliding) if any(is_sliding) else (None, ())


def _local_theta(values: Values) -> float:
    return values.number("rope.freq_base_swa", GEMMA_3_LOCAL_THETA)


def _check_rotation(values: Values, head_dim: int) -> None:
    if values.get("rope.dimension_count", head_dim) != head_dim:
        raise ModelError(f"{values.origin!r} rotates a part of each head only; the engine rotates whole heads")


def _linear_scaling(values: Values) -> RopeScaling | None:
    kind = values.get("rope.scaling.type", "none")
    if kind == "none":
        return None
    if kind != "linear":
        raise ModelError(f"{values.origin!r} scales its rotation by {kind!r}; the engine knows linear and llama3")
    return RopeScaling("linear", values.number("rope.scaling.factor"))


def _attention_scale(architecture: str, num_layers: int, *, head_dim: int, hidden_per_head: int) -> float | None:
    """Return the query scale of Gemma 2 and 3, which no key states: that of the head, but for the 27B models."""
    if architecture not in SCALES_BY_HEADS:
        return None
    scalar = hidden_per_head if num_layers == SCALES_BY_HEADS[architecture] else head_dim
    return 1 / math.sqrt(scalar)


def _end_tokens(metadata: Mapping[str, Any], *, origin: str) -> tuple[int, ...]:
    tokens = [metadata[key] for key in END_KEYS if key in metadata]
    for token in tokens:
        if type(token) is not int or token < 0:
            raise ModelError(f"{origin!r}: an end token should be a token's number, found {token!r}")
    return tuple(dict.fromkeys(tokens))
