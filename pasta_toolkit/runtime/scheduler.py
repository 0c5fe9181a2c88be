"""Decides which threads run in the next step. Knows no clock, no text, no DAG and no tensors.

Online: it learns of promises, syncs and ends only from the progress of lanes. The rules, in order:

1. Admitted requests come before waiting ones; within each, threads stand in the given ordering (first come, first
   served unless told otherwise: the older request, then the lower thread).
2. A thread gets a lane while lanes and batched tokens are left; a prefill is cut into chunks by what is left of them.
3. When an admitted thread finds no slots in the KV cache, the last request in admission order that has no lane in this
   step yet is preempted: its cache is lost and fed again later (recompute), but for what a budget that remembers
   still has. Nothing is admitted in such a step.
4. A waiting request is admitted when a lane, tokens, slots and a request's place are free; the first that does not
   fit ends the admissions, so that none is overtaken. A preempted request waits before all others (first come only).

Source: rules 1 to 4 are those of vLLM's V1 scheduler (`vllm/v1/core/sched/scheduler.py`), with threads for sequences.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from pasta_toolkit.runtime.changes import Change, EventKind
from pasta_toolkit.runtime.kv import Interleaved, KvBudget, KvError
from pasta_toolkit.runtime.ordering import Ordering, first_come
from pasta_toolkit.runtime.positions import PositionPolicy, Predicted
from pasta_toolkit.runtime.request import Limits, Request
from pasta_toolkit.runtime.step import Lane, Progress, Step
from pasta_toolkit.runtime.threads import DecodeThread, RequestThreads

__all__ = ["Scheduler"]


@dataclass(slots=True)
class Scheduler:
    """Requests, running and waiting. Call `plan`, run the step, call `advance`; `arrive` at any time in between."""

    limits: Limits = field(default_factory=Limits)
    budget: KvBudget = field(default_factory=lambda: KvBudget(Interleaved()))
    positions: PositionPolicy = field(default_factory=Predicted)
    order: Ordering = first_come
    running: list[RequestThreads] = field(default_factory=list)
    waiting: list[RequestThreads] = field(default_factory=list)
    known: dict[str, RequestThreads] = field(default_factory=dict)
    num_arrived: int = 0
    num_steps: int = 0
    step: Step | None = None
    is_whole: bool = False

    def arrive(self, request: Request) -> Change:
        """Let a request wait.

        Raises:
            KvError: the prompt alone is larger than the cache.
            ValueError: a request of this name is here already.
        """
        if request.name in self.known:
            raise ValueError(f"a request named {request.name!r} is here already")
        self.check_size(request.name, request.prompt_tokens)
        threads = RequestThreads(request, self.num_arrived, self.budget.layout, self.positions)
        self.known[request.name] = threads
        self.waiting.append(threads)
        self.num_arrived += 1
        return Change(EventKind.ARRIVAL, request.name, None, request.prompt_tokens)

    def plan(self) -> tuple[Step | None, list[Change]]:
        """Choose the lanes of the next step; None if no thread can run.

        Raises:
            KvError: one request alone needs more slots than there are.
            ValueError: a step is under way.
        """
        if self.step is not None:
            raise ValueError(f"step {self.step.sequence} has not ended")
        planning = _Planning(self)
        planning.run()
        if planning.lanes:
            self.step = Step(self.num_steps, tuple(planning.lanes))
            self.num_steps += 1
            self.is_whole = planning.is_whole and not self.waiting
        return self.step, planning.changes

    def advance(self, progress: Iterable[Progress | None]) -> list[Change]:
        """End the step under way with the progress of its lanes.

        Raises:
            ValueError: no step is under way, or the progress does not fit its lanes.
        """
        if self.step is None:
            raise ValueError("no step is under way")
        changes: list[Change] = []
        touched: dict[str, RequestThreads] = {}
        for lane, made in zip(self.step.lanes, progress, strict=True):
            threads = touched[lane.request] = self.known[lane.request]
            changes += threads.advance(lane, made)
        self.step = None
        for threads in touched.values():
            changes += self._settle(threads)
        return changes

    @property
    def is_steady(self) -> bool:
        """Whether the step under way would be planned again, one token further, as long as no event befalls it.

        Every thread that can run has a lane and decodes one token, nobody waits, and no first token or fork is due.
        """
        return (
            self.step is not None
            and self.is_whole
            and all(lane.decodes and lane.num_tokens == 1 and not lane.copied_tokens for lane in self.step.lanes)
            and all(threads.is_steady for threads in self.running)
        )

    def room_to_repeat(self, num_steps: int) -> bool:
        """Say whether the cache has slots for so many repetitions of the step under way."""
        slots = sum(thread.slots_to_feed(num_steps + 1, self.budget.layout) for _, thread in self._running_lanes())
        return self.budget.has_room(slots)

    def repeat(self, num_steps: int) -> None:
        """End the step under way and begin it again, so many times, each with one token more and no event.

        Raises:
            ValueError: the step is not steady.
        """
        if self.step is None or not self.is_steady:
            raise ValueError("only a steady step can be repeated")
        for threads, thread in self._running_lanes():
            thread.repeat(num_steps)
            threads.decoded_tokens += num_steps
            slots = thread.slots_to_feed(1, self.budget.layout)
            self.budget.allocate(slots)
            thread.held_slots += slots
        lanes = (
            thread.lane(threads.request.name, 1, layout=self.budget.layout) for threads, thread in self._running_lanes()
        )
        self.step = Step(self.step.sequence + num_steps, tuple(lanes))
        self.num_steps += num_steps

    @property
    def is_idle(self) -> bool:
        """Whether no request is left."""
        return not self.running and not self.waiting

    def _running_lanes(self) -> Iterator[tuple[RequestThreads, DecodeThread]]:
        for lane in self.step.lanes if self.step is not None else ():
            threads = self.known[lane.request]
            yield threads, threads.thread(lane.thread)

    def _settle(self, threads: RequestThreads) -> Iterator[Change]:
        if threads.main.held_back_tokens:
            held = threads.held_slots
            yield from threads.join()
            self.budget.allocate(threads.held_slots - held)
        if threads.is_complete:
            self.budget.allocate(-threads.held_slots)
            self.running.remove(threads)
            del self.known[threads.request.name]
            yield Change(EventKind.COMPLETION, threads.request.name, None, threads.decoded_tokens)

    def check_size(self, name: str, num_slots: int) -> None:
        """Refuse what the whole cache cannot hold.

        Raises:
            KvError: so many slots do not exist.
        """
        if self.budget.total_slots is not None and num_slots > self.budget.total_slots:
            raise KvError(
                f"request {name!r} needs {num_slots} slots of the KV cache, which has {self.budget.total_slots}; "
                "give the cache more memory or the request fewer tokens"
            )


@dataclass(slots=True)
class _Planning:
    """One planning pass: what is left of the limits, and the lanes so far."""

    scheduler: Scheduler
    lanes: list[Lane] = field(default_factory=list)
    changes: list[Change] = field(default_factory=list)
    tokens_left: int = 0
    lanes_of: dict[int, int] = field(default_factory=dict)
    has_preempted: bool = False
    num_candidates: int = 0

    @property
    def is_whole(self) -> bool:
        """Whether every thread that could run has a lane."""
        return len(self.lanes) == self.num_candidates

    def run(self) -> None:
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
        self.scheduler.budget.release(threads.held_slots, threads.request.name)
        lost = threads.preempt()
        self.scheduler.running.remove(threads)
        self.scheduler.waiting.insert(0, threads)
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
            restored = threads.restorable_tokens(scheduler.budget.surviving_slots(threads.request.name))
            num_tokens = min(threads.main.pending_tokens - restored, self.tokens_left)
            slots = threads.main.slots_to_feed(restored + num_tokens, scheduler.budget.layout)
            if not scheduler.budget.has_room(slots):
                if not scheduler.running:
                    scheduler.check_size(threads.request.name, slots)
                return
            threads.resume(restored)
            scheduler.budget.reclaim(threads.request.name)
            self._start(scheduler.waiting.pop(0), num_tokens=num_tokens, slots=slots)

    def _start(self, threads: RequestThreads, *, num_tokens: int, slots: int) -> None:
        self.scheduler.running.append(threads)
        self.changes.append(Change(EventKind.ADMISSION, threads.request.name))
        self._add(threads, threads.main, num_tokens=num_tokens, slots=slots)
