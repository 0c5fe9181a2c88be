"""Whether a model fits on a device, and how much KV cache is left. Knows no time."""

from dataclasses import dataclass

from pasta_toolkit.specs.errors import SpecError
from pasta_toolkit.specs.hardware import HardwareSpec
from pasta_toolkit.specs.model import ModelSpec

__all__ = ["DEFAULT_MEMORY_FRACTION", "Placement", "place"]

DEFAULT_MEMORY_FRACTION = (
    0.9  # Source: vLLM's default of --gpu-memory-utilization; the rest is for activations and the runtime
)
BYTES_PER_GIB = 2**30


@dataclass(frozen=True, slots=True)
class Placement:
    """Say what one device of a tensor-parallel group holds."""

    tensor_parallel: int
    weight_bytes: float
    kv_capacity_bytes: float
    kv_capacity_tokens: int


def place(
    model: ModelSpec,
    hardware: HardwareSpec,
    *,
    tensor_parallel: int = 1,
    memory_fraction: float = DEFAULT_MEMORY_FRACTION,
) -> Placement:
    """Put a model on `tensor_parallel` devices and return what is left for the KV cache, per device.

    Raises:
        SpecError: it does not fit, the degree does not suit the model, or the devices have no interconnect.
    """
    model.check_tensor_parallel(tensor_parallel)
    if tensor_parallel > 1 and hardware.interconnect_bandwidth_bytes_per_s is None:
        raise SpecError(
            f"{hardware.name!r} has no interconnect_bandwidth_bytes_per_s,"
            f" which tensor parallel degree {tensor_parallel} needs"
        )
    embedding = 0 if model.has_tied_embeddings else model.vocabulary_size * model.hidden_size
    shard = sum(matrix.num_weights for matrix in model.matrices(tensor_parallel)) + embedding // tensor_parallel
    weight_bytes = (shard + model.num_vector_parameters) * model.weight_bytes
    free_bytes = memory_fraction * hardware.memory_capacity_bytes - weight_bytes
    tokens = int(free_bytes // model.kv_bytes_per_token(tensor_parallel))
    if tokens < 1:
        raise SpecError(_does_not_fit(model, hardware, tensor_parallel, weight_bytes, memory_fraction))
    return Placement(tensor_parallel, weight_bytes, free_bytes, tokens)


def _does_not_fit(
    model: ModelSpec, hardware: HardwareSpec, tensor_parallel: int, weight_bytes: float, memory_fraction: float
) -> str:
    share = f" on each of {tensor_parallel} devices" if tensor_parallel > 1 else ""
    usable = memory_fraction * hardware.memory_capacity_bytes
    return (
        f"{model.name!r} does not fit {hardware.name!r}: its weights take {weight_bytes / BYTES_PER_GIB:.1f}"
        f" GiB{share}, and {usable / BYTES_PER_GIB:.1f} GiB ({memory_fraction:.0%} of the memory) are usable;"
        " take a larger device or a higher tensor parallel degree"
    )
