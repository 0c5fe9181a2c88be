"""Executes steps on paper: a cost says how long they take, scripts what they decode. Knows no clock and no queue."""

from typing import Protocol

from pasta_toolkit.runtime import Lane, ScriptReader, Step, StepOutcome

__all__ = ["ConstantCost", "ScriptedExecutor", "StepCost"]


class StepCost(Protocol):
    """Says how long a step of these lanes takes."""

    def duration_ns(self, lanes: tuple[Lane, ...]) -> int:
        """Return the step's time in nanoseconds."""


class ConstantCost:
    """Every step takes the same time: the device of the ideal speed-up, on which only the number of steps counts."""

    def __init__(self, step_ns: int) -> None:
        self._step_ns = step_ns

    def duration_ns(self, lanes: tuple[Lane, ...]) -> int:
        """Return the constant."""
        del lanes
        return self._step_ns


class ScriptedExecutor:
    """An executor in forced mode: durations from a cost, progress from scripts."""

    def __init__(self, cost: StepCost, reader: ScriptReader) -> None:
        self.reader = reader
        self._cost = cost

    def execute(self, step: Step) -> StepOutcome:
        """Run a step in no time, and say how long it would have taken."""
        return StepOutcome(self._cost.duration_ns(step.lanes), self.reader.progress(step.lanes))
