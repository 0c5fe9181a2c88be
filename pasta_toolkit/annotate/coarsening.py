"""Joins small blocks of long texts, so that planning stays fast. Knows no tokens: characters are near enough.

With a few branches it matters little whether a cut lies a hundredth of the text earlier or later.
"""

from collections.abc import Iterator
from itertools import chain

from pasta_toolkit.annotate.outline import Outline

__all__ = ["coarsened"]

MANY_BLOCKS = 128
PARTS = 96  # ours: blocks are joined up to this part of the text


def coarsened(outline: Outline) -> Outline:
    """Join neighbouring blocks under one governor where there are very many; keep where regions begin and end."""
    if len(outline.blocks) <= MANY_BLOCKS:
        return outline
    return outline.fused(list(_starts(outline)))


def _starts(outline: Outline) -> Iterator[int]:
    blocks, governors = outline.blocks, outline.governors
    longest = blocks[-1].end // PARTS
    edges = _large_edges(outline, longest)
    start = 0
    yield start
    for index in range(1, len(blocks)):
        is_short = blocks[index].end - blocks[start].start <= longest
        is_near = governors[index] >= start or governors[index] == governors[start]
        if not (is_short and is_near) or index in edges:
            start = index
            yield start


def _large_edges(outline: Outline, longest: int) -> set[int]:
    """Return the places that must stay: the edges of regions that are longer than one joined block."""
    blocks = outline.blocks
    large = (region for region in outline.regions if blocks[region.end - 1].end - blocks[region.start].start > longest)
    return set(chain.from_iterable(region.edges for region in large))
