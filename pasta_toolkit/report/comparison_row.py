"""One document, predicted and measured: values and their errors. Sums up nothing.

An error is predicted / measured - 1; all times are in nanoseconds.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from pasta_toolkit.report.prediction import LossAccount
from pasta_toolkit.runtime import EventKind, TraceEvent

__all__ = ["ComparisonRow", "Predicted", "StepPoint"]

MIN_TOKENS_OF_TPOT = 2


@dataclass(frozen=True, slots=True)
class Predicted:
    """What the simulator says of one document: both traces, the terms of the parallel one's steps, and an interval.

    `probe_ns` is the time of a probe's step, by which the speed of the machine is told; None if it was not asked.
    `steady_factors` are the interval's where that speed is known.
    """

    document: str
    parallel: tuple[TraceEvent, ...]
    sequential: tuple[TraceEvent, ...]
    terms: tuple[Mapping[str, float], ...]
    sequential_tokens: int
    ideal_speedup: float
    low_factor: float = 1.0
    high_factor: float = 1.0
    loss: LossAccount | None = None
    probe_ns: float | None = None
    steady_factors: tuple[float, float] = (1.0, 1.0)

    @property
    def latency_ns(self) -> int:
        """Predicted latency of the parallel decode."""
        return next(event.at_ns for event in self.parallel if event.kind is EventKind.COMPLETION)


@dataclass(frozen=True, slots=True)
class StepPoint:
    """One step of one document, for plots: what it fed, and what was predicted and measured."""

    num_lanes: int
    context_tokens: int
    predicted_ns: int
    measured_ns: float

    @property
    def error(self) -> float:
        """Predicted / measured - 1."""
        return self.predicted_ns / self.measured_ns - 1


@dataclass(frozen=True, slots=True)
class ComparisonRow:
    """One document, predicted and measured; times in nanoseconds.

    `latency_noise` and `speedup_noise` are what the first half of the repetitions says against the second, as an error;
    None where there is but one. `errors` hold those of all steps, chunks and threads. `slowdown` is how many times
    longer than predicted a probe's steps took beside the decodes (their median), and `steady` the row of the same
    decodes at the profile's speed; None where no probe ran.
    """

    document: str
    prompt_tokens: int
    sequential_tokens: int
    decoded_tokens: int
    num_branches: int
    num_repetitions: int
    ideal_speedup: float
    measured_latency_ns: float
    predicted_latency_ns: int
    measured_ttft_ns: float
    predicted_ttft_ns: int
    measured_sequential_ns: float
    predicted_sequential_ns: int
    measured_speedup: float
    low_factor: float
    high_factor: float
    latency_noise: float | None
    speedup_noise: float | None
    errors: Mapping[str, tuple[float, ...]]
    steps: tuple[StepPoint, ...]
    measured_loss: LossAccount | None = None
    predicted_loss: LossAccount | None = None
    slowdown: float | None = None
    steady: "ComparisonRow | None" = None

    @property
    def predicted_speedup(self) -> float:
        """Predicted sequential latency / predicted latency."""
        return self.predicted_sequential_ns / self.predicted_latency_ns

    @property
    def latency_error(self) -> float:
        """Of the parallel decode's latency."""
        return self.predicted_latency_ns / self.measured_latency_ns - 1

    @property
    def ttft_error(self) -> float:
        """Of the time to the first token."""
        return self.predicted_ttft_ns / self.measured_ttft_ns - 1

    @property
    def tpot_error(self) -> float | None:
        """Of the time for each token of the rendered answer after the first; None where there is none."""
        measured_ns = self.measured_latency_ns - self.measured_ttft_ns
        if self.sequential_tokens < MIN_TOKENS_OF_TPOT or not measured_ns:
            return None
        return (self.predicted_latency_ns - self.predicted_ttft_ns) / measured_ns - 1

    @property
    def sequential_error(self) -> float:
        """Of the sequential decode's latency."""
        return self.predicted_sequential_ns / self.measured_sequential_ns - 1

    @property
    def speedup_error(self) -> float:
        """Of the speed-up."""
        return self.predicted_speedup / self.measured_speedup - 1

    @property
    def is_covered(self) -> bool | None:
        """Whether the measured latency lies in the prediction's interval; None where the cost model gives none."""
        if self.low_factor == self.high_factor:
            return None
        ratio = self.measured_latency_ns / self.predicted_latency_ns
        return self.low_factor <= ratio <= self.high_factor
