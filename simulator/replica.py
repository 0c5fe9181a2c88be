"""One copy of a model under load: a session, an executor, and the loop's events that move them. Knows no other copy."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace

from pasta_toolkit.runtime import (
    Change,
    EventKind,
    Interleaved,
    KvBudget,
    KvLayout,
    Limits,
    Ordering,
    PositionPolicy,
    Predicted,
    Preemption,
    Request,
    Scheduler,
    Script,
    ScriptReader,
    Session,
    Step,
    StepOutcome,
    TraceEvent,
    first_come,
)
from simulator.event_loop import EventLoop, Priority
from simulator.executor import ScriptedExecutor, StepCost
from simulator.prefix_cache import PrefixCache, PromptPrefix

__all__ = ["Arrival", "Replica", "Serving"]


@dataclass(frozen=True, slots=True)
class Arrival:
    """A request, when it comes, what it will decode, and what is known of its prompt's beginning."""

    at_ns: int
    request: Request
    script: Script
    prefix: PromptPrefix = field(default_factory=PromptPrefix)


@dataclass(frozen=True, slots=True)
class Serving:
    """How a replica serves. `kv_slots` of None: memory without end.

    `remembers_cache` is a prefix cache: see `KvBudget` for what a preempted request finds again; and a prompt is not
    fed as far as its blocks were seen by the replica before, or a record says that they were cached.
    """

    limits: Limits = field(default_factory=Limits)
    layout: KvLayout = field(default_factory=Interleaved)
    kv_slots: int | None = None
    positions: PositionPolicy = field(default_factory=Predicted)
    order: Ordering = first_come
    remembers_cache: bool = False
    preemption: Preemption = Preemption.RECOMPUTE

    def scheduler(self) -> Scheduler:
        """Return a fresh scheduler."""
        budget = KvBudget(self.layout, self.kv_slots, remembers=self.remembers_cache)
        return Scheduler(self.limits, budget, self.positions, self.order, self.preemption)


class Replica:
    """Begins a step whenever it is idle and something can run; tells `watch` of every change."""

    def __init__(
        self,
        loop: EventLoop,
        serving: Serving,
        *,
        cost: StepCost,
        record: Callable[[TraceEvent], object] | None,
        watch: Callable[[Change], object],
    ) -> None:
        self.session = Session(serving.scheduler(), record)
        self.busy_ns = 0
        self.slot_ns = 0
        self.peak_slots = 0
        self.prompt_tokens = 0
        self.cached_tokens = 0
        self._prefixes = PrefixCache(capacity_tokens=serving.kv_slots) if serving.remembers_cache else None
        self._loop = loop
        self._executor = ScriptedExecutor(cost, ScriptReader())
        self._watch = watch
        self._is_busy = False

    @property
    def num_unfinished(self) -> int:
        """Requests that run or wait here."""
        return len(self.session.scheduler.known)

    def hit_tokens(self, arrival: Arrival) -> int:
        """Return how many leading tokens of a prompt this replica has cached."""
        if self._prefixes is None:
            return 0
        return self._prefixes.hit_tokens(arrival.prefix, arrival.request.prompt_tokens)

    def arrive(self, arrival: Arrival) -> None:
        """Take in a request now; what the prefix cache holds of its prompt is not fed."""
        cached = max(arrival.request.cached_tokens, self.hit_tokens(arrival))
        request = replace(arrival.request, cached_tokens=cached)
        if self._prefixes is not None:
            self._prefixes.remember(arrival.prefix)
        self.prompt_tokens += request.prompt_tokens
        self.cached_tokens += cached
        self._executor.reader.add(request.name, arrival.script)
        self._watch(self.session.arrive(request, at_ns=self._loop.now_ns))
        if not self._is_busy:
            self._is_busy = True
            self._loop.schedule(self._loop.now_ns, Priority.STEP_BEGIN, self._begin)

    def _begin(self) -> None:
        step, changes = self.session.begin(at_ns=self._loop.now_ns)
        for change in changes:
            self._watch(change)
        if step is None:
            self._is_busy = False
            return
        slots = self._slots
        repeated_ns = self._repeat(step)
        outcome = self._executor.execute(self.session.scheduler.step or step)
        duration_ns = repeated_ns + outcome.duration_ns
        self.busy_ns += duration_ns
        self.slot_ns += duration_ns * (slots + self._slots) // 2
        self.peak_slots = max(self.peak_slots, self._slots)
        self._loop.schedule(self._loop.now_ns + duration_ns, Priority.STEP_END, lambda: self._end(outcome))

    @property
    def _slots(self) -> int:
        return self.session.scheduler.budget.allocated_slots

    def _repeat(self, step: Step) -> int:
        """Run all but the last of the steps up to the next event at once; return how long they take.

        Nothing is approximated: each step has its own cost, only the scheduler is not asked when its answer is known.
        """
        scheduler = self.session.scheduler
        if self.session.is_recording or not scheduler.is_steady:
            return 0
        num_plain = self._executor.reader.num_plain(step.lanes)
        if num_plain < 1 or not scheduler.room_to_repeat(num_plain):
            return 0
        next_ns = self._loop.next_ns
        left_ns = None if next_ns is None else next_ns - self._loop.now_ns
        num_steps, duration_ns = self._executor.repeated(step, num_plain, left_ns=left_ns)
        if num_steps:
            scheduler.repeat(num_steps)
            self._executor.reader.skip(step.lanes, num_steps)
        return duration_ns

    def _end(self, outcome: StepOutcome) -> None:
        for change in self.session.end(outcome, at_ns=self._loop.now_ns):
            if change.kind is EventKind.COMPLETION:
                self._executor.reader.remove(change.request)
            self._watch(change)
        self._loop.schedule(self._loop.now_ns, Priority.STEP_BEGIN, self._begin)
