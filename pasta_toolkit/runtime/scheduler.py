"""Decides which threads run in the next step. Knows no clock, no text, no DAG and no tensors.

Online: it learns of promises, syncs and ends only from the progress of lanes. The rules, in order:

1. Admitted requests come before waiting ones; within each, threads stand in the given ordering (first come, first
   served unless told otherwise: the older request, then the lower thread).
2. A thread gets a lane while lanes and batched tokens are left; a prefill is cut into chunks by what is left of them.
3. When an admitted thread finds no slots in the KV cache, the last request in admission order that has no lane in this
   step yet is preempted: its cache is lost and fed again later (recompute), but for what a budget that remembers
   still has; or it is moved to the host and back (swap). Nothing is admitted in such a step.
4. A waiting request is admitted when a lane, tokens, a request's place and slots for its whole prompt are free, though
   it may be fed in chunks (a preempted one: for its main thread's tokens); the first that does not fit ends the
   admissions, so that none is overtaken. A preempted request waits before all others (first come only).

Source: rules 1 to 4 are those of vLLM's V1 scheduler (`vllm/v1/core/sched/scheduler.py`, with its default
`scheduler_reserve_full_isl`), with threads for sequences.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from pasta_toolkit.runtime.changes import Change, EventKind
from pasta_toolkit.runtime.kv import Interleaved, KvBudget, KvError
from pasta_toolkit.runtime.ordering import Ordering, first_come
from pasta_toolkit.runtime.planning import Planning
from pasta_toolkit.runtime.positions import PositionPolicy, Predicted
from pasta_toolkit.runtime.request import Limits, Preemption, Request
from pasta_toolkit.runtime.step import Progress, Step
from pasta_toolkit.runtime.thread import DecodeThread
from pasta_toolkit.runtime.threads import RequestThreads

__all__ = ["Scheduler"]


@dataclass(slots=True)
class Scheduler:
    """Requests, running and waiting. Call `plan`, run the step, call `advance`; `arrive` at any time in between."""

    limits: Limits = field(default_factory=Limits)
    budget: KvBudget = field(default_factory=lambda: KvBudget(Interleaved()))
    positions: PositionPolicy = field(default_factory=Predicted)
    order: Ordering = first_come
    preemption: Preemption = Preemption.RECOMPUTE
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
        planning = Planning(self)
        planning.run()
        if planning.lanes:
            self.step = Step(self.num_steps, tuple(planning.lanes), planning.swapped_tokens)
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

    def cancel(self, name: str) -> Change:
        """Let a request go, whatever it does, and free its slots; between steps only.

        Raises:
            ValueError: no such request is here, or a step is under way.
        """
        if name not in self.known or self.step is not None:
            raise ValueError(f"cannot cancel {name!r}: it is not here, or a step is under way")
        threads = self.known.pop(name)
        if threads in self.running:
            self.running.remove(threads)
            self.budget.allocate(-threads.held_slots)
        else:
            self.waiting.remove(threads)
        return Change(EventKind.CANCELLATION, name, None, threads.decoded_tokens)

    @property
    def is_steady(self) -> bool:
        """Whether the step under way would be planned again, one token further, as long as no event befalls it.

        Every thread that can run has a lane and decodes one token, nobody waits, and no first token or fork is due.
        """
        return (
            self.step is not None
            and self.is_whole
            and not self.step.swapped_tokens
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
                "give the cache more memory or the request fewer tokens",
                request=name,
            )
