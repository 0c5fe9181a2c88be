"""What unequal contexts cost: long lanes go on when the short ones have ended, and then fewer blocks share the memory.

A fluid model. Every (lane, kv head) is worked on by a few thread blocks, all of them at the same rate. A block alone
reads at most `BLOCK_BYTES_PER_S`; together they saturate the bandwidth. When a lane ends, its blocks fall idle. Equal
lanes end together, so the ratio to them is at least 1.
"""

from collections.abc import Sequence

from pasta_toolkit.specs import HardwareSpec

__all__ = ["skew_factor"]

# Ours: attention without a split over keys (8 kv heads, no grouping) reads 512 bytes in 23 ns per block on an A100 (one
# lane of 65,536 tokens in the aiconfigurator 0.12 table).
BLOCK_BYTES_PER_S = 22e9
# Source: FlashAttention-2, num_splits_heuristic: two blocks a streaming multiprocessor; no split from 80 % of them on.
BLOCKS_PER_UNIT = 2
SPLIT_BELOW = 0.8
# Ours: chosen on the skew profile of LLMServingSim (RTX 4090, Llama-3.1-8B, 327 rows) from a coarse grid; the error is
# flat around them. See docs/cost_models.md.
OVERFILL = 3.0
SATURATION_NORM = 2.0
OCCUPANCY_EXPONENT = 0.1


def skew_factor(contexts: Sequence[int], hardware: HardwareSpec, *, num_kv_heads: int) -> float:
    """Return the time of reading these contexts over the time of reading as many tokens in equal contexts.

    Laws: 1 for equal contexts, at least 1 always, unchanged when all contexts are multiplied.
    """
    if not hardware.num_compute_units or len(contexts) < 2 or min(contexts) == max(contexts):  # noqa: PLR2004
        return 1.0
    slots = BLOCKS_PER_UNIT * hardware.num_compute_units
    blocks_per_lane = num_kv_heads * _splits(len(contexts) * num_kv_heads, slots)
    bandwidth = hardware.memory_bandwidth_bytes_per_s
    ordered = sorted(contexts)
    time_of_unequal, done = 0.0, 0
    for index, context in enumerate(ordered):
        if context > done:
            num_lanes = len(ordered) - index
            rate = _rate(num_lanes * blocks_per_lane, slots, bandwidth)
            time_of_unequal += (context - done) * num_lanes / rate
            done = context
    return time_of_unequal * _rate(len(ordered) * blocks_per_lane, slots, bandwidth) / sum(ordered)


def _splits(num_tiles: int, slots: int) -> float:
    """Return into how many blocks the keys of a lane and kv head are split."""
    return max(1.0, OVERFILL * slots / num_tiles) if num_tiles < SPLIT_BELOW * slots else 1.0


def _rate(num_blocks: float, slots: int, bandwidth: float) -> float:
    """Return the bytes a second that so many blocks read together."""
    saturated = bandwidth * min(1.0, num_blocks / slots) ** OCCUPANCY_EXPONENT
    alone = num_blocks * BLOCK_BYTES_PER_S
    norm = SATURATION_NORM
    return float((saturated**-norm + alone**-norm) ** (-1 / norm))
