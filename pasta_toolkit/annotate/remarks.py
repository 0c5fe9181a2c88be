"""Finds blocks that speak of what stands before them. Knows blocks and governors, and no tokens, branches or tags.

A remark is a paragraph behind a list, a table, a quote or HTML under the same governor, and every paragraph that
follows it there. A barrier draws on all before it: a conclusion, known by few English words at its beginning, a block
that refers to another one ("as mentioned above"), or remarks at the very end.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from pasta_toolkit.annotate.blocks import Block, BlockKind
from pasta_toolkit.diagnostics.rules.sibling_reference import REFERENCE

__all__ = ["Region", "find_barriers", "find_regions"]

CONCLUSION = re.compile(
    r"[\s#*_>]*(?:in (?:conclusion|summary|short|the end)|conclusions?|summary|overall|ultimately|all in all"
    r"|to (?:sum up|summari[sz]e|conclude|wrap up)|(?:final|closing) (?:thoughts|remarks|words)|(?:key )?takeaways?)\b",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Region:
    """A list or the like, blocks `start` to `first_remark - 1`, and the remarks on it, up to `end - 1`."""

    start: int
    first_remark: int
    end: int

    @property
    def edges(self) -> tuple[int, ...]:
        """The three places where blocks must begin or end."""
        return self.start, self.first_remark, self.end

    def moved(self, places: Mapping[int, int]) -> "Region":
        """Return the region after blocks have been counted anew."""
        return Region(places[self.start], places[self.first_remark], places[self.end])


def find_regions(blocks: Sequence[Block], governors: Sequence[int]) -> tuple[Region, ...]:
    """Return all regions, ordered by their start; two of them are apart, or one lies in the list of the other."""
    families: dict[int, list[int]] = {}
    for index, governor in enumerate(governors):
        families.setdefault(governor, []).append(index)
    plain = [block.kind is BlockKind.PARAGRAPH and index not in families for index, block in enumerate(blocks)]
    found = [region for family in families.values() for region in _regions_among(family, blocks, plain)]
    return tuple(sorted(found, key=lambda region: (region.start, -region.end)))


def _regions_among(family: Sequence[int], blocks: Sequence[Block], plain: Sequence[bool]) -> Iterator[Region]:
    """Walk the blocks of one governor; `start` is where the list begins that the next paragraph would remark on."""
    start = first_remark = None
    for index in family:
        if plain[index] and start is not None:
            first_remark = index if first_remark is None else first_remark
            continue
        if start is not None and first_remark is not None:
            yield Region(start, first_remark, index)
            start = first_remark = None
        if plain[index] or blocks[index].kind is BlockKind.HEADING:
            start = None
        elif start is None:
            start = index
    if start is not None and first_remark is not None:
        yield Region(start, first_remark, family[-1] + 1)


def find_barriers(text: str, blocks: Sequence[Block], regions: Sequence[Region]) -> tuple[int, ...]:
    """Return the blocks that must see all before them."""
    at_end = (region.first_remark for region in regions if region.end == len(blocks))
    references = (
        index for index, block in enumerate(blocks) if index and REFERENCE.search(text, block.start, block.end)
    )
    return tuple(sorted({*at_end, *references, *_conclusions(text, blocks)}))


def _conclusions(text: str, blocks: Sequence[Block]) -> Iterator[int]:
    """Yield headings and paragraphs of the second half that say so at their beginning."""
    for index, block in enumerate(blocks):
        is_late = block.start * 2 >= len(text) and block.kind in (BlockKind.HEADING, BlockKind.PARAGRAPH)
        if is_late and CONCLUSION.match(text, block.start, block.end):
            yield index
