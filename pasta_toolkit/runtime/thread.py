"""One decode thread: what it has fed, what is pending, what it waits for. Knows no other thread."""

from dataclasses import dataclass
from enum import StrEnum

from pasta_toolkit.runtime.kv import KvLayout
from pasta_toolkit.runtime.step import Lane

__all__ = ["DecodeThread", "ThreadState"]


class ThreadState(StrEnum):
    """What a thread waits for. Only ready threads and threads that wait for prefill may have a lane."""

    WAITING_FOR_PREFILL = "waiting for prefill"
    WAITING_FOR_FORK = "waiting for fork"
    READY = "ready"
    BLOCKED = "blocked at sync"
    FINISHED = "finished"
    PREEMPTED = "preempted"


@dataclass(slots=True)
class DecodeThread:
    """One thread. `pending_tokens` are known and not in the cache; those of a sync tag are held back until the join.

    `context_tokens` = prefix (what a branch shares) + joined (branches that it may see) + its own tokens in the cache.
    """

    index: int
    pending_tokens: int
    state: ThreadState
    promised_tokens: int = 0
    reserved_positions: int = 0
    prefix_tokens: int = 0
    own_tokens: int = 0
    joined_tokens: int = 0
    held_back_tokens: int = 0
    refill_tokens: int = 0
    decoded_tokens: int = 0
    next_position: int = 0
    held_slots: int = 0
    kept_slots: int = 0
    has_ended: bool = False
    state_before: ThreadState | None = None
    swapped_slots: int = 0

    @property
    def context_tokens(self) -> int:
        """Tokens in the cache that this thread sees."""
        return self.prefix_tokens + self.joined_tokens + self.own_tokens

    @property
    def is_runnable(self) -> bool:
        """Whether the thread may have a lane now."""
        return self.state in _RUNNABLE and self.pending_tokens > 0

    def slots_to_feed(self, num_tokens: int, layout: KvLayout) -> int:
        """Return the slots to allocate before so many tokens can be fed."""
        return layout.slots(self.prefix_tokens, self.own_tokens + num_tokens) + self.kept_slots - self.held_slots

    def lane(self, request: str, num_tokens: int, *, layout: KvLayout) -> Lane:
        """Return the lane that feeds so many of the pending tokens."""
        is_first = self.index > 0 and self.own_tokens == 0
        return Lane(
            request,
            self.index,
            num_tokens,
            self.next_position,
            self.context_tokens,
            num_tokens == self.pending_tokens and not self.has_ended and not self.held_back_tokens,
            layout.copied_tokens(self.prefix_tokens) if is_first else 0,
            self.refill_tokens > 0,
        )

    def feed(self, num_tokens: int) -> None:
        """Take note that tokens went into the cache."""
        refilled = min(num_tokens, self.refill_tokens)
        self.refill_tokens -= refilled
        self.pending_tokens -= num_tokens
        self.own_tokens += num_tokens
        self.next_position += num_tokens - refilled

    def repeat(self, num_tokens: int) -> None:
        """Decode and feed so many tokens one by one, of which the last is pending as the one before was."""
        self.own_tokens += num_tokens
        self.next_position += num_tokens
        self.decoded_tokens += num_tokens

    def settle(self) -> None:
        """Choose the state of a thread that has fed all it could."""
        if self.held_back_tokens:
            self.state = ThreadState.BLOCKED
        elif self.has_ended:
            self.state = ThreadState.FINISHED

    def lose_cache(self) -> int:
        """Forget everything that is in the cache, to be fed again; return how many tokens that are."""
        lost = self.own_tokens + self.joined_tokens
        self.refill_tokens += lost
        self.pending_tokens += lost
        self.own_tokens = self.joined_tokens = self.held_slots = self.kept_slots = 0
        self.state = ThreadState.PREEMPTED
        return lost

    def swap_out(self) -> None:
        """Leave the cache with everything that is there."""
        self.state_before, self.state = self.state, ThreadState.PREEMPTED
        self.swapped_slots, self.held_slots = self.held_slots, 0

    def swap_in(self) -> None:
        """Come back as it was."""
        self.state, self.state_before = self.state_before or self.state, None
        self.held_slots, self.swapped_slots = self.swapped_slots, 0


_RUNNABLE = (ThreadState.READY, ThreadState.WAITING_FOR_PREFILL)
