"""Executes steps on paper: a cost says how long they take, scripts what they decode. Knows no clock and no queue."""

from typing import Protocol

from pasta_toolkit.runtime import Lane, ScriptReader, Step, StepOutcome

__all__ = ["ConstantCost", "ScriptedExecutor", "StepCost"]


class StepCost(Protocol):
    """Says how long a step of these lanes takes."""

    def duration_ns(self, lanes: tuple[Lane, ...]) -> int:
        """Return the step's time in nanoseconds."""

    def decode_ns(self, contexts: tuple[int, ...]) -> int:
        """Return the time of a step whose lanes feed one token each, behind so many tokens of context."""

    def swap_ns(self, num_tokens: int) -> int:
        """Return the time to move so many tokens between the cache and the host's memory."""


class ConstantCost:
    """Every step takes the same time: the device of the ideal speed-up, on which only the number of steps counts."""

    def __init__(self, step_ns: int) -> None:
        self._step_ns = step_ns

    def duration_ns(self, lanes: tuple[Lane, ...]) -> int:
        """Return the constant."""
        del lanes
        return self._step_ns

    def decode_ns(self, contexts: tuple[int, ...]) -> int:
        """Return the constant."""
        del contexts
        return self._step_ns

    def swap_ns(self, num_tokens: int) -> int:
        """Return 0: only steps take time."""
        del num_tokens
        return 0


class ScriptedExecutor:
    """An executor in forced mode: durations from a cost, progress from scripts."""

    def __init__(self, cost: StepCost, reader: ScriptReader) -> None:
        self.reader = reader
        self._cost = cost

    def execute(self, step: Step) -> StepOutcome:
        """Run a step in no time, and say how long it would have taken."""
        duration_ns = self._cost.duration_ns(step.lanes)
        if step.swapped_tokens:
            duration_ns += self._cost.swap_ns(step.swapped_tokens)
        return StepOutcome(duration_ns, self.reader.progress(step.lanes))

    def repeated(self, step: Step, num_steps: int, *, left_ns: int | None) -> tuple[int, int]:
        """Repeat a decode step, each time a token further; return how often, at most `num_steps`, and how long in all.

        A repetition that ends at `left_ns` or later is not begun again: something else may befall first.
        """
        contexts = tuple(lane.context_tokens for lane in step.lanes)
        total_ns = 0
        for index in range(num_steps):
            duration_ns = self._cost.decode_ns(contexts)
            if left_ns is not None and total_ns + duration_ns >= left_ns:
                return index, total_ns
            total_ns += duration_ns
            contexts = tuple([context + 1 for context in contexts])
        return num_steps, total_ns
