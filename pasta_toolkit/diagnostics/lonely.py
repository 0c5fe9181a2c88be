"""Finds groups of one promise beside which the main thread writes next to nothing."""

from collections.abc import Iterator
from itertools import groupby

from pasta_toolkit.diagnostics.estimate import count_words
from pasta_toolkit.diagnostics.outline import Outline
from pasta_toolkit.diagnostics.structure import TagGroup

__all__ = ["lonely_runs"]


def lonely_runs(outline: Outline, min_overlap_words: int) -> Iterator[list[TagGroup]]:
    """Yield the lonely groups, those in a row together."""
    judged = groupby(outline.structure.groups, key=lambda group: _is_lonely(outline, group, min_overlap_words))
    yield from (list(run) for is_lonely, run in judged if is_lonely)


def _is_lonely(outline: Outline, group: TagGroup, min_overlap_words: int) -> bool:
    """Say whether one branch runs alone: beside it runs what the main thread writes from its promise to the sync."""
    if len(group.promises) > 1:
        return False
    end = outline.structure.num_tags if group.sync is None else group.sync
    block = group.blocks[0] if group.blocks else None
    beside = (place for place in range(group.promises[0] + 1, end + 1) if block is None or not block.holds(place))
    num_words = 0
    for place in beside:
        num_words += count_words(outline.parts[2 * place])
        if num_words >= min_overlap_words:
            return False
    return True
