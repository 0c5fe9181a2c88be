"""The loss account of a measured decode: the chain of `docs/simulator.md`, its prices taken from measured steps.

Levels that count tokens or steps are priced with the measured sequential decode. What a lane's context costs is read
off a line through the sequential decode's steps. What lanes cost each other cannot be measured apart from how unequal
they are and what forks cost; all three stand together in `batch_inflation`.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import fmean, median

from pasta_toolkit.report.measurement import Measurement
from pasta_toolkit.report.prediction import LOSS_TERMS, LossAccount
from pasta_toolkit.report.step_times import StepTime, step_times

__all__ = ["LossTokens", "measured_loss", "merged_loss"]

NUM_TOKEN_LEVELS = 4  # of the chain: those that are defined on the DAG
OWN_CONTEXTS = 7  # the last level before lanes cost each other something
ALONE = 10  # the level of the request alone
MIN_STEPS = 3  # of a sequential decode, to draw a line through


@dataclass(frozen=True, slots=True)
class LossTokens:
    """What an account is counted in: tokens of the rendered answer and of the critical path."""

    sequential: int
    critical_path: int


def merged_loss(predicted: LossAccount) -> LossAccount:
    """Return a predicted account with all that lanes cost each other in one term, as it can be measured."""
    levels = predicted.levels_ns
    return LossAccount((*levels[: OWN_CONTEXTS + 1], *[levels[ALONE]] * (len(levels) - OWN_CONTEXTS - 1)))


def measured_loss(
    predicted: LossAccount,
    tokens: LossTokens,
    *,
    predicted_sequential_ns: int,
    parallel: Sequence[Measurement],
    sequential: Sequence[Measurement],
) -> LossAccount | None:
    """Return the account of a measured decode; None where too few of its sequential steps were measured.

    Levels on the DAG are shares of the sequential latency, the same ones as in `predicted`.
    """
    prompt, decode = _parted(_median_steps(sequential))
    if len(decode) < MIN_STEPS:
        return None
    sequential_ns = median(measured.latency_ns for measured in sequential)
    prefill_ns = sum(step.duration_ns for step in prompt)
    step_ns = (sequential_ns - prefill_ns) / len(decode)
    _, after_prompt = _parted(_median_steps(parallel))
    price = _Line.through([(_longest(step), step.duration_ns) for step in decode])
    levels = [
        *(level * sequential_ns / predicted_sequential_ns for level in predicted.levels_ns[:NUM_TOKEN_LEVELS]),
        prefill_ns + (tokens.critical_path - 1) * step_ns,
        *[prefill_ns + len(after_prompt) * step_ns] * 2,
        prefill_ns + sum(price.at(_longest(step)) for step in after_prompt),
    ]
    latency_ns = median(measured.latency_ns for measured in parallel)
    return LossAccount(tuple(map(round, [*levels, *[latency_ns] * (len(LOSS_TERMS) - OWN_CONTEXTS)])))


@dataclass(frozen=True, slots=True)
class _Line:
    """What a step of one lane takes behind so many tokens."""

    offset_ns: float
    slope_ns: float

    @classmethod
    def through(cls, points: Sequence[tuple[int, float]]) -> "_Line":
        """Return the line of least squares."""
        mean, mean_ns = fmean(place for place, _ in points), fmean(value for _, value in points)
        spread = sum((place - mean) ** 2 for place, _ in points)
        slope = sum((place - mean) * (value - mean_ns) for place, value in points) / spread if spread else 0.0
        return cls(mean_ns - slope * mean, slope)

    def at(self, place: int) -> float:
        return self.offset_ns + self.slope_ns * place


def _median_steps(measurements: Sequence[Measurement]) -> list[StepTime]:
    repetitions = [step_times(measured.events) for measured in measurements]
    return [
        StepTime(step.lanes, round(median(repetition[index].duration_ns for repetition in repetitions)))
        for index, step in enumerate(repetitions[0])
    ]


def _parted(steps: Sequence[StepTime]) -> tuple[Sequence[StepTime], Sequence[StepTime]]:
    """Return the steps that feed the prompt, the one that decodes the first token among them, and all others."""
    num_prompt = 1 + next((index for index, step in enumerate(steps) if step.lanes[0].decodes), len(steps))
    return steps[:num_prompt], steps[num_prompt:]


def _longest(step: StepTime) -> int:
    return max(lane.context_tokens + lane.num_tokens - 1 for lane in step.lanes)
