"""Where tokens lie: which slots of the pool a thread is given, for each layout. Knows no tensors and no visibility.

The slots that holdings own are at all times as many as the runtime's KV budget has allocated for their threads: the
placements here are the addresses behind the counts of `pasta_toolkit.runtime.kv`. The lowest free slot, page or row is
given first, so that what is in use stays together.
"""

import heapq
from dataclasses import dataclass, field
from typing import Protocol

from pasta_toolkit.runtime import Copied, Interleaved, KvLayout, Paged
from reference_engine.errors import EngineError, PoolError

__all__ = ["Holding", "Placement", "placement_for"]


@dataclass(slots=True)
class Holding:
    """What one thread holds: the slots it owns, in units of its layout, and how many of the last unit are filled.

    `owned` and `kept` are units: slots, pages or rows; `kept` are those taken over from joined branches.
    """

    owned: list[int] = field(default_factory=list)
    kept: list[int] = field(default_factory=list)
    num_filled: int = 0


class Placement(Protocol):
    """Gives slots to threads and takes them back."""

    unit_slots: int

    def place(self, holding: Holding, num_tokens: int) -> list[int]:
        """Return the slots of a thread's next tokens."""

    def join(self, main: Holding, branch: Holding) -> int:
        """Hand a branch's slots to the main thread; return how many of its tokens must move there first."""

    def release(self, holding: Holding) -> None:
        """Take back all that a thread holds."""

    def take(self, num_units: int) -> list[int]:
        """Give away so many units."""

    @property
    def num_free(self) -> int:
        """Slots that nobody owns."""


class _Units:
    """A heap of free units, the lowest first."""

    def __init__(self, num_slots: int, unit_slots: int) -> None:
        self.unit_slots = unit_slots
        self._free = list(range(num_slots // unit_slots))  # an ascending list is a heap

    @property
    def num_free(self) -> int:
        """Slots that nobody owns."""
        return len(self._free) * self.unit_slots

    def place(self, holding: Holding, num_tokens: int) -> list[int]:
        """Fill the last unit, then take others."""
        size = self.unit_slots
        filled = range(holding.num_filled, holding.num_filled + num_tokens)
        holding.owned += self.take(-(-filled.stop // size) - len(holding.owned))
        holding.num_filled = filled.stop
        return [holding.owned[place // size] * size + place % size for place in filled]

    def take(self, num_units: int) -> list[int]:
        """Give away the lowest units.

        Raises:
            PoolError: there are not so many.
        """
        if num_units > len(self._free):
            raise PoolError(f"the KV pool has {self.num_free} free slots, and {num_units * self.unit_slots} are needed")
        return [heapq.heappop(self._free) for _ in range(num_units)]

    def join(self, main: Holding, branch: Holding) -> int:
        """Keep the units where they are."""
        main.kept += branch.owned
        branch.owned, branch.num_filled = [], 0
        return 0

    def release(self, holding: Holding) -> None:
        """Take back all units."""
        for unit in (*holding.owned, *holding.kept):
            heapq.heappush(self._free, unit)
        holding.owned, holding.kept, holding.num_filled = [], [], 0


class _Rows(_Units):
    """One row a thread; a joined branch's own tokens move to the main thread's row."""

    def place(self, holding: Holding, num_tokens: int) -> list[int]:
        """Go on in the thread's row."""
        if holding.num_filled + num_tokens > self.unit_slots:
            raise PoolError(
                f"a thread needs {holding.num_filled + num_tokens} tokens of context, and a row of the layout 'copied' "
                f"has {self.unit_slots}; give the engine longer rows"
            )
        return super().place(holding, num_tokens)

    def join(self, main: Holding, branch: Holding) -> int:
        """Move what the branch filled behind its copy of the prefix; the caller knows which slots those are."""
        return branch.num_filled


def placement_for(layout: KvLayout, num_slots: int) -> Placement:
    """Return the placement of a layout in a pool of so many slots.

    Raises:
        EngineError: the layout has no placement, or the pool does not consist of its pages or rows.
    """
    if isinstance(layout, Interleaved):
        return _Units(num_slots, 1)
    if isinstance(layout, Paged):
        return _Units(_whole(num_slots, layout.page_tokens), layout.page_tokens)
    if isinstance(layout, Copied) and layout.row_tokens is not None:
        return _Rows(_whole(num_slots, layout.row_tokens), layout.row_tokens)
    raise EngineError(f"the engine has no placement for the KV layout {layout.name!r}; in 'copied', rows need a length")


def _whole(num_slots: int, unit_slots: int) -> int:
    if num_slots % unit_slots:
        raise EngineError(f"a pool of {num_slots} slots does not consist of units of {unit_slots}; choose a multiple")
    return num_slots
