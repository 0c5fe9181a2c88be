"""What a simulation found, ready to be shown: rows, summaries by strategy, load points. All arithmetic is done here."""

from collections.abc import Sequence
from dataclasses import dataclass

from pasta_toolkit.dag.statistics import geometric_mean
from pasta_toolkit.report.load import BreakEven, LoadPoint, Quantiles, nearest_rank, quantiles
from pasta_toolkit.report.prediction import LOSS_TERMS, Prediction
from pasta_toolkit.report.timeline import Timeline
from pasta_toolkit.runtime import TraceEvent

__all__ = ["SimulationReport", "StrategySummary", "WaterfallStep", "summarise"]

RANKS = (10, 50, 90)


@dataclass(frozen=True, slots=True)
class WaterfallStep:
    """One link of the mean loss account: the speed-up behind it, and the factor that led there."""

    name: str
    factor: float
    speedup: float


@dataclass(frozen=True, slots=True)
class StrategySummary:
    """One strategy over all answers; means of ratios are geometric, percentiles by nearest rank.

    `waterfall` begins with the perfect speed-up and ends with the predicted one, for strategies with a loss account;
    answers without a token of text take no part in ratios.
    """

    strategy: str
    num_answers: int
    geomean_speedup: float
    geomean_ideal_speedup: float
    speedup_p10: float
    speedup_p50: float
    speedup_p90: float
    share_faster: float
    latency: Quantiles
    ttft: Quantiles
    tpot: Quantiles
    decoded_tokens: int
    sequential_tokens: int
    waterfall: tuple[WaterfallStep, ...] = ()


@dataclass(frozen=True, slots=True)
class SimulationReport:
    """Everything that renderers show; `about` says what was simulated, in order of interest.

    `events` are the trace that the timeline was read from.
    """

    about: tuple[tuple[str, str], ...]
    predictions: tuple[Prediction, ...]
    summaries: tuple[StrategySummary, ...]
    load: tuple[LoadPoint, ...] = ()
    break_evens: tuple[BreakEven, ...] = ()
    timeline: Timeline | None = None
    events: tuple[TraceEvent, ...] = ()


def summarise(predictions: Sequence[Prediction]) -> tuple[StrategySummary, ...]:
    """Summarise predictions by strategy, in order of their first appearance."""
    names = dict.fromkeys(prediction.strategy for prediction in predictions)
    return tuple(_summary(name, [p for p in predictions if p.strategy == name]) for name in names)


def _summary(strategy: str, predictions: Sequence[Prediction]) -> StrategySummary:
    measured = [prediction for prediction in predictions if prediction.sequential_tokens]
    speedups = sorted(prediction.speedup for prediction in measured) or [1.0]
    p10, p50, p90 = (nearest_rank(speedups, rank) for rank in RANKS)
    return StrategySummary(
        strategy=strategy,
        num_answers=len(predictions),
        geomean_speedup=geometric_mean(speedups) or 1.0,
        geomean_ideal_speedup=geometric_mean(prediction.ideal_speedup for prediction in measured) or 1.0,
        speedup_p10=p10,
        speedup_p50=p50,
        speedup_p90=p90,
        share_faster=sum(speedup > 1 for speedup in speedups) / len(speedups),
        latency=quantiles([prediction.latency_ns for prediction in predictions]),
        ttft=quantiles([prediction.ttft_ns for prediction in predictions]),
        tpot=quantiles([round(prediction.tpot_s * 1e9) for prediction in measured]),
        decoded_tokens=sum(prediction.decoded_tokens for prediction in predictions),
        sequential_tokens=sum(prediction.sequential_tokens for prediction in predictions),
        waterfall=_waterfall([prediction for prediction in measured if prediction.loss is not None]),
    )


def _waterfall(predictions: Sequence[Prediction]) -> tuple[WaterfallStep, ...]:
    """Return the geometric means of the levels' speed-ups: their quotients are the means of the factors."""
    levels = [
        [prediction.sequential_ns / max(1, level_ns) for level_ns in prediction.loss.levels_ns]
        for prediction in predictions
        if prediction.loss is not None
    ]
    if not levels:
        return ()
    means = [geometric_mean(row[index] for row in levels) or 1.0 for index in range(len(levels[0]))]
    steps = [WaterfallStep("perfect", 1.0, means[0])]
    for name, before, after in zip(LOSS_TERMS, means, means[1:], strict=False):
        steps.append(WaterfallStep(name, after / before, after))
    return tuple(steps)
