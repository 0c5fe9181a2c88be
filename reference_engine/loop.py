"""The loop: schedule, run, postprocess, until all requests are decoded. Owns the real clock; never chooses a lane.

It is the simulator's with another clock: the shared scheduler plans, the executor runs the model, the session
writes the trace. A request that fails (too long, out of slots, numbers that are none) is cancelled alone.
"""

import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from pasta_toolkit.runtime import (
    Change,
    EventKind,
    KvBudget,
    KvError,
    KvLayout,
    Limits,
    LimitsError,
    PositionPolicy,
    Predicted,
    Preemption,
    Request,
    Scheduler,
    Session,
    Step,
    StepOutcome,
    TraceEvent,
)
from reference_engine.decoding import Decoder
from reference_engine.errors import EngineError
from reference_engine.executor import TorchExecutor
from reference_engine.pool import KvPool
from reference_engine.recording import Recording
from reference_engine.requests import RequestLog

__all__ = ["PREFILL_CHUNK", "Job", "Loop", "Served"]

PREFILL_CHUNK = 512  # ours: bounds the memory of a prefill's attention; rows x slots numbers a head

Record = Callable[[TraceEvent], object]


@dataclass(frozen=True, slots=True, eq=False)
class Job:
    """A request with its decoder; it arrives so long after the run begins.

    What it decodes is annotated, or plain text, in which nothing is a tag.
    """

    name: str
    decoder: Decoder
    arrival_ns: int = 0
    is_annotated: bool = True


@dataclass(frozen=True, slots=True)
class Served:
    """What one round of the loop did: the step and its outcome, what changed, and which requests ended."""

    at_ns: int
    step: Step | None
    outcome: StepOutcome | None
    changes: tuple[Change, ...]
    ended: tuple[Recording, ...]


class Loop:
    """A pool, an executor over it, and the options of the scheduler. One run at a time; usable again after each."""

    def __init__(
        self,
        pool: KvPool,
        executor: TorchExecutor,
        *,
        positions: PositionPolicy | None = None,
        limits: Limits | None = None,
        preemption: Preemption = Preemption.RECOMPUTE,
    ) -> None:
        self.pool = pool
        self.executor = executor
        self.positions = positions or Predicted()
        self.limits = limits or Limits(max_batched_tokens=PREFILL_CHUNK)
        self.preemption = preemption

    @property
    def layout(self) -> KvLayout:
        """The pool's layout."""
        return self.pool.layout

    def run(self, jobs: Iterable[Job], *, record: Record | None = None) -> list[Recording]:
        """Decode all jobs; return their recordings in the order of the jobs."""
        jobs = list(jobs)
        ended = {recording.name: recording for served in self.serve(jobs, record=record) for recording in served.ended}
        return [ended[job.name] for job in jobs]

    def serve(self, jobs: Iterable[Job], *, record: Record | None = None) -> Iterator[Served]:
        """Decode all jobs, and say after each step what happened.

        Whoever stops early loses the requests under way, and nothing else.

        Raises:
            EngineError: two jobs bear one name.
        """
        run = _Run(self, jobs, record)
        try:
            while not run.is_over:
                yield run.round()
        finally:
            run.abandon()


class _Run:
    """One run of the loop: a session, a clock, and a log of every request."""

    def __init__(self, loop: Loop, jobs: Iterable[Job], record: Record | None) -> None:
        self.jobs = sorted(jobs, key=lambda job: job.arrival_ns)
        if len({job.name for job in self.jobs}) < len(self.jobs):
            raise EngineError("two requests bear the same name; give each its own")
        self.executor = loop.executor
        budget = KvBudget(loop.layout, loop.pool.num_slots)
        self.scheduler = Scheduler(loop.limits, budget, loop.positions, preemption=loop.preemption)
        self.session = Session(self.scheduler, record)
        self.logs: dict[str, RequestLog] = {}
        self.ended: list[Recording] = []
        self._begin_ns = time.perf_counter_ns()

    @property
    def now_ns(self) -> int:
        """Nanoseconds since the run began."""
        return time.perf_counter_ns() - self._begin_ns

    @property
    def is_over(self) -> bool:
        """Whether every job has ended."""
        return not self.jobs and self.scheduler.is_idle

    def round(self) -> Served:
        """Let requests arrive, run one step, and see who is done."""
        self.ended = []
        self._arrive()
        changes: list[Change] = []
        outcome = None
        step = self._begin(changes)
        if step is not None:
            outcome = self.executor.execute(step)
            changes += self._end(step, outcome)
        elif self.jobs and self.scheduler.is_idle:
            time.sleep(max(0, self.jobs[0].arrival_ns - self.now_ns) / 1e9)
        changes += [self._cancel(name, reason) for name, reason in list(self.executor.failures.items())]
        return Served(self.session.now_ns, step, outcome, tuple(changes), tuple(self.ended))

    def abandon(self) -> None:
        """Let everything go that is still under way."""
        self.executor.release_all()

    def _arrive(self) -> None:
        while self.jobs and self.jobs[0].arrival_ns <= self.now_ns:
            job = self.jobs.pop(0)
            log = self.logs[job.name] = RequestLog(job.name, job.decoder, job.arrival_ns)
            try:
                request = Request(job.name, len(job.decoder.prompt))
                self.session.arrive(request, at_ns=self.now_ns)
                self.executor.add(job.name, job.decoder)
            except (KvError, LimitsError) as error:
                self.ended.append(log.failed(str(error), at_ns=self.now_ns))

    def _begin(self, changes: list[Change]) -> Step | None:
        try:
            step, planned = self.session.begin(at_ns=self.now_ns)
        except KvError as error:
            if error.request is None:
                raise
            changes.append(self._cancel(error.request, str(error)))
            return None
        self.executor.follow(planned)
        changes += planned
        return step

    def _end(self, step: Step, outcome: StepOutcome) -> list[Change]:
        at_ns = self.now_ns
        for lane, progress in zip(step.lanes, outcome.progress, strict=True):
            if progress is not None:
                self.logs[lane.request].decoded(lane.thread, progress, at_ns=at_ns)
        changes = self.session.end(outcome, at_ns=at_ns)
        self.executor.follow(changes)
        for change in changes:
            if change.kind is EventKind.COMPLETION:
                self.ended.append(self.logs.pop(change.request).completed(at_ns=at_ns))
        return changes

    def _cancel(self, name: str, reason: str) -> Change:
        change = self.session.cancel(name, at_ns=self.now_ns)
        self.executor.follow((change,))
        self.ended.append(self.logs.pop(name).failed(reason, at_ns=self.now_ns))
        return change
