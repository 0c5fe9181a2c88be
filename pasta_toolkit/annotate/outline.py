"""Finds out which blocks must be seen by which. Knows blocks, and no tokens, branches or tags.

A thread sees what it decoded itself, what the main thread decoded before, and branches joined by an earlier sync. An
annotation is sound when each block sees

- its governor: the heading or lead-in under which it stands, and so on upwards to the introduction;
- if it is a remark: the list or table that it remarks on;
- if it is a barrier, such as a conclusion: all before it.
"""

from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

from pasta_toolkit.annotate.blocks import Block, cut_blocks
from pasta_toolkit.annotate.governors import NOBODY, find_governors
from pasta_toolkit.annotate.policy import AnnotationPolicy
from pasta_toolkit.annotate.remarks import Region, find_barriers, find_regions

__all__ = ["Outline", "find_outline"]


@dataclass(frozen=True, slots=True)
class Outline:
    """Blocks and what they must see.

    `governors[i]` is the index of the block that governs block i, or -1. `regions` are lists with the remarks behind
    them, in order and apart from each other. `barriers` are the blocks that must see all before them, in order.
    """

    blocks: tuple[Block, ...]
    governors: tuple[int, ...]
    regions: tuple[Region, ...] = ()
    barriers: tuple[int, ...] = ()

    def fused(self, starts: Sequence[int]) -> "Outline":
        """Join blocks so that only those of `starts`, which hold 0, begin one. Regions that are cut into get lost."""
        ends = (*starts[1:], len(self.blocks))
        places = {start: place for place, start in enumerate((*starts, len(self.blocks)))}
        return Outline(
            tuple(map(self._joined, starts, ends)),
            tuple(_fused_governors(self.governors, starts, ends)),
            tuple(region.moved(places) for region in self.regions if all(edge in places for edge in region.edges)),
            tuple(dict.fromkeys(bisect_right(starts, barrier) - 1 for barrier in self.barriers)),
        )

    def _joined(self, start: int, end: int) -> Block:
        return replace(self.blocks[start], end=self.blocks[end - 1].end)


def find_outline(text: str, policy: AnnotationPolicy) -> Outline:
    """Cut a text into blocks and find what they must see."""
    blocks = cut_blocks(text)
    governors = find_governors(text, blocks, keeps_introduction=policy.keeps_introduction)
    if policy.waits == "nothing":
        return Outline(blocks, governors)
    all_regions = find_regions(blocks, governors) if policy.waits == "remarks" else ()
    barriers = find_barriers(text, blocks, all_regions)
    regions = [region for region in all_regions if region.first_remark not in barriers]
    outer = tuple(_outermost(regions))
    inner = set(regions).difference(outer)
    within = {index for region in inner for index in range(region.start + 1, region.end)}
    whole = Outline(blocks, governors, outer, barriers)
    return whole.fused([index for index in range(len(blocks)) if index not in within]) if inner else whole


def _outermost(regions: Iterable[Region]) -> Iterator[Region]:
    """Yield the regions that lie in no other; those inside them become whole blocks."""
    end = 0
    for region in regions:
        if region.start >= end:
            yield region
            end = region.end


def _fused_governors(governors: Sequence[int], starts: Sequence[int], ends: Sequence[int]) -> Iterator[int]:
    """Yield the new index of the last governor that stands outside of a fused block."""
    for start, end in zip(starts, ends, strict=True):
        outside = max((governor for governor in governors[start:end] if governor < start), default=NOBODY)
        yield bisect_right(starts, outside) - 1 if outside != NOBODY else NOBODY
