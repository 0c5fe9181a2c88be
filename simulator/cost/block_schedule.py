"""What unequal contexts cost: decode attention as blocks that are dealt to compute units. Knows no model and no table.

A lane's keys for one kv head are one block's work, or that of several blocks where they are split. Blocks are handed
out in the order of the grid to whichever slot falls free; those at work share the bandwidth, but one alone reads no
faster than its own latency lets it. Equal lanes end together; a long one that starts late goes on alone. In a step with
chunks of prompts nothing is split, and each query head has blocks of its own: one a lane, and one for every 64 rows of
a chunk. Those of one group find the keys in the cache that one of them has read.

Nothing here is fitted to unequal contexts. Source: FlashAttention-2 (Dao, 2023), its public kernel: tiles of 64 rows
and 128 keys, the rule of splits, and a grid in which lanes run fastest within a head.
"""

import math
from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cache
from heapq import heapify, heapreplace

from pasta_toolkit.specs import HardwareSpec
from simulator.cost.heads import Heads
from simulator.cost.step_shape import PrefillShape

__all__ = ["BLOCK_BYTES_PER_S", "BlockSchedule", "captured_lanes"]

# One block alone. Ours: slopes over the context of rows in which a single lane is not split. A100 22 GB/s (one lane of
# aiconfigurator 0.12, no grouping), RTX 4090 16.4 and RTX PRO 6000 22.7 (vLLM 0.19 layers, one lane beside a chunk).
BLOCK_BYTES_PER_S = 22e9
TILE_TOKENS = 128
TILE_ROWS = 64
# The rule of splits counts two blocks a unit whatever the device holds; from 80 % of them on nothing is split.
BLOCKS_ASSUMED = 2
FULL_ENOUGH = 0.8
EFFICIENT_ENOUGH = 0.85
MAX_SPLITS = 128
BLOCK_SHARED_BYTES = 80 * 1024  # queries (64 rows), one tile of keys and one of values, 128 numbers of 2 bytes each
WAVES_SIMULATED = 4  # of earlier heads only the bytes count: by then no slot waits
CAPTURE_STEP = 8  # Source: vLLM captures graphs of 1, 2, 4, 8 and then every eighth number of lanes


