"""Predicted against measured: one row a document, and what all of them come to. All arithmetic is done here.

An error is predicted / measured - 1. Measured times are medians of repetitions; a measured speed-up is the median of
the ratios of neighbouring decodes, sequential over parallel, so that a drifting machine does not bias it. Where a probe
ran, all is compared a second time with measurements at the profile's speed.
"""

import math
from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from statistics import median

from pasta_toolkit.dag.statistics import geometric_mean
from pasta_toolkit.report.agreement import Errors, errors_of, rank_correlation, sign_agreement
from pasta_toolkit.report.comparison_row import ComparisonRow, Predicted, StepPoint
from pasta_toolkit.report.diagnosis import Finding, PricedSteps, diagnose
from pasta_toolkit.report.machine_speed import at_profile_speed, slowdown
from pasta_toolkit.report.measured_loss import LossTokens, measured_loss, merged_loss
from pasta_toolkit.report.measurement import PARALLEL, SEQUENTIAL, Measurement, MeasurementError
from pasta_toolkit.report.prediction import LossAccount
from pasta_toolkit.report.step_times import chunk_times_ns, first_difference, step_times, thread_times_ns
from pasta_toolkit.runtime import EventKind, TraceEvent

__all__ = ["Comparison", "compare", "compare_document"]

NANOSECONDS_PER_SECOND = 1e9
MIN_REPETITIONS_OF_NOISE = 2
LEVELS = ("step", "chunk", "thread", "request")


@dataclass(frozen=True, slots=True)
class Comparison:
    """All rows and what they come to; None where nothing can be said.

    `levels` are the errors of steps, chunks, threads and requests, `times` those of TTFT, TPOT, sequential latency and
    so on. The loss tables hold each term's geometric mean factor on the speed-up. `steady` is the same comparison at
    the profile's speed; it is there if every decode had a probe.
    """

    about: tuple[tuple[str, str], ...]
    rows: tuple[ComparisonRow, ...]
    levels: Mapping[str, Errors]
    times: Mapping[str, Errors]
    sign_agreement: float | None
    num_signs: int
    speedup_rank_correlation: float | None
    latency_rank_correlation: float | None
    interval_coverage: float | None
    latency_noise: Errors | None
    speedup_noise: Errors | None
    measured_geomean_speedup: float | None
    predicted_geomean_speedup: float | None
    geomean_ideal_speedup: float | None
    measured_factors: Mapping[str, float]
    predicted_factors: Mapping[str, float]
    findings: tuple[Finding, ...] = ()
    steady: "Comparison | None" = None
    shown: tuple[tuple[TraceEvent, ...], tuple[TraceEvent, ...]] | None = field(default=None, repr=False)

    @property
    def slowdowns(self) -> tuple[float, ...]:
        """Those of the rows that had a probe."""
        return tuple(row.slowdown for row in self.rows if row.slowdown is not None)


def compare_document(predicted: Predicted, measurements: Sequence[Measurement]) -> ComparisonRow:
    """Return the row of one document; `measurements` are its parallel and its sequential decodes.

    Raises:
        MeasurementError: the structure differs, or a decode of either kind is missing.
    """
    if len({measured.variant == PARALLEL for measured in measurements}) < len((PARALLEL, SEQUENTIAL)):
        raise MeasurementError(f"{predicted.document}: a parallel and a sequential decode are needed, one is missing")
    for measured in measurements:
        _check_structure(predicted, measured)
    row = _row(predicted, measurements)
    found = [slowdown(measured, probe_ns=predicted.probe_ns) for measured in measurements]
    slowdowns = [slow for slow in found if slow is not None]
    if len(slowdowns) < len(measurements):
        return row
    steady = [at_profile_speed(measured, slowdown=slow) for measured, slow in zip(measurements, slowdowns, strict=True)]
    low_factor, high_factor = predicted.steady_factors
    steadily = replace(predicted, low_factor=low_factor, high_factor=high_factor)
    return replace(row, slowdown=median(slowdowns), steady=_row(steadily, steady))


