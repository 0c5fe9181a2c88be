"""Replays where an engine's pool puts tokens, from the lanes of its steps alone. Knows no formula of time.

Placement is the reference engine's: units of the layout (slots, pages or rows), the lowest free one first. A request
that has no lane in a step is over, since one that runs always has one while lanes are not limited; under such limits,
and after a preemption, the replay is an approximation: what comes back is placed anew.
"""

import heapq
from collections.abc import Sequence
from dataclasses import dataclass, field

from pasta_toolkit.runtime import Lane

__all__ = ["PoolPlacement", "PoolShape"]

MAIN = 0


@dataclass(frozen=True, slots=True)
class PoolShape:
    """What a step over one pool asks for.

    `num_rows` tokens pass through the layers and `num_outputs` of them through the output head. Folded attention lets
    every row look at `extent` slots: all up to the last one in use. Padded attention (layout `copied`) looks at
    `padded_slots`: as many cache rows as lie between the first and the last lane's, each as long as the longest.
    `moved_tokens` were copied within the pool, for this step or since the one before.
    """

    num_rows: int
    num_outputs: int
    extent: int
    padded_slots: int = 0
    moved_tokens: int = 0


@dataclass(slots=True)
class _Held:
    """What one thread holds: units in order, tokens in them, and the slot behind its highest token."""

    units: list[int] = field(default_factory=list)
    num_filled: int = 0
    top: int = 0
    prefix_tokens: int = 0


class PoolPlacement:
    """A pool without end. State: which units are free, and what live threads hold.

    `unit_slots` is 1 in the layout `interleaved`, a page's tokens in `paged`, a row's in `copied`, which `copies`.
    """

    def __init__(self, unit_slots: int, *, copies: bool = False) -> None:
        self.unit_slots = unit_slots
        self.copies = copies
        self._next_unit = 0
        self._free: list[int] = []
        self._held: dict[str, dict[int, _Held]] = {}

    @property
    def extent(self) -> int:
        """One more than the last slot in use."""
        tops = (held.top for threads in self._held.values() for held in threads.values())
        return max(tops, default=0)

    def feed(self, lanes: Sequence[Lane]) -> PoolShape:
        """Place what the lanes of one step feed; return the step's shape."""
        running = {lane.request for lane in lanes}
        for request in [request for request in self._held if request not in running]:
            self._release(request)
        moved = sum(self._feed_lane(lane, lanes) for lane in lanes)
        num_rows = sum(lane.num_tokens for lane in lanes)
        num_outputs = sum(lane.decodes for lane in lanes)
        return PoolShape(num_rows, num_outputs, self.extent, self._padded(lanes), moved)

    def _feed_lane(self, lane: Lane, lanes: Sequence[Lane]) -> int:
        """Place a lane's tokens; return how many others had to move for it."""
        if lane.is_refill and lane.thread == MAIN and not lane.context_tokens:
            self._release(lane.request)
        threads = self._held.setdefault(lane.request, {})
        moved = 0
        if lane.thread not in threads:
            threads[lane.thread] = self._opened(lane)
            moved = lane.copied_tokens
        held = threads[lane.thread]
        if lane.thread == MAIN:
            moved += self._join(threads, lane, lanes)
        behind = lane.context_tokens + lane.num_tokens
        self._place(held, behind - held.prefix_tokens - held.num_filled)
        return moved

    def _opened(self, lane: Lane) -> _Held:
        """Return a new thread's holding: a branch shares its prefix, unless it has a copy of it."""
        if lane.thread == MAIN or self.copies:
            return _Held()
        return _Held(prefix_tokens=lane.context_tokens)

    def _join(self, threads: dict[int, _Held], lane: Lane, lanes: Sequence[Lane]) -> int:
        """Hand over the branches that have ended, if the main thread sees more than it has fed; return what moves."""
        main, running = threads[MAIN], {other.thread for other in lanes if other.request == lane.request}
        ended = [thread for thread in threads if thread not in running]
        gained = lane.context_tokens - main.prefix_tokens - main.num_filled
        if gained <= 0 or not ended:
            return 0
        for thread in ended:
            branch = threads.pop(thread)
            if self.copies:
                self._give_back(branch)
            else:
                main.top = max(main.top, branch.top)
                main.prefix_tokens += branch.num_filled
                main.units = branch.units + main.units
        return gained if self.copies else 0

    def _place(self, held: _Held, num_tokens: int) -> None:
        for _ in range(num_tokens):
            offset = held.num_filled % self.unit_slots
            if not offset:
                held.units.append(self._take())
            held.num_filled += 1
            held.top = max(held.top, held.units[-1] * self.unit_slots + offset + 1)

    def _padded(self, lanes: Sequence[Lane]) -> int:
        """Return the slots of the padded batch: the run of cache rows that holds all lanes, by the longest of them."""
        if not self.copies:
            return 0
        rows = [self._held[lane.request][lane.thread].units[0] for lane in lanes]
        longest = max(lane.context_tokens + lane.num_tokens for lane in lanes)
        return (max(rows) - min(rows) + 1) * longest * max(lane.num_tokens for lane in lanes)

    def _take(self) -> int:
        if self._free:
            return heapq.heappop(self._free)
        self._next_unit += 1
        return self._next_unit - 1

    def _give_back(self, held: _Held) -> None:
        for unit in held.units:
            heapq.heappush(self._free, unit)

    def _release(self, request: str) -> None:
        for held in self._held.pop(request, {}).values():
            self._give_back(held)
