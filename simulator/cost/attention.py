"""The time of decode attention of one layer on a GPU, smooth in its parameters. Knows no model beyond its bytes.

The formula uses only + - * / and **, so that it is fast on floats and works on arrays alike.
"""

from simulator.cost.device import Device, Numbers
from simulator.cost.parameters import KernelParameters

__all__ = ["decode_attention_seconds"]

CACHE_SHARPNESS = 8.0  # ours: a cyclic read of slightly more than a cache holds misses everywhere
CACHE_FILL = 0.95  # ours: fitted by eye on five devices; the switch is sharp and lies between 0.5 and 1.3
SPLIT_CONTEXT_TOKENS = 192.0  # ours: between 128 and 256 tokens kernels begin to split the keys among blocks
SPLIT_SHARPNESS = 4.0


def decode_attention_seconds(
    parameters: KernelParameters,
    device: Device,
    *,
    num_lanes: Numbers,
    num_kv_heads: int | Numbers,
    kv_bytes: Numbers,
    mean_context: Numbers,
) -> Numbers:
    """Return the seconds of one layer's attention for lanes of equal context that read `kv_bytes` together.

    Bytes that fit the last-level cache come from it, others from memory: a benchmark reads the same cache again, though
    inside a model the weights push it out. Scheduling the blocks of all lanes and kv heads overlaps with reading.
    Law: rises with lanes and bytes.
    """
    reach = (CACHE_FILL * device.cache_bytes / kv_bytes) ** CACHE_SHARPNESS
    missed = 1 / (1 + reach)
    per_byte = 1 / device.bandwidth_bytes_per_s
    from_memory = (
        kv_bytes * per_byte / parameters.attention_bandwidth_fraction
        + parameters.attention_miss_cycles / device.clock_hz
    )
    from_cache = kv_bytes * per_byte / parameters.attention_cache_bandwidth_fraction
    reading = missed * from_memory + (1 - missed) * from_cache
    scheduling = parameters.attention_lane_cycles * num_lanes * num_kv_heads / (device.num_units * device.clock_hz)
    norm = parameters.attention_overlap_norm
    overlapped = (reading**norm + scheduling**norm) ** (1 / norm)
    return overlapped + _launch_cycles(parameters, num_lanes, mean_context) / device.clock_hz


def _launch_cycles(parameters: KernelParameters, num_lanes: Numbers, mean_context: Numbers) -> Numbers:
    """Return the latency of the kernels: a single lane may need no second one, long contexts need a split."""
    is_single = num_lanes <= 1
    single = 1 + (parameters.attention_single_lane_fraction - 1) * is_single
    split = parameters.attention_split_cycles / (1 + (SPLIT_CONTEXT_TOKENS / mean_context) ** SPLIT_SHARPNESS)
    return parameters.attention_launch_cycles * single + split
