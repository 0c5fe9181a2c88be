"""The threads of one request as the engine sees them: tokens known and fed, lines of the pool. Knows no tensors.

The order in which tokens were fed is kept, so that a preempted request can feed them again: each at the position that
it had, seeing what it saw.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from reference_engine.pool import Holding, KvPool, Line, Orders, Swapped, swap_in, swap_out

__all__ = ["EngineRequest", "EngineThread", "FedToken"]

MAIN = 0


class FedToken(NamedTuple):
    """A token that is, or was, in the pool; `order` counts the request's tokens in the order of feeding."""

    token: int
    position: int
    thread: int
    order: int


@dataclass(slots=True, eq=False)
class EngineThread:
    """One thread. `tokens` are all that it knows, of which `num_fed` have been fed at least once.

    `fed` are the tokens in the pool that are its own, with those of joined branches, in step with its line's
    `own_slots`; `lost` those that a preemption threw out.
    """

    index: int
    tokens: list[int]
    line: Line | None = None
    num_fed: int = 0
    fed: list[FedToken] = field(default_factory=list)
    lost: list[FedToken] = field(default_factory=list)


class EngineRequest:
    """All live threads of one request, and when they were forked and joined."""

    def __init__(self, name: str, pool: KvPool, prompt: Iterable[int]) -> None:
        self.name = name
        self.orders = Orders()
        self.threads = {MAIN: EngineThread(MAIN, list(prompt), pool.open_line())}
        self._pool = pool
        self._swapped: Swapped | None = None

    @property
    def main(self) -> EngineThread:
        """The main thread."""
        return self.threads[MAIN]

    def promise(self, branch: int, tokens: Iterable[int]) -> None:
        """A branch is to come, whose first tokens are known."""
        self.threads[branch] = EngineThread(branch, list(tokens))

    def fork(self, branch: int) -> None:
        """A branch starts behind what the main thread has fed."""
        self.orders.fork(branch)
        self.threads[branch].line = self._pool.fork(self._line(self.main))

    def join(self) -> None:
        """The main thread takes over what all branches have fed.

        Raises:
            PoolError: its row cannot hold that (layout `copied`).
        """
        for index in [index for index in self.threads if index != MAIN]:
            branch = self.threads[index]
            self._pool.join(self._line(self.main), self._line(branch))
            self.main.fed += branch.fed
            self.orders.join(index)
            del self.threads[index]

    def line(self, thread: EngineThread) -> Line:
        """Return the line of a thread that is to run, made anew where a preemption took it."""
        if thread.line is None:
            line = thread.line = self._pool.open_line()
            prefix = self._seen_of_main(thread)
            if self._pool.copies:
                line.prefix = prefix
            self._pool.see(line, prefix)
        return thread.line

    def preempt(self) -> None:
        """Lose everything that is in the pool; it will be fed again in the same order."""
        for thread in self.threads.values():
            thread.lost = sorted((*thread.fed, *thread.lost), key=lambda fed: fed.order)
            thread.fed = []
        self.release()

    def swap_out(self) -> None:
        """Move everything to the host's memory."""
        self._swapped = swap_out(self._pool, self._lines())

    def swap_in(self) -> None:
        """Move it back, if it is there."""
        if self._swapped is not None:
            swap_in(self._pool, self._lines(), self._swapped)
            self._swapped = None

    def release(self, *, erase: bool = False) -> None:
        """Free all slots; `erase` overwrites them first."""
        for thread in self.threads.values():
            if thread.line is None:
                continue
            if self._swapped is not None:  # its slots are others' by now
                thread.line.holding = Holding()
            if erase:
                self._pool.erase(thread.line)
            self._pool.close(thread.line)
            thread.line = None
        self._swapped = None

    def sees(self, query: FedToken, key: FedToken) -> bool:
        """Say whether one token sees another; see `Orders`."""
        return self.orders.sees(query.thread, query.order, key_thread=key.thread, key_order=key.order)

    def _seen_of_main(self, branch: EngineThread) -> NDArray[np.int64]:
        now = FedToken(0, 0, branch.index, self.orders.next_order)
        pairs = zip(self.main.fed, self._line(self.main).own_slots, strict=True)
        return np.array([slot for fed, slot in pairs if branch.index != MAIN and self.sees(now, fed)], dtype=np.int64)

    def _lines(self) -> list[Line]:
        return [thread.line for thread in self.threads.values() if thread.line is not None]

    @staticmethod
    def _line(thread: EngineThread) -> Line:
        if thread.line is None:
            raise ValueError(f"thread {thread.index} has no line in the pool")
        return thread.line
