"""Tables of a report: names of columns, and cells as plain values. Shared by the renderers of text, CSV, Markdown."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeAlias

from pasta_toolkit.report.load import LoadPoint
from pasta_toolkit.report.prediction import LOSS_TERMS, Prediction
from pasta_toolkit.report.simulation import SimulationReport, StrategySummary

__all__ = ["Cell", "Table", "load_table", "prediction_table", "shown", "summary_table", "waterfall_table"]

Cell: TypeAlias = str | int | float | None
NANOSECONDS_PER_SECOND = 1e9


@dataclass(frozen=True, slots=True)
class Table:
    """A title, columns and rows of cells."""

    title: str
    columns: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]


def prediction_table(predictions: Sequence[Prediction]) -> Table:
    """Return one row for each answer and strategy, with the loss account in seconds."""
    columns = ("document", "strategy", "latency_s", "ttft_s", "tpot_s", "speedup", "ideal_speedup")
    counts = ("sequential_tokens", "decoded_tokens", "num_steps")
    losses = tuple(f"loss_{name}_s" for name in LOSS_TERMS)
    return Table("Answers", (*columns, *counts, *losses), tuple(map(_prediction_row, predictions)))


def _prediction_row(prediction: Prediction) -> tuple[Cell, ...]:
    losses: tuple[Cell, ...] = (None,) * len(LOSS_TERMS)
    if prediction.loss is not None:
        losses = tuple(cost_ns / NANOSECONDS_PER_SECOND for cost_ns in prediction.loss.terms_ns.values())
    return (
        prediction.document,
        prediction.strategy,
        prediction.latency_s,
        prediction.ttft_s,
        prediction.tpot_s,
        prediction.speedup,
        prediction.ideal_speedup,
        prediction.sequential_tokens,
        prediction.decoded_tokens,
        prediction.num_steps,
        *losses,
    )


def summary_table(report: SimulationReport) -> Table:
    """Return one row for each strategy."""
    columns = ("strategy", "answers", "speed-up", "ideal", "p10", "p50", "p90", "faster")
    times = ("latency p50 s", "p90 s", "p99 s", "TTFT p50 s", "TPOT p50 ms", "tokens")
    return Table("Strategies", (*columns, *times), tuple(map(_summary_row, report.summaries)))


def _summary_row(summary: StrategySummary) -> tuple[Cell, ...]:
    return (
        summary.strategy,
        summary.num_answers,
        summary.geomean_speedup,
        summary.geomean_ideal_speedup,
        summary.speedup_p10,
        summary.speedup_p50,
        summary.speedup_p90,
        f"{summary.share_faster:.0%}",
        summary.latency.p50_s,
        summary.latency.p90_s,
        summary.latency.p99_s,
        summary.ttft.p50_s,
        1e3 * summary.tpot.p50_s,
        summary.decoded_tokens,
    )


def waterfall_table(summary: StrategySummary) -> Table:
    """Return the mean loss account of one strategy; terms that change nothing are left out."""
    rows = tuple(
        (step.name, step.factor if step.name != "perfect" else None, step.speedup)
        for step in summary.waterfall
        if step.name in ("perfect", "tag_overhead") or abs(step.factor - 1) > VISIBLE
    )
    return Table(f"Where the speed-up of {summary.strategy} goes", ("term", "factor", "speed-up behind it"), rows)


VISIBLE = 5e-5  # a factor that four digits show as 1 says nothing


def load_table(points: Sequence[LoadPoint]) -> Table:
    """Return one row for each rate and strategy."""
    columns = (
        "rate /s",
        "strategy",
        "speed-up",
        "latency p50 s",
        "p90 s",
        "p99 s",
        "TTFT p50 s",
        "p99 s",
        "queue p50 s",
    )
    use = ("tokens /s", "goodput /s", "busy", "KV mean", "KV peak", "preempted")
    return Table("Under load", (*columns, *use), tuple(map(_load_row, points)))


def _load_row(point: LoadPoint) -> tuple[Cell, ...]:
    return (
        point.rate_per_s,
        point.strategy,
        point.speedup,
        point.latency.p50_s,
        point.latency.p90_s,
        point.latency.p99_s,
        point.ttft.p50_s,
        point.ttft.p99_s,
        point.queueing.p50_s,
        point.throughput_tokens_per_s,
        point.goodput_per_s,
        f"{point.utilisation:.0%}",
        round(point.kv_mean_tokens),
        point.kv_peak_tokens,
        point.num_preemptions,
    )


def shown(cell: Cell) -> str:
    """Write a cell for people: four significant digits, thousands separated, nothing for None."""
    if cell is None:
        return ""
    if isinstance(cell, float):
        return f"{cell:,.4g}" if abs(cell) < LARGE else f"{cell:,.0f}"
    return f"{cell:,}" if isinstance(cell, int) else cell


LARGE = 1e4
