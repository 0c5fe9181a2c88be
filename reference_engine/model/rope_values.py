"""Reads how a config.json wants its positions rotated, in the old spelling and in that of transformers 5."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from reference_engine.errors import ModelError
from reference_engine.model.config import RopeScaling
from reference_engine.model.json_values import Values

__all__ = ["RopeValues", "read_rope"]

DEFAULT_THETA = 10_000.0
KINDS = ("default", "linear", "llama3")
FULL, SLIDING = "full_attention", "sliding_attention"


@dataclass(frozen=True, slots=True)
class RopeValues:
    """What the rotation of a model needs; `sliding_theta` is None where sliding layers rotate as all others do."""

    theta: float
    scaling: RopeScaling | None
    sliding_theta: float | None = None


def read_rope(values: Values) -> RopeValues:
    """Return the rotation that a file asks for.

    Raises:
        ModelError: it asks for a kind that the engine does not know.
    """
    parameters = values.get("rope_parameters")
    if parameters is None:
        return _old_spelling(values)
    if not isinstance(parameters, Mapping):
        raise ModelError(f"{values.origin!r}: rope_parameters should be an object, found {parameters!r}")
    if FULL not in parameters:
        return RopeValues(_theta(parameters, values), _scaling(parameters, values.origin), _local_theta(values))
    full, sliding = parameters[FULL], parameters.get(SLIDING) or {}
    if _scaling(sliding, values.origin) is not None:
        raise ModelError(f"{values.origin!r} scales the rotation of its sliding layers; the engine does not")
    local = Values(sliding, values.origin, {"rope_theta": values.get("rope_local_base_freq", DEFAULT_THETA)})
    return RopeValues(_theta(full, values), _scaling(full, values.origin), local.number("rope_theta"))


def _old_spelling(values: Values) -> RopeValues:
    """`rope_theta` and `rope_scaling` beside each other; Gemma 3 adds `rope_local_base_freq`."""
    scaling = values.get("rope_scaling")
    return RopeValues(_theta({}, values), _scaling(scaling or {}, values.origin), _local_theta(values))


def _local_theta(values: Values) -> float | None:
    return values.optional_number("rope_local_base_freq")


def _theta(parameters: Mapping[str, Any], values: Values) -> float:
    stated = {"rope_theta": values.get("rope_theta", DEFAULT_THETA)}
    return Values(parameters, values.origin, stated).number("rope_theta")


def _scaling(parameters: Mapping[str, Any], origin: str) -> RopeScaling | None:
    if not isinstance(parameters, Mapping):
        raise ModelError(f"{origin!r}: rope_scaling should be an object, found {parameters!r}")
    kind = parameters.get("rope_type", parameters.get("type", "default"))
    if kind not in KINDS:
        raise ModelError(f"{origin!r} scales its rotation by {kind!r}; the engine knows {', '.join(KINDS)}")
    if parameters.get("partial_rotary_factor", 1.0) != 1:
        raise ModelError(f"{origin!r} rotates a part of each head only; the engine rotates whole heads")
    values = Values(parameters, f"{origin}: rotation")
    if kind == "default":
        return None
    if kind == "linear":
        return RopeScaling(kind, values.number("factor"))
    return RopeScaling(
        kind,
        values.number("factor"),
        low_frequency_factor=values.number("low_freq_factor"),
        high_frequency_factor=values.number("high_freq_factor"),
        original_positions=values.integer("original_max_position_embeddings"),
    )
