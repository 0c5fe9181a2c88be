"""What all models of an architecture have in common, and what their files leave unsaid. Knows no tensors."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

from reference_engine.errors import ModelError

__all__ = ["FAMILIES", "Family", "family_of"]


@dataclass(frozen=True, slots=True)
class Family:
    """The fixed part of an architecture.

    `defaults` are the values of keys of config.json that published files of the family leave out.
    Source: the configuration classes of transformers 5.
    """

    activation: str = "silu"
    norm_adds_one: bool = False
    has_query_key_norm: bool = False
    has_attention_bias: bool = False
    has_post_norms: bool = False
    scales_embedding: bool = False
    defaults: Mapping[str, Any] = field(default_factory=dict)


def _gemma(**fixed: Any) -> Family:
    common = {"head_dim": 256, "tie_word_embeddings": True, "eos_token_id": 1, "max_position_embeddings": 8192}
    defaults = MappingProxyType({**common, **fixed.pop("defaults", {})})
    return Family(activation="gelu_tanh", norm_adds_one=True, scales_embedding=True, defaults=defaults, **fixed)


FAMILIES: Mapping[str, Family] = MappingProxyType(
    {
        "llama": Family(),
        "mistral": Family(defaults=MappingProxyType({"sliding_window": 4096})),
        "qwen2": Family(has_attention_bias=True),
        "qwen3": Family(has_query_key_norm=True, defaults=MappingProxyType({"head_dim": 128})),
        "gemma": _gemma(),
        "gemma2": _gemma(
            has_post_norms=True,
            defaults={
                "query_pre_attn_scalar": 256,
                "sliding_window": 4096,
                "attn_logit_softcapping": 50.0,
                "final_logit_softcapping": 30.0,
                "sliding_window_pattern": 2,
            },
        ),
        "gemma3": _gemma(
            has_post_norms=True,
            has_query_key_norm=True,
            defaults={
                "vocab_size": 262_208,
                "num_attention_heads": 8,
                "num_key_value_heads": 4,
                "max_position_embeddings": 131_072,
                "query_pre_attn_scalar": 256,
                "sliding_window": 4096,
                "sliding_window_pattern": 6,
                "rope_theta": 1_000_000.0,
                "rope_local_base_freq": 10_000.0,
            },
        ),
    }
)


def family_of(architecture: object, *, origin: str) -> Family:
    """Return the family of an architecture that the file `origin` names.

    Raises:
        ModelError: the engine does not know it.
    """
    if not isinstance(architecture, str) or architecture not in FAMILIES:
        known = ", ".join(FAMILIES)
        raise ModelError(f"{origin!r} holds a model of the architecture {architecture!r}; the engine runs {known}")
    return FAMILIES[architecture]
