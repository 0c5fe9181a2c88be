"""What a decoding strategy is: it makes an answer into a job, and may change what steps cost. Knows no load."""

from typing import Protocol

from simulator.answer import Answer
from simulator.executor import StepCost
from simulator.job import Job

__all__ = ["Strategy"]


class Strategy(Protocol):
    """A way to decode an answer whose text is given."""

    @property
    def name(self) -> str:
        """What options and reports call the strategy."""

    def job(self, answer: Answer, *, at_ns: int = 0) -> Job:
        """Return the requests that decode an answer."""

    def priced(self, cost: StepCost) -> StepCost:
        """Return what steps cost under this strategy."""