def compare(
    rows: Sequence[ComparisonRow],
    *,
    priced: Sequence[PricedSteps] = (),
    about: Iterable[tuple[str, str]] = (),
    shown: tuple[tuple[TraceEvent, ...], tuple[TraceEvent, ...]] | None = None,
) -> Comparison:
    """Sum up all rows. `shown` are a measured and a predicted trace to be drawn; `priced` is what a finding needs.

    Raises:
        MeasurementError: there is no row.
    """
    if not rows:
        raise MeasurementError("there is no document to compare")
    steady = [row.steady for row in rows if row.steady is not None]
    covered = [row.is_covered for row in rows if row.is_covered is not None]
    pairs = [(row.predicted_speedup, row.measured_speedup) for row in rows]
    agreement, num_signs = sign_agreement(pairs)
    latencies = [(float(row.predicted_latency_ns), row.measured_latency_ns) for row in rows]
    noise = [row.latency_noise for row in rows if row.latency_noise is not None]
    speedup_noise = [row.speedup_noise for row in rows if row.speedup_noise is not None]
    accounts = [row for row in rows if row.measured_loss is not None and row.predicted_loss is not None]
    return Comparison(
        tuple(about),
        tuple(rows),
        levels={level: errors_of(_errors_at(rows, level)) for level in LEVELS},
        times=_times(rows),
        sign_agreement=agreement,
        num_signs=num_signs,
        speedup_rank_correlation=rank_correlation(pairs),
        latency_rank_correlation=rank_correlation(latencies),
        interval_coverage=sum(covered) / len(covered) if covered else None,
        latency_noise=errors_of(noise) if noise else None,
        speedup_noise=errors_of(speedup_noise) if speedup_noise else None,
        measured_geomean_speedup=geometric_mean(row.measured_speedup for row in rows),
        predicted_geomean_speedup=geometric_mean(row.predicted_speedup for row in rows),
        geomean_ideal_speedup=geometric_mean(row.ideal_speedup for row in rows),
        measured_factors=_factors([row.measured_loss for row in accounts if row.measured_loss is not None]),
        predicted_factors=_factors([row.predicted_loss for row in accounts if row.predicted_loss is not None]),
        findings=diagnose(priced),
        steady=compare(steady) if len(steady) == len(rows) else None,
        shown=shown,
    )


def _row(predicted: Predicted, measurements: Sequence[Measurement]) -> ComparisonRow:
    parallel = [measured for measured in measurements if measured.variant == PARALLEL]
    sequential = [measured for measured in measurements if measured.variant != PARALLEL]
    speedups = [one.latency_ns / other.latency_ns for one, other in zip(sequential, parallel, strict=False)]
    steps = _step_points(predicted, parallel)
    sequential_ns = median(measured.latency_ns for measured in sequential)
    return ComparisonRow(
        document=predicted.document,
        prompt_tokens=parallel[0].prompt_tokens,
        sequential_tokens=predicted.sequential_tokens,
        decoded_tokens=parallel[0].decoded_tokens,
        num_branches=sum(event.kind is EventKind.FORK for event in predicted.parallel),
        num_repetitions=len(parallel),
        ideal_speedup=predicted.ideal_speedup,
        measured_latency_ns=median(measured.latency_ns for measured in parallel),
        predicted_latency_ns=_latency_ns(predicted.parallel),
        measured_ttft_ns=median(measured.ttft_ns for measured in parallel),
        predicted_ttft_ns=_ttft_ns(predicted.parallel),
        measured_sequential_ns=sequential_ns,
        predicted_sequential_ns=_latency_ns(predicted.sequential),
        measured_speedup=median(speedups),
        low_factor=predicted.low_factor,
        high_factor=predicted.high_factor,
        latency_noise=_noise([measured.latency_ns for measured in parallel]),
        speedup_noise=_noise(speedups),
        errors={
            "step": tuple(point.error for point in steps),
            "chunk": _errors_by_key(predicted.parallel, parallel, chunk_times_ns),
            "thread": _errors_by_key(predicted.parallel, parallel, thread_times_ns),
        },
        steps=steps,
        measured_loss=_measured_loss(predicted, parallel, sequential),
        predicted_loss=None if predicted.loss is None else merged_loss(predicted.loss),
    )


