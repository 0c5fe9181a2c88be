"""A spec as plain values for reports: what its file says, and what follows from it. Knows no format."""

from dataclasses import asdict
from typing import Any

from pasta_toolkit.specs.hardware import HardwareSpec
from pasta_toolkit.specs.model import ModelSpec

__all__ = ["derived_values", "stated_values"]


def stated_values(spec: HardwareSpec | ModelSpec) -> dict[str, Any]:
    """Return a spec's own fields in their order, without those that nobody set."""
    return {key: value for key, value in asdict(spec).items() if value not in (None, (), "")}


def derived_values(spec: HardwareSpec | ModelSpec, *, tensor_parallel: int = 1) -> dict[str, float]:
    """Return what follows from a spec; for a model, what one device of a tensor-parallel group sees.

    Raises:
        SpecError: the degree does not suit the model.
    """
    if isinstance(spec, HardwareSpec):
        return {"ridge_flops_per_byte": spec.ridge_flops_per_byte}
    return {
        "num_parameters": spec.num_parameters,
        "num_matrix_parameters": spec.num_matrix_parameters,
        "total_weight_bytes": spec.total_weight_bytes,
        "weight_bytes_per_step": spec.weight_bytes_per_step(tensor_parallel=tensor_parallel),
        "kv_bytes_per_token": spec.kv_bytes_per_token(tensor_parallel),
        "flops_per_token": spec.flops_per_token(),
    }
