"""The time of an all-reduce among the devices of a node. Knows no model beyond the bytes."""

from pasta_toolkit.specs import HardwareSpec, ModelSpec
from simulator.cost.errors import CostError

__all__ = ["ALL_REDUCE_LATENCY_S", "all_reduce_seconds"]

# Where a device says nothing. Ours: the order of magnitude over NVLink in serving engines, not measured.
ALL_REDUCE_LATENCY_S = 8e-6
ALL_REDUCES_PER_LAYER = 2


def all_reduce_seconds(model: ModelSpec, hardware: HardwareSpec, *, tensor_parallel: int, num_tokens: int) -> float:
    """Return the seconds that a step spends in all-reduces; none without tensor parallelism.

    Source: two a layer and one of the embedding (Shoeybi et al., Megatron-LM, 2019); a ring moves 2 (N - 1) / N of the
    bytes over each link (Patarasuk and Yuan, 2009).

    Raises:
        CostError: the device has no interconnect.
    """
    if tensor_parallel == 1:
        return 0.0
    if hardware.interconnect_bandwidth_bytes_per_s is None:
        raise CostError(f"{hardware.name!r} has no interconnect, which tensor parallel degree {tensor_parallel} needs")
    message_bytes = num_tokens * model.hidden_size * model.weight_bytes
    moved_bytes = 2 * (tensor_parallel - 1) / tensor_parallel * message_bytes
    latency_s = hardware.all_reduce_latency_s or ALL_REDUCE_LATENCY_S
    one = latency_s + moved_bytes / hardware.interconnect_bandwidth_bytes_per_s
    return (ALL_REDUCES_PER_LAYER * model.num_layers + 1) * one
