"""What a cost model says of a step: named terms in seconds, their sum, and an interval. Knows no formula."""

from dataclasses import dataclass
from typing import Protocol

from simulator.cost.step_shape import StepShape

__all__ = ["CostModel", "StepCost", "Term"]

NANOSECONDS_PER_SECOND = 1e9


@dataclass(frozen=True, slots=True)
class Term:
    """One named part of a step's time."""

    name: str
    seconds: float


@dataclass(frozen=True, slots=True)
class StepCost:
    """The time of a step as named terms; law: `total_seconds` is the sum of the terms from first to last.

    The interval's bounds are `total_seconds` times `low_factor` and `high_factor`; both are 1 where nothing is known.
    """

    terms: tuple[Term, ...]
    low_factor: float = 1.0
    high_factor: float = 1.0

    @property
    def total_seconds(self) -> float:
        """Return the predicted time."""
        return sum(term.seconds for term in self.terms)

    @property
    def total_ns(self) -> int:
        """Return the predicted time in whole nanoseconds, as the runtime's clocks count."""
        return round(self.total_seconds * NANOSECONDS_PER_SECOND)

    @property
    def low_seconds(self) -> float:
        """Return the lower bound of the prediction interval."""
        return self.total_seconds * self.low_factor

    @property
    def high_seconds(self) -> float:
        """Return the upper bound of the prediction interval."""
        return self.total_seconds * self.high_factor

    def seconds(self, name: str) -> float:
        """Return the seconds of the terms of a name; 0 where there is none."""
        return sum(term.seconds for term in self.terms if term.name == name)


class CostModel(Protocol):
    """Predicts how long steps take."""

    @property
    def name(self) -> str:
        """What reports call this model."""

    def step_time(self, shape: StepShape) -> StepCost:
        """Return the cost of one step."""