def _check_structure(predicted: Predicted, measured: Measurement) -> None:
    expected = predicted.parallel if measured.variant == PARALLEL else predicted.sequential
    difference = first_difference(measured.events, expected)
    if difference is not None:
        raise MeasurementError(
            f"{predicted.document}: the {measured.variant} decode has another structure than predicted, so its times "
            f"say nothing: {difference}"
        )


def _step_points(predicted: Predicted, parallel: Sequence[Measurement]) -> tuple[StepPoint, ...]:
    repetitions = [step_times(measured.events) for measured in parallel]
    return tuple(
        StepPoint(
            sum(lane.num_tokens for lane in step.lanes),
            max(lane.context_tokens for lane in step.lanes),
            step.duration_ns,
            median(repetition[index].duration_ns for repetition in repetitions),
        )
        for index, step in enumerate(step_times(predicted.parallel))
    )


def _errors_by_key(
    predicted: Sequence[TraceEvent],
    parallel: Sequence[Measurement],
    times_ns: Callable[[Sequence[TraceEvent]], dict[Hashable, int]],
) -> tuple[float, ...]:
    measured = [times_ns(one.events) for one in parallel]
    return tuple(
        expected / median(times[key] for times in measured) - 1
        for key, expected in times_ns(predicted).items()
        if expected and all(times[key] for times in measured)
    )


def _measured_loss(
    predicted: Predicted, parallel: Sequence[Measurement], sequential: Sequence[Measurement]
) -> LossAccount | None:
    if predicted.loss is None or not predicted.sequential_tokens:
        return None
    return measured_loss(
        predicted.loss,
        LossTokens(predicted.sequential_tokens, round(predicted.sequential_tokens / predicted.ideal_speedup)),
        predicted_sequential_ns=_latency_ns(predicted.sequential),
        parallel=parallel,
        sequential=sequential,
    )


def _latency_ns(events: Sequence[TraceEvent]) -> int:
    return next(event.at_ns for event in events if event.kind is EventKind.COMPLETION)


def _ttft_ns(events: Sequence[TraceEvent]) -> int:
    first = (event.at_ns for event in events if event.kind is EventKind.FIRST_TOKEN)
    return next(first, _latency_ns(events))


def _noise(values: Sequence[float]) -> float | None:
    """Return the error of the even repetitions' median as a prediction of the odd ones'."""
    if len(values) < MIN_REPETITIONS_OF_NOISE:
        return None
    return median(values[::2]) / median(values[1::2]) - 1


def _errors_at(rows: Sequence[ComparisonRow], level: str) -> list[float]:
    if level == "request":
        return [row.latency_error for row in rows]
    return [error for row in rows for error in row.errors[level]]


def _times(rows: Sequence[ComparisonRow]) -> dict[str, Errors]:
    return {
        "latency": errors_of([row.latency_error for row in rows]),
        "sequential latency": errors_of([row.sequential_error for row in rows]),
        "TTFT": errors_of([row.ttft_error for row in rows]),
        "TPOT": errors_of([row.tpot_error for row in rows if row.tpot_error is not None]),
        "speed-up": errors_of([row.speedup_error for row in rows]),
    }


def _factors(accounts: Sequence[LossAccount]) -> dict[str, float]:
    """Return each term's geometric mean factor, and before them the perfect speed-up."""
    if not accounts:
        return {}
    return {
        name: math.exp(sum(math.log(account.factors[name]) for account in accounts) / len(accounts))
        for name in accounts[0].factors
    }
