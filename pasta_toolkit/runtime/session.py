"""Gives the scheduler's changes their times and alone writes the trace. Owns no clock: it is told the time."""

from collections.abc import Callable, Iterable

from pasta_toolkit.runtime.changes import Change, EventKind
from pasta_toolkit.runtime.request import Request
from pasta_toolkit.runtime.scheduler import Scheduler
from pasta_toolkit.runtime.step import Step, StepOutcome
from pasta_toolkit.runtime.trace import TraceEvent

__all__ = ["Session"]


class Session:
    """A scheduler with a trace. At equal times call `arrive`, then `end`, then `begin`.

    Every event goes to `record` at once, in order; with None nothing is recorded.
    """

    def __init__(self, scheduler: Scheduler, record: Callable[[TraceEvent], object] | None = None) -> None:
        self.scheduler = scheduler
        self._record = record
        self._now_ns = 0

    @property
    def now_ns(self) -> int:
        """The latest time that the session was told."""
        return self._now_ns

    def arrive(self, request: Request, *, at_ns: int) -> Change:
        """Let a request arrive."""
        self._advance_to(at_ns)
        change = self.scheduler.arrive(request)
        self._write((change,))
        return change

    def cancel(self, name: str, *, at_ns: int) -> Change:
        """Let a request go between steps, complete or not."""
        self._advance_to(at_ns)
        change = self.scheduler.cancel(name)
        self._write((change,))
        return change

    def begin(self, *, at_ns: int) -> tuple[Step | None, list[Change]]:
        """Begin a step, None if there is nothing to run; return it and what changed."""
        self._advance_to(at_ns)
        step, changes = self.scheduler.plan()
        self._write(changes)
        if step is not None and self._record is not None:
            swapped = step.swapped_tokens or None
            self._record(TraceEvent(at_ns, EventKind.STEP_BEGIN, None, None, swapped, step.sequence, step.lanes))
        return step, changes

    def end(self, outcome: StepOutcome, *, at_ns: int) -> list[Change]:
        """End the step under way; return what changed."""
        self._advance_to(at_ns)
        step = self.scheduler.step
        changes = self.scheduler.advance(outcome.progress)
        if step is not None and self._record is not None:
            self._record(TraceEvent(at_ns, EventKind.STEP_END, step=step.sequence))
        self._write(changes)
        return changes

    @property
    def is_recording(self) -> bool:
        """Whether events are recorded, which needs every step by itself."""
        return self._record is not None

    def _advance_to(self, at_ns: int) -> None:
        if at_ns < self._now_ns:
            raise ValueError(f"the clock went back from {self._now_ns} to {at_ns} ns")
        self._now_ns = at_ns

    def _write(self, changes: Iterable[Change]) -> None:
        if self._record is not None:
            for kind, request, thread, value in changes:
                self._record(TraceEvent(self._now_ns, kind, request, thread, value))
