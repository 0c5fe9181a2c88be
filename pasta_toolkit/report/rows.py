"""Tables of a report. Cells for people are text with fixed decimals; those of the CSV are plain values, unrounded."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from pasta_toolkit.dag.statistics import Grid
from pasta_toolkit.report.load import LoadPoint, Quantiles
from pasta_toolkit.report.prediction import LOSS_TERMS, Prediction
from pasta_toolkit.report.simulation import SimulationReport, StrategySummary

__all__ = ["Cell", "Table", "answer_grid", "grids", "prediction_table"]

Cell: TypeAlias = str | int | float | None
NANOSECONDS_PER_SECOND = 1e9
MILLISECONDS_PER_SECOND = 1e3
VISIBLE = 5e-4  # a factor that three decimals show as 1 says nothing
NOTHING = "-"
LARGE = 1e4  # above, a rate has no decimals


@dataclass(frozen=True, slots=True)
class Table:
    """Columns and rows of cells, for programs."""

    columns: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]


def prediction_table(predictions: Sequence[Prediction]) -> Table:
    """Return one row for each answer and strategy, with the loss account in seconds."""
    columns = ("document", "strategy", "latency_s", "latency_low_s", "latency_high_s", "ttft_s", "tpot_s")
    counts = ("speedup", "ideal_speedup", "sequential_tokens", "decoded_tokens", "num_steps")
    losses = tuple(f"loss_{name}_s" for name in LOSS_TERMS)
    return Table((*columns, *counts, *losses), tuple(map(_prediction_row, predictions)))


def _prediction_row(prediction: Prediction) -> tuple[Cell, ...]:
    losses: tuple[Cell, ...] = (None,) * len(LOSS_TERMS)
    if prediction.loss is not None:
        losses = tuple(cost_ns / NANOSECONDS_PER_SECOND for cost_ns in prediction.loss.terms_ns.values())
    return (
        prediction.document,
        prediction.strategy,
        prediction.latency_s,
        prediction.latency_low_s,
        prediction.latency_high_s,
        prediction.ttft_s,
        prediction.tpot_s,
        prediction.speedup,
        prediction.ideal_speedup,
        prediction.sequential_tokens,
        prediction.decoded_tokens,
        prediction.num_steps,
        *losses,
    )


def grids(report: SimulationReport) -> Iterator[Grid]:
    """Return the tables of a report for people, in order of interest."""
    yield _speedup_grid(report)
    yield _time_grid(report)
    yield from (_waterfall_grid(summary) for summary in report.summaries if summary.waterfall)
    if report.load:
        yield _load_grid(report.load)
        yield _use_grid(report.load)


def answer_grid(predictions: Sequence[Prediction]) -> Grid:
    """Return one row for each answer and strategy, without its loss account."""
    columns = ("answer", "strategy", "speed-up", "ideal", "latency s", "from", "to", "TTFT ms", "TPOT ms")
    rows = tuple(map(_answer_row, predictions))
    return Grid("Answers", (*columns, "tokens of text", "tokens decoded", "steps"), rows)


def _answer_row(prediction: Prediction) -> tuple[str, ...]:
    return (
        prediction.document,
        prediction.strategy,
        _ratio(prediction.speedup),
        _ratio(prediction.ideal_speedup),
        _seconds(prediction.latency_s),
        _seconds(prediction.latency_low_s),
        _seconds(prediction.latency_high_s),
        _milliseconds(prediction.ttft_s),
        _milliseconds(prediction.tpot_s),
        f"{prediction.sequential_tokens:,}",
        f"{prediction.decoded_tokens:,}",
        f"{prediction.num_steps:,}",
    )


def _speedup_grid(report: SimulationReport) -> Grid:
    columns = ("strategy", "geometric mean", "ideal", "p10", "p50", "p90", "faster", "answers", "decoded tokens")
    return Grid("Speed-up over sequential decoding", columns, tuple(map(_speedup_row, report.summaries)))


def _speedup_row(summary: StrategySummary) -> tuple[str, ...]:
    return (
        summary.strategy,
        _ratio(summary.geomean_speedup),
        _ratio(summary.geomean_ideal_speedup),
        _ratio(summary.speedup_p10),
        _ratio(summary.speedup_p50),
        _ratio(summary.speedup_p90),
        f"{summary.share_faster:.0%}",
        f"{summary.num_answers:,}",
        f"{summary.decoded_tokens:,}",
    )


def _time_grid(report: SimulationReport) -> Grid:
    columns = ("strategy", "latency s: p50", "p90", "p99", "TTFT ms: p50", "p90", "p99", "TPOT ms: p50", "p90", "p99")
    rows = tuple(
        (
            summary.strategy,
            *map(_seconds, _percentiles(summary.latency)),
            *map(_milliseconds, (*_percentiles(summary.ttft), *_percentiles(summary.tpot))),
        )
        for summary in report.summaries
    )
    return Grid("Times of an answer alone on the device", columns, rows)


def _percentiles(times: Quantiles) -> tuple[float, ...]:
    return times.p50_s, times.p90_s, times.p99_s


def _waterfall_grid(summary: StrategySummary) -> Grid:
    """Return the mean loss account of one strategy; terms that change nothing are left out."""
    perfect, *steps = summary.waterfall
    rows = [("perfect: free tags, even branches", NOTHING, f"{perfect.speedup:.3f}")]
    rows += [
        (step.name.replace("_", " "), f"{step.factor:.3f}", f"{step.speedup:.3f}")
        for step in steps
        if abs(step.factor - 1) >= VISIBLE
    ]
    return Grid(f"Where the speed-up of {summary.strategy} goes", ("term", "factor", "speed-up so far"), tuple(rows))


def _load_grid(points: Sequence[LoadPoint]) -> Grid:
    columns = ("strategy", "requests/s", "speed-up", "latency s: p50", "p90", "p99")
    others = ("TTFT ms: p50", "p90", "p99", "TPOT ms: p50", "queue ms: p50")
    rows = tuple(
        (
            point.strategy,
            _rate(point.rate_per_s),
            _ratio(point.speedup),
            *map(_seconds, _percentiles(point.latency)),
            *map(_milliseconds, (*_percentiles(point.ttft), point.tpot.p50_s, point.queueing.p50_s)),
        )
        for point in points
    )
    return Grid("Under load: times", (*columns, *others), rows)


def _use_grid(points: Sequence[LoadPoint]) -> Grid:
    columns = (
        "strategy",
        "requests/s",
        "tokens/s",
        "good/s",
        "busy",
        "KV mean",
        "KV peak",
        "KV slots",
        "preempted",
        "cached",
    )
    rows = tuple(
        (
            point.strategy,
            _rate(point.rate_per_s),
            f"{point.throughput_tokens_per_s:,.0f}",
            _ratio(point.goodput_per_s),
            f"{point.utilisation:.0%}",
            f"{point.kv_mean_tokens:,.0f}",
            f"{point.kv_peak_tokens:,}",
            NOTHING if point.kv_slots is None else f"{point.kv_slots:,}",
            f"{point.num_preemptions:,}",
            f"{point.cached_share:.0%}",
        )
        for point in points
    )
    return Grid("Under load: use of the device", columns, rows)


def _rate(requests_per_s: float) -> str:
    return f"{requests_per_s:,.4g}" if requests_per_s < LARGE else f"{requests_per_s:,.0f}"


def _ratio(value: float) -> str:
    return f"{value:,.2f}"


def _seconds(duration_s: float) -> str:
    return f"{duration_s:,.3f}"


def _milliseconds(duration_s: float) -> str:
    return f"{MILLISECONDS_PER_SECOND * duration_s:,.2f}"