@dataclass(frozen=True, slots=True)
class BlockSchedule:
    """One layer's decode attention on one device: slots for blocks, rates, and the bytes of a token in one kv head."""

    num_units: int
    num_slots: int
    num_kv_heads: int
    token_bytes: float
    bandwidth_bytes_per_s: float
    block_bytes_per_s: float = BLOCK_BYTES_PER_S
    group_size: float = 1  # query heads that share a kv head

    @staticmethod
    def of(
        hardware: HardwareSpec,
        heads: Heads,
        *,
        bandwidth_bytes_per_s: float | None = None,
        block_bytes_per_s: float = BLOCK_BYTES_PER_S,
    ) -> "BlockSchedule | None":
        """Return the schedule of a device; None if nothing is known of its units."""
        if not hardware.num_compute_units:
            return None
        shared = hardware.shared_memory_bytes_per_unit
        resident = BLOCKS_ASSUMED if shared is None else max(1, shared // BLOCK_SHARED_BYTES)
        return BlockSchedule(
            hardware.num_compute_units,
            hardware.num_compute_units * min(resident, BLOCKS_ASSUMED),
            heads.num_kv_heads,
            heads.token_bytes / heads.num_kv_heads,
            bandwidth_bytes_per_s or hardware.memory_bandwidth_bytes_per_s,
            block_bytes_per_s,
            heads.group_size,
        )

    def extra_seconds(self, contexts: Sequence[int], chunks: Sequence[PrefillShape] = ()) -> float:
        """Return what these contexts take longer than as many at their mean, beside the same chunks of prompts.

        Lanes stand longest first, as older requests have grown and stand first in a batch; their order does not matter.
        Laws: at least 0; 0 for equal contexts; without splits and chunks, in proportion to the scale of all contexts.
        """
        if len(contexts) < 2 or min(contexts) == max(contexts):  # noqa: PLR2004
            return 0.0
        return max(0.0, self._extra_beside(contexts, chunks) if chunks else self._extra_alone(contexts))

    def _extra_alone(self, contexts: Sequence[int]) -> float:
        num_tiles = captured_lanes(len(contexts)) * self.num_kv_heads
        splits = self.num_splits(num_tiles, math.ceil(max(contexts) / TILE_TOKENS))
        mean = sum(contexts) / len(contexts)
        ordered = sorted(contexts, reverse=True)
        if splits > 1:
            unequal = self._split_seconds(ordered, self.num_kv_heads, splits)
            equal = self._split_seconds([mean], self.num_kv_heads * len(contexts), splits)
        else:
            num_heads = self._heads_simulated(self.num_kv_heads, len(contexts))
            unequal = self._seconds(ordered * num_heads)
            equal = self._equal_seconds(mean, len(contexts) * num_heads)
        return unequal - equal

    def _extra_beside(self, contexts: Sequence[int], chunks: Sequence[PrefillShape]) -> float:
        """Return the difference for heads that are not grouped: what one reads, those of its group need not."""
        ungrouped = replace(self, bandwidth_bytes_per_s=self.bandwidth_bytes_per_s * self.group_size)
        rows = list(_chunk_blocks(chunks))
        mean = sum(contexts) / len(contexts)
        num_heads = self._heads_simulated(round(self.num_kv_heads * self.group_size), len(contexts) + len(rows))
        unequal = ungrouped._seconds((sorted(contexts, reverse=True) + rows) * num_heads)
        return unequal - ungrouped._seconds(([mean] * len(contexts) + rows) * num_heads)

    def _heads_simulated(self, num_heads: int, blocks_per_head: int) -> int:
        return min(num_heads, math.ceil(WAVES_SIMULATED * self.num_slots / blocks_per_head))

    def num_splits(self, num_tiles: int, num_key_tiles: int) -> int:
        """Return into how many blocks the keys of a lane and kv head are split.

        Source: FlashAttention-2, `num_splits_heuristic`: the fewest splits whose waves are nearly as full as the best.
        """
        return _num_splits(BLOCKS_ASSUMED * self.num_units, num_tiles, num_key_tiles)

    def _split_seconds(self, contexts: Sequence[float], copies: int, splits: int) -> float:
        """Return when the last block of so many copies of each lane ends; where all have slots, copies end together."""
        if len(contexts) * splits * copies <= self.num_slots:
            return self._drained(sorted(_split_blocks(contexts, 1, splits)), copies=copies)
        return self._seconds(_split_blocks(contexts, copies, splits))

    def _seconds(self, blocks: Sequence[float]) -> float:
        """Return when the last block ends, in the order given; all at work are equally fast, so one clock serves."""
        ends = [float(block) for block in blocks[: self.num_slots]]
        heapify(ends)
        clock = 0.0
        for block in blocks[self.num_slots :]:
            clock = ends[0]
            heapreplace(ends, clock + block)
        return clock / self._tokens_per_s(len(ends)) + self._drained(sorted(ends), clock)

    def _drained(self, ends: Sequence[float], clock: float = 0.0, *, copies: int = 1) -> float:
        """Return how long it takes from the clock on until all of these have ended; they stand in order."""
        seconds, ended = 0.0, 0
        while ended < len(ends):
            num_active, before, clock = (len(ends) - ended) * copies, clock, ends[ended]
            seconds += (clock - before) / self._tokens_per_s(num_active)
            ended = bisect_right(ends, clock, ended)
        return seconds

    def _equal_seconds(self, context: float, num_blocks: int) -> float:
        num_waves, rest = divmod(num_blocks, self.num_slots)
        waves = num_waves * context / self._tokens_per_s(self.num_slots)
        return waves + (context / self._tokens_per_s(rest) if rest else 0.0)

    def _tokens_per_s(self, num_active: int) -> float:
        """Return the rate of each of so many blocks."""
        return min(self.block_bytes_per_s, self.bandwidth_bytes_per_s / num_active) / self.token_bytes


def captured_lanes(num_lanes: int) -> int:
    """Return for how many lanes the graph was captured that runs these.

    >>> [captured_lanes(lanes) for lanes in (1, 3, 8, 9, 33)]
    [1, 4, 8, 16, 40]
    """
    if num_lanes <= CAPTURE_STEP:
        return 1 << (num_lanes - 1).bit_length()
    return math.ceil(num_lanes / CAPTURE_STEP) * CAPTURE_STEP


@cache
def _num_splits(places: int, num_tiles: int, num_key_tiles: int) -> int:
    if num_tiles >= FULL_ENOUGH * places:
        return 1
    most = min(MAX_SPLITS, places, num_key_tiles)
    fullness = {
        splits: num_tiles * splits / places / math.ceil(num_tiles * splits / places)
        for splits in range(1, most + 1)
        if splits == 1 or math.ceil(num_key_tiles / splits) != math.ceil(num_key_tiles / (splits - 1))
    }
    return next(s for s, full in fullness.items() if full >= EFFICIENT_ENOUGH * max(fullness.values()))


def _chunk_blocks(chunks: Iterable[PrefillShape]) -> Iterator[int]:
    """Yield how many keys each block of rows sees: all before the chunk, and the chunk up to its last row."""
    for chunk in chunks:
        for end in range(TILE_ROWS, chunk.chunk_tokens + TILE_ROWS, TILE_ROWS):
            yield chunk.context_tokens + min(end, chunk.chunk_tokens)


def _split_blocks(contexts: Sequence[float], num_kv_heads: int, splits: int) -> list[float]:
    blocks: list[float] = []
    for context in contexts:
        size = math.ceil(math.ceil(context / TILE_TOKENS) / splits) * TILE_TOKENS
        blocks += [max(0.0, min(size, context - start * size)) for start in range(splits)] * num_kv_heads
    return blocks
