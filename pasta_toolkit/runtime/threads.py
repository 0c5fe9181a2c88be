"""The threads of one request: what each has fed, what it waits for, how forks and joins change it.

Knows neither other requests nor limits; time, text and tensors are nowhere near.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field

from pasta_toolkit.runtime.changes import Change, EventKind
from pasta_toolkit.runtime.kv import KvLayout
from pasta_toolkit.runtime.positions import PositionPolicy
from pasta_toolkit.runtime.request import Request
from pasta_toolkit.runtime.step import Event, Finished, Lane, Progress, Promised
from pasta_toolkit.runtime.thread import DecodeThread, ThreadState

__all__ = ["RequestThreads"]


@dataclass(slots=True)
class RequestThreads:
    """All threads of one request. `live` are the main thread and the branches that are not joined yet, in order."""

    request: Request
    sequence: int
    layout: KvLayout
    positions: PositionPolicy
    live: list[DecodeThread] = field(default_factory=list)
    num_branches: int = 0
    decoded_tokens: int = 0

    def __post_init__(self) -> None:
        """Begin with the main thread, whose pending tokens are the prompt."""
        if not self.live:
            cached = self.request.cached_tokens
            prompt = self.request.prompt_tokens - cached
            main = DecodeThread(0, prompt, ThreadState.WAITING_FOR_PREFILL, own_tokens=cached, next_position=cached)
            self.live.append(main)

    @property
    def main(self) -> DecodeThread:
        """The main thread."""
        return self.live[0]

    @property
    def is_complete(self) -> bool:
        """Whether every thread has decoded its last token, and a sync at the very end is joined."""
        return not self.main.held_back_tokens and all(thread.has_ended for thread in self.live)

    @property
    def held_slots(self) -> int:
        """Slots of the KV cache that the request holds."""
        return sum(thread.held_slots for thread in self.live)

    def thread(self, index: int) -> DecodeThread:
        """Return a live thread by its index.

        Raises:
            ValueError: no such thread lives.
        """
        for thread in self.live:
            if thread.index == index:
                return thread
        raise ValueError(f"request {self.request.name!r} has no live thread {index}")

    def runnable(self) -> list[DecodeThread]:
        """Return the threads that may have a lane now, in order."""
        return [thread for thread in self.live if thread.is_runnable]

    def advance(self, lane: Lane, progress: Progress | None) -> Iterator[Change]:
        """Take note of a lane that ran."""
        thread = self.thread(lane.thread)
        thread.feed(lane.num_tokens)
        if not thread.pending_tokens and not thread.index and len(self.live) > 1:
            yield from self._fork(thread)
        if lane.decodes:
            if progress is None:
                raise ValueError(f"no progress for a lane that decodes: {lane}")
            yield from self._decode(thread, progress)
        if not thread.pending_tokens:
            thread.settle()
        elif lane.decodes:
            thread.state = ThreadState.READY

    @property
    def is_steady(self) -> bool:
        """Whether nothing changes here while threads decode without events: no first token to come, and no fork."""
        return self.decoded_tokens > 0 and all(thread.state is not ThreadState.WAITING_FOR_FORK for thread in self.live)

    def join(self) -> Iterator[Change]:
        """Join the branches that the main thread waits for, if all of them are in the cache."""
        main, branches = self.main, self.live[1:]
        if main.state is not ThreadState.BLOCKED or any(
            branch.state is not ThreadState.FINISHED for branch in branches
        ):
            return
        for branch in branches:
            self._take_over(branch)
        del self.live[1:]
        main.pending_tokens, main.held_back_tokens = main.held_back_tokens, 0
        main.state = ThreadState.FINISHED if main.has_ended else ThreadState.READY
        yield Change(EventKind.JOIN, self.request.name, 0, len(branches))

    def preempt(self) -> int:
        """Lose the cache; return how many tokens must be fed again."""
        return sum(thread.lose_cache() for thread in self.live)

    @property
    def swapped_slots(self) -> int:
        """Slots that the request needs to come back from the host."""
        return sum(thread.swapped_slots for thread in self.live)

    @property
    def cached_tokens(self) -> int:
        """Tokens that lie in the cache for this request alone, or would if it were not swapped out."""
        return sum(thread.own_tokens + thread.joined_tokens for thread in self.live)

    def swap_out(self) -> None:
        """Leave the cache for the host's memory."""
        for thread in self.live:
            thread.swap_out()

    def swap_in(self) -> None:
        """Come back from the host's memory."""
        for thread in self.live:
            thread.swap_in()

    def restorable_tokens(self, num_slots: int) -> int:
        """Return how many of the main thread's lost tokens so many surviving slots hold; one is left to be fed."""
        most = min(num_slots, self.main.refill_tokens, self.main.pending_tokens - 1)
        while most > 0 and self.layout.slots(0, most) > num_slots:
            most -= 1
        return max(0, most)

    def resume(self, restored_tokens: int = 0) -> None:
        """Begin to feed the lost tokens again: the main thread first, then the branches that fork from it.

        The first `restored_tokens` of the main thread are in the cache still.
        """
        self.main.own_tokens += restored_tokens
        self.main.refill_tokens -= restored_tokens
        self.main.pending_tokens -= restored_tokens
        for thread in self.live:
            thread.state = ThreadState.WAITING_FOR_FORK
        self.main.state = ThreadState.WAITING_FOR_PREFILL

    def _decode(self, thread: DecodeThread, progress: Progress) -> Iterator[Change]:
        if not self.decoded_tokens and progress.decoded_tokens:
            yield Change(EventKind.FIRST_TOKEN, self.request.name, thread.index)
        self.decoded_tokens += progress.decoded_tokens
        thread.decoded_tokens += progress.decoded_tokens
        thread.pending_tokens += progress.pending_tokens
        for event in progress.events:
            yield self._apply(thread, event)

    def _apply(self, thread: DecodeThread, event: Event) -> Change:
        if isinstance(event, Promised):
            return self._promise(thread, event)
        if isinstance(event, Finished):
            return self._finish(thread)
        if thread.index:
            raise ValueError(f"thread {thread.index} of {self.request.name!r} cannot sync: it is a branch")
        if len(self.live) > 1:
            thread.held_back_tokens, thread.pending_tokens = thread.pending_tokens, 0
        return Change(EventKind.SYNC, self.request.name, 0, len(self.live) - 1)

    def _promise(self, thread: DecodeThread, promised: Promised) -> Change:
        if thread.index or any(branch.state is ThreadState.WAITING_FOR_FORK for branch in self.live[1:]):
            raise ValueError(f"thread {thread.index} of {self.request.name!r} cannot promise now")
        self.num_branches += 1
        branch = DecodeThread(self.num_branches, promised.forced_tokens, ThreadState.WAITING_FOR_FORK)
        branch.promised_tokens = promised.promised_tokens
        branch.reserved_positions = self.positions.reserved(promised)
        self.live.append(branch)
        return Change(EventKind.PROMISE, self.request.name, branch.index, promised.promised_tokens)

    def _finish(self, thread: DecodeThread) -> Change:
        """End a thread. What the main thread has not fed is fed only if a branch is to fork behind it."""
        thread.has_ended = True
        is_seen = thread.index or any(branch.state is ThreadState.WAITING_FOR_FORK for branch in self.live)
        if not is_seen:
            thread.pending_tokens = 0
        return Change(EventKind.FINISH, self.request.name, thread.index, thread.decoded_tokens)

    def _fork(self, parent: DecodeThread) -> Iterator[Change]:
        """Start the branches that wait for what the main thread has now fed."""
        for branch in self.live[1:]:
            if branch.state is not ThreadState.WAITING_FOR_FORK:
                continue
            branch.state = ThreadState.READY
            if not branch.prefix_tokens:
                self._begin(branch, parent)
                yield Change(EventKind.FORK, self.request.name, branch.index, branch.prefix_tokens)

    def _begin(self, branch: DecodeThread, parent: DecodeThread) -> None:
        branch.prefix_tokens = parent.context_tokens
        branch.next_position = parent.next_position
        branch.decoded_tokens = branch.pending_tokens
        self.decoded_tokens += branch.pending_tokens
        parent.next_position += branch.reserved_positions

    def _take_over(self, branch: DecodeThread) -> None:
        main = self.main
        kept = self.layout.kept_slots(branch.prefix_tokens, branch.own_tokens)
        main.joined_tokens += branch.own_tokens
        main.kept_slots += kept
        main.held_slots += kept
        branch.held_slots -= kept
        main.next_position = self.positions.after_join(main.next_position, branch.next_position)
