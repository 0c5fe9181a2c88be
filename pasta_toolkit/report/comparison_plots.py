"""Plots of a comparison as SVG or PNG. Draws what it is given; matplotlib is imported when something is drawn."""

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from pasta_toolkit.dag.export.colours import QUIET_LINE
from pasta_toolkit.report.comparison import Comparison
from pasta_toolkit.report.figures import check_suffix, drawn, write_files
from pasta_toolkit.report.plots import SPAN_COLOURS, draw_spans
from pasta_toolkit.report.timeline import timeline_of
from pasta_toolkit.runtime import EventKind

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from matplotlib.figure import Figure

    from pasta_toolkit.report.comparison_row import StepPoint

__all__ = ["comparison_plots", "write_comparison_plots"]

POINT_COLOUR, STEADY_COLOUR, SPEEDUP_COLOUR = "#3b7ea1", "#e0912f", "#c1513f"
POINT_AREA, STEP_AREA = 14, 5
PERCENT = 100
NANOSECONDS_PER_SECOND = 1e9
MOST_STEPS = 4000  # more make a file of many megabytes and no clearer picture


def comparison_plots(comparison: Comparison, *, suffix: str = "svg") -> dict[str, bytes]:
    """Draw all plots; names to file contents, the same bytes for the same comparison.

    Raises:
        MissingMatplotlibError: matplotlib is not installed.
    """
    drawings: dict[str, Callable[[Figure], None]] = {
        "scatter": partial(_scatter, comparison=comparison),
        "errors": partial(_errors, comparison=comparison),
        "residuals": partial(_residuals, comparison=comparison),
    }
    if comparison.shown is not None:
        drawings["timelines"] = partial(_timelines, comparison=comparison)
    return {f"{name}.{suffix}": drawn(draw, suffix) for name, draw in drawings.items()}


def write_comparison_plots(comparison: Comparison, folder: Path, *, suffix: str = "svg") -> list[Path]:
    """Write all plots into a folder, which is made if need be; return their paths.

    Raises:
        MissingMatplotlibError: matplotlib is not installed.
        PlotError: the kind of file is neither svg nor png.
    """
    check_suffix(suffix)
    return write_files(comparison_plots(comparison, suffix=suffix), folder)


def _scatter(figure: "Figure", comparison: Comparison) -> None:
    """Latency and speed-up, predicted over measured, with the line on which they are equal."""
    left, right = figure.subplots(1, 2)
    series = [("as measured", POINT_COLOUR, comparison.rows)]
    if comparison.steady is not None:
        series.append(("at the profile's speed", STEADY_COLOUR, comparison.steady.rows))
    for label, colour, rows in series:
        latencies = [(row.measured_latency_ns, row.predicted_latency_ns) for row in rows]
        speedups = [(row.measured_speedup, row.predicted_speedup) for row in rows]
        for axes, pairs, unit in ((left, latencies, NANOSECONDS_PER_SECOND), (right, speedups, 1.0)):
            measured, predicted = zip(*pairs, strict=True)
            axes.scatter(
                [value / unit for value in measured],
                [value / unit for value in predicted],
                s=POINT_AREA,
                color=colour,
                alpha=0.7,
                linewidth=0,
                label=label,
            )
    for axes, what in ((left, "latency, s"), (right, "speed-up")):
        low, high = min(axes.get_xlim()[0], axes.get_ylim()[0]), max(axes.get_xlim()[1], axes.get_ylim()[1])
        axes.plot([low, high], [low, high], color=QUIET_LINE, linewidth=1, zorder=0)
        axes.set(xlabel=f"measured {what}", ylabel=f"predicted {what}")
    if len(series) > 1:
        right.legend(frameon=False, loc="lower right")


def _errors(figure: "Figure", comparison: Comparison) -> None:
    """Cumulative shares of the absolute errors, and of the noise."""
    axes = figure.subplots()
    rows = comparison.rows
    curves: list[tuple[str, str, str, list[float]]] = [
        ("latency", POINT_COLOUR, "-", [row.latency_error for row in rows]),
        ("speed-up", SPEEDUP_COLOUR, "-", [row.speedup_error for row in rows]),
        ("noise of latency", POINT_COLOUR, ":", [row.latency_noise for row in rows if row.latency_noise is not None]),
        (
            "noise of speed-up",
            SPEEDUP_COLOUR,
            ":",
            [row.speedup_noise for row in rows if row.speedup_noise is not None],
        ),
    ]
    if comparison.steady is not None:
        steady = comparison.steady.rows
        curves += [
            ("latency at the profile's speed", POINT_COLOUR, "--", [row.latency_error for row in steady]),
            ("speed-up at the profile's speed", SPEEDUP_COLOUR, "--", [row.speedup_error for row in steady]),
        ]
    for name, colour, style, errors in curves:
        if errors:
            axes.ecdf([PERCENT * abs(error) for error in errors], label=name, color=colour, linestyle=style)
    axes.set(xlabel="error without its sign, %", ylabel="share of documents at or below")
    axes.legend(frameon=False, loc="lower right")


def _residuals(figure: "Figure", comparison: Comparison) -> None:
    """Errors of steps over rows and over the longest context."""
    from matplotlib.ticker import LogLocator, NullLocator  # noqa: PLC0415

    left, right = figure.subplots(1, 2, sharey=True)
    points = [point for row in comparison.rows for point in row.steps]
    shown: Sequence[StepPoint] = points[:: -(-len(points) // MOST_STEPS)]
    errors = [PERCENT * point.error for point in shown]
    left.scatter([point.num_lanes for point in shown], errors, s=STEP_AREA, color=POINT_COLOUR, linewidth=0, alpha=0.4)
    right.scatter(
        [point.context_tokens for point in shown], errors, s=STEP_AREA, color=POINT_COLOUR, linewidth=0, alpha=0.4
    )
    for axes in (left, right):
        axes.axhline(0, color=QUIET_LINE, linewidth=1)
    left.set(xlabel="rows of the step", ylabel="predicted / measured - 1, %", xscale="log")
    left.xaxis.set_major_locator(LogLocator(base=2))
    left.xaxis.set_major_formatter("{x:g}")
    left.xaxis.set_minor_locator(NullLocator())
    right.set(xlabel="longest context of the step, tokens")


def _timelines(figure: "Figure", comparison: Comparison) -> None:
    """The same document twice on one scale of time: predicted above, measured below."""
    if comparison.shown is None:
        return
    measured, predicted = comparison.shown
    upper, lower = figure.subplots(2, 1, sharex=True)
    for axes, name, events in ((upper, "predicted", predicted), (lower, "measured", measured)):
        request = next(event.request for event in events if event.kind is EventKind.ARRIVAL)
        assert request is not None
        draw_spans(axes, timeline_of(events, request))
        axes.set_title(f"{name}: {request}", parse_math=False, loc="left")
    lower.set_xlabel("milliseconds")
    handles, names = upper.get_legend_handles_labels()
    figure.legend(handles, names, frameon=False, loc="outside lower center", ncols=len(SPAN_COLOURS))
