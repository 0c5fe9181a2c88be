"""One planning pass of the scheduler: its rules 1 to 4, from candidates to lanes. Changes threads, slots and queues."""

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from pasta_toolkit.runtime.changes import Change, EventKind
from pasta_toolkit.runtime.ordering import first_come
from pasta_toolkit.runtime.request import Preemption
from pasta_toolkit.runtime.step import Lane
from pasta_toolkit.runtime.thread import DecodeThread
from pasta_toolkit.runtime.threads import RequestThreads

if TYPE_CHECKING:
    from pasta_toolkit.runtime.scheduler import Scheduler

__all__ = ["Planning"]


@dataclass(slots=True)
class Planning:
    """One planning pass: what is left of the limits, and the lanes so far."""

    scheduler: "Scheduler"
    lanes: list[Lane] = field(default_factory=list)
    changes: list[Change] = field(default_factory=list)
    tokens_left: int = 0
    lanes_of: dict[int, int] = field(default_factory=dict)
    has_preempted: bool = False
    num_candidates: int = 0
    swapped_tokens: int = 0

    @property
    def is_whole(self) -> bool:
        """Whether every thread that could run has a lane."""
        return len(self.lanes) == self.num_candidates

    def run(self) -> None:
        """Choose lanes for running requests, then admit waiting ones."""
        self.tokens_left = self.scheduler.limits.max_batched_tokens
        candidates = self._candidates()
        self.num_candidates = len(candidates)
        for threads, thread in candidates:
            if not self._has_room():
                return
            if thread.is_runnable and self._may_widen(threads):
                self._place(threads, thread)
        if not self.has_preempted:
            self._admit()

    def _candidates(self) -> list[tuple[RequestThreads, DecodeThread]]:
        """Return the runnable threads of admitted requests in order; admission order is that of arrival."""
        pairs = [(threads, thread) for threads in self.scheduler.running for thread in threads.runnable()]
        if self.scheduler.order is not first_come:
            pairs.sort(key=lambda pair: self.scheduler.order(*pair))
        return pairs

    def _has_room(self) -> bool:
        return self.tokens_left > 0 and len(self.lanes) < self.scheduler.limits.max_lanes

    def _may_widen(self, threads: RequestThreads) -> bool:
        limits = self.scheduler.limits
        is_crowded = len(self.scheduler.running) > limits.serialise_above
        return self.lanes_of.get(threads.sequence, 0) < (1 if is_crowded else limits.max_threads)

    def _place(self, threads: RequestThreads, thread: DecodeThread) -> None:
        """Give a lane to a thread of an admitted request, preempting others where the cache is full."""
        num_tokens = min(thread.pending_tokens, self.tokens_left)
        slots = thread.slots_to_feed(num_tokens, self.scheduler.budget.layout)
        while not self.scheduler.budget.has_room(slots):
            victim = self._victim()
            if victim is None:
                self._refuse_if_alone(threads, slots)
                return
            self._preempt(victim)
            if victim is threads:
                return
        self._add(threads, thread, num_tokens=num_tokens, slots=slots)

    def _add(self, threads: RequestThreads, thread: DecodeThread, *, num_tokens: int, slots: int) -> None:
        self.scheduler.budget.allocate(slots)
        self.lanes.append(thread.lane(threads.request.name, num_tokens, layout=self.scheduler.budget.layout))
        thread.held_slots += slots
        self.tokens_left -= num_tokens
        self.lanes_of[threads.sequence] = self.lanes_of.get(threads.sequence, 0) + 1

    def _victim(self) -> RequestThreads | None:
        """Return the last admitted request without a lane in this step; None if there is but one request."""
        running = self.scheduler.running
        free = (threads for threads in reversed(running) if threads.sequence not in self.lanes_of)
        return next(free, None) if len(running) > 1 else None

    def _preempt(self, threads: RequestThreads) -> None:
        scheduler = self.scheduler
        if scheduler.preemption is Preemption.SWAP:
            lost = threads.cached_tokens
            self.swapped_tokens += lost
            scheduler.budget.release(threads.held_slots)
            threads.swap_out()
        else:
            scheduler.budget.release(threads.held_slots, threads.request.name)
            lost = threads.preempt()
        scheduler.running.remove(threads)
        scheduler.waiting.insert(0, threads)
        self.has_preempted = True
        self.changes.append(Change(EventKind.PREEMPTION, threads.request.name, None, lost))

    def _refuse_if_alone(self, threads: RequestThreads, slots: int) -> None:
        """A request that is alone and finds no slots for any of its threads will never find any."""
        if len(self.scheduler.running) == 1 and not self.lanes:
            self.scheduler.check_size(threads.request.name, self.scheduler.budget.allocated_slots + slots)

    def _admit(self) -> None:
        scheduler = self.scheduler
        if scheduler.order is not first_come:
            scheduler.waiting.sort(key=lambda threads: scheduler.order(threads, threads.main))
        while scheduler.waiting and self._has_room() and len(scheduler.running) < scheduler.limits.max_requests:
            threads = scheduler.waiting[0]
            if not (self._swap_in(threads) if threads.swapped_slots else self._start(threads)):
                return

    def _swap_in(self, threads: RequestThreads) -> bool:
        """Bring a request back if there is room for all of it and for a token more of each thread."""
        scheduler = self.scheduler
        slots, margin = threads.swapped_slots, self._margin(threads)
        if not scheduler.budget.has_room(slots + margin):
            if not scheduler.running:
                scheduler.check_size(threads.request.name, slots + margin)
            return False
        scheduler.budget.allocate(slots)
        threads.swap_in()
        self.swapped_tokens += threads.cached_tokens
        self._enter(threads)
        for thread in threads.runnable():
            if self._has_room() and self._may_widen(threads):
                self._place(threads, thread)
        return True

    def _margin(self, threads: RequestThreads) -> int:
        """Return the slots that one further token of each thread takes."""
        layout = self.scheduler.budget.layout
        return sum(thread.slots_to_feed(1, layout) - thread.swapped_slots for thread in threads.live)

    def _start(self, threads: RequestThreads) -> bool:
        """Give a waiting request its first lane if there are slots for all that the main thread has to feed.

        What survives of its cache is not fed again.
        """
        scheduler = self.scheduler
        restored = threads.restorable_tokens(scheduler.budget.surviving_slots(threads.request.name))
        num_tokens = min(threads.main.pending_tokens - restored, self.tokens_left)
        whole = threads.main.slots_to_feed(threads.main.pending_tokens, scheduler.budget.layout)
        if not scheduler.budget.has_room(whole):
            if not scheduler.running:
                scheduler.check_size(threads.request.name, whole)
            return False
        slots = threads.main.slots_to_feed(restored + num_tokens, scheduler.budget.layout)
        threads.resume(restored)
        scheduler.budget.reclaim(threads.request.name)
        self._enter(threads)
        self._add(threads, threads.main, num_tokens=num_tokens, slots=slots)
        return True

    def _enter(self, threads: RequestThreads) -> None:
        self.scheduler.waiting.pop(0)
        self.scheduler.running.append(threads)
        self.changes.append(Change(EventKind.ADMISSION, threads.request.name))
