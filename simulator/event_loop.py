"""A virtual clock: runs actions in the order of their times. Knows nothing of requests, steps and costs.

Source: the heap key (time, priority, sequence) is SimPy's; it orders events totally, so that a run is reproducible.
"""

import heapq
from collections.abc import Callable
from enum import IntEnum
from typing import TypeAlias

__all__ = ["EventLoop", "Priority"]

Action: TypeAlias = Callable[[], None]


class Priority(IntEnum):
    """What comes first at equal times."""

    ARRIVAL = 0
    STEP_END = 1
    STEP_BEGIN = 2


class EventLoop:
    """A heap of actions to come. At equal times and priorities, what was scheduled first runs first."""

    def __init__(self) -> None:
        self.now_ns = 0
        self._heap: list[tuple[int, int, int, Action]] = []
        self._sequence = 0

    def schedule(self, at_ns: int, priority: Priority, action: Action) -> None:
        """Have an action run at a time that is not past.

        Raises:
            ValueError: the time is past.
        """
        if at_ns < self.now_ns:
            raise ValueError(f"cannot schedule at {at_ns} ns: it is {self.now_ns} ns already")
        heapq.heappush(self._heap, (at_ns, priority, self._sequence, action))
        self._sequence += 1

    @property
    def next_ns(self) -> int | None:
        """The time of the next action; None if nothing is left."""
        return self._heap[0][0] if self._heap else None

    def run(self) -> None:
        """Run until nothing is left."""
        while self._heap:
            self.now_ns, _, _, action = heapq.heappop(self._heap)
            action()
