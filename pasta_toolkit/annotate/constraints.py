"""Says which pieces an outline allows: what may be decoded apart, place by place. Knows no tokens."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from pasta_toolkit.annotate.blocks import BlockKind
from pasta_toolkit.annotate.outline import Outline
from pasta_toolkit.annotate.policy import AnnotationPolicy
from pasta_toolkit.annotate.remarks import Region

__all__ = ["Constraints", "find_constraints"]


@dataclass(frozen=True, slots=True)
class Constraints:
    """The rules of an outline, ready to be looked up while a plan is built from left to right.

    Places lie between blocks: place i is before block i. `region_at[i]` is the region that place i cuts in two, if
    any. A list is *split* where one of its blocks runs in a branch that is not joined yet: a remark must not follow.
    """

    governors: tuple[int, ...]
    region_at: tuple[Region | None, ...]
    is_remark: tuple[bool, ...]
    may_begin_branch: tuple[bool, ...]
    barriers: frozenset[int]

    def may_end_branch(self, start: int, end: int) -> bool:
        """Say whether a branch of blocks `start` to `end - 1` hides nothing from the block behind it."""
        return end == len(self.governors) or self.governors[end] < start

    def holds_remark(self, start: int, end: int) -> bool:
        """Say whether a piece holds a remark on a list that begins before the piece."""
        region = self.region_at[start]
        return region is not None and end > region.first_remark

    def splits_list(self, start: int, end: int) -> bool:
        """Say whether a list is split behind a branch."""
        region = self.region_at[end]
        return region is not None and start < region.first_remark

    def stays_split(self, place: int) -> bool:
        """Say whether a list that is split before a block of the main thread is so behind it."""
        return self.region_at[place] is not None and self.region_at[place] is self.region_at[place + 1]

    @property
    def sync_places(self) -> tuple[int, ...]:
        """Return the places where a sync lets something be seen that must be seen."""
        regions = dict.fromkeys(region for region in self.region_at if region is not None)
        return tuple(sorted(self.barriers | {region.first_remark for region in regions}))


def find_constraints(outline: Outline, policy: AnnotationPolicy) -> Constraints:
    """Look up an outline's rules for every place."""
    num_blocks = len(outline.blocks)
    return Constraints(
        governors=outline.governors,
        region_at=tuple(_region_at(outline.regions, num_blocks + 1)),
        is_remark=tuple(_is_remark(outline.regions, num_blocks)),
        may_begin_branch=tuple(policy.cuts_prose or block.kind is not BlockKind.PARAGRAPH for block in outline.blocks),
        barriers=frozenset(outline.barriers),
    )


def _region_at(regions: Iterable[Region], num_places: int) -> list[Region | None]:
    found: list[Region | None] = [None] * num_places
    for region in regions:
        found[region.start + 1 : region.end] = [region] * (region.end - region.start - 1)
    return found


def _is_remark(regions: Sequence[Region], num_blocks: int) -> list[bool]:
    found = [False] * num_blocks
    for region in regions:
        found[region.first_remark : region.end] = [True] * (region.end - region.first_remark)
    return found
