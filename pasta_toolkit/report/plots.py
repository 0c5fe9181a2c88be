"""Plots of a report as SVG or PNG. Draws what it is given; matplotlib is imported when something is drawn."""

from collections.abc import Callable, Iterable, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pasta_toolkit.dag.drawing.distributions import GROUP_COLOURS
from pasta_toolkit.dag.export.colours import QUIET_LINE
from pasta_toolkit.report.figures import NO_LEGEND, PlotError, check_suffix, drawn, write_files
from pasta_toolkit.report.simulation import SimulationReport, StrategySummary
from pasta_toolkit.report.timeline import SpanKind, Timeline

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["SPAN_COLOURS", "PlotError", "draw_spans", "plots", "timeline_plot", "write_plots"]

SPAN_COLOURS = {
    SpanKind.QUEUE: "#bdbdbd",
    SpanKind.PREFILL: "#e08e45",
    SpanKind.DECODE: "#3b7ea1",
    SpanKind.WAIT: "#e3e3e3",
}
LOSS_COLOUR, GAIN_COLOUR, TOTAL_COLOUR, PATH_COLOUR = "#c1513f", "#4f9d69", "#3b7ea1", "#c1513f"
SEQUENTIAL = "sequential"
PERCENT = 100
VISIBLE_FACTOR = 5e-4
MOST_BINS, FEWEST_BINS = 40, 10
LEGEND_COLUMNS = 3
LINE_WIDTH = 1.4
MARK_AREA = 45
HEADROOM = 1.12
ARROW_COLOUR = "#9a9a9a"


def plots(report: SimulationReport, *, suffix: str = "svg") -> dict[str, bytes]:
    """Draw all plots that a report has data for; names to file contents, the same bytes for the same report.

    Raises:
        MissingMatplotlibError: matplotlib is not installed.
    """
    drawings: dict[str, Callable[[Figure], None]] = {}
    if any(summary.strategy != SEQUENTIAL for summary in report.summaries):
        drawings["speedups"] = partial(_speedups, report=report)
        drawings["pareto"] = partial(_pareto, report=report)
    for summary in report.summaries:
        if summary.waterfall:
            drawings[f"waterfall_{summary.strategy}"] = partial(_waterfall, summary=summary)
    if report.timeline is not None:
        drawings["timeline"] = partial(_timeline, timeline=report.timeline)
    if report.load:
        drawings["load"] = partial(_load, report=report)
    return {f"{name}.{suffix}": drawn(draw, suffix) for name, draw in drawings.items()}


def timeline_plot(timeline: Timeline, *, suffix: str = "png") -> bytes:
    """Draw one request's timeline; return the content of the file.

    Raises:
        MissingMatplotlibError: matplotlib is not installed.
        PlotError: the kind of file is neither svg nor png.
    """
    check_suffix(suffix)
    return drawn(partial(_timeline, timeline=timeline), suffix)


def write_plots(report: SimulationReport, folder: Path, *, suffix: str = "svg") -> list[Path]:
    """Write all plots into a folder, which is made if need be; return their paths.

    Raises:
        MissingMatplotlibError: matplotlib is not installed.
        PlotError: the kind of file is neither svg nor png.
    """
    check_suffix(suffix)
    return write_files(plots(report, suffix=suffix), folder)


def _speedups(figure: "Figure", report: SimulationReport) -> None:
    """Histogram and cumulative share of the speed-ups over answers."""
    left, right = figure.subplots(1, 2)
    shown = [summary for summary in report.summaries if summary.strategy != SEQUENTIAL]
    columns = [_speedups_of(report, summary.strategy) for summary in shown]
    edges = _bin_edges([value for column in columns for value in column])
    for summary, values in zip(shown, columns, strict=True):
        style: dict[str, Any] = {"color": _colour(report, summary.strategy), "linewidth": LINE_WIDTH}
        left.hist(values, bins=edges, histtype="step", **style)
        right.ecdf(values or [1.0], label=f"{summary.strategy} {summary.geomean_speedup:.2f}", **style)
    left.set(xlabel="speed-up over sequential", ylabel="answers")
    right.set(xlabel="speed-up over sequential", ylabel="share of answers at or below")
    for axes in (left, right):
        axes.axvline(1, color=QUIET_LINE, linewidth=1, linestyle=":")
    _legend_below(figure, right, title="geometric mean of the speed-ups")


def _speedups_of(report: SimulationReport, strategy: str) -> list[float]:
    return sorted(p.speedup for p in report.predictions if p.strategy == strategy and p.sequential_tokens)


def _bin_edges(values: Sequence[float]) -> list[float]:
    """Return the edges of bins that all strategies share."""
    low, high = min(values, default=1.0), max(values, default=1.0)
    num_bins = min(MOST_BINS, max(FEWEST_BINS, len(set(values)) // 4))
    width = (high - low) / num_bins or 1.0
    return [low + index * width for index in range(num_bins + 1)]


def _colour(report: SimulationReport, strategy: str) -> str:
    """Return the colour that a strategy has in all plots of a report."""
    others = [summary.strategy for summary in report.summaries if summary.strategy != SEQUENTIAL]
    if strategy not in others:
        return QUIET_LINE
    return GROUP_COLOURS[others.index(strategy) % len(GROUP_COLOURS)]


def _legend_below(figure: "Figure", axes: "Axes", *, title: str | None = None) -> None:
    handles, names = axes.get_legend_handles_labels()
    figure.legend(handles, names, frameon=False, loc="outside lower center", ncols=LEGEND_COLUMNS, title=title)


def _pareto(figure: "Figure", report: SimulationReport) -> None:
    """What a strategy gains against what it decodes in addition; a line joins those that none beats in both."""
    axes = figure.subplots()
    places = {summary.strategy: _gain_and_price(summary) for summary in report.summaries}
    for strategy, (extra, speedup) in places.items():
        axes.scatter([extra], [speedup], color=_colour(report, strategy), label=strategy, zorder=2, s=MARK_AREA)
    front = _front(places.values())
    axes.plot(*zip(*front, strict=True), color=QUIET_LINE, linewidth=1, zorder=1)
    axes.axhline(1, color=QUIET_LINE, linewidth=1, linestyle=":")
    axes.margins(0.1)
    axes.set(xlabel="tokens decoded beyond the answer's own, %", ylabel="speed-up (geometric mean)")
    _legend_below(figure, axes)


def _gain_and_price(summary: StrategySummary) -> tuple[float, float]:
    extra = summary.decoded_tokens / summary.sequential_tokens - 1 if summary.sequential_tokens else 0.0
    return PERCENT * extra, summary.geomean_speedup


def _front(places: Iterable[tuple[float, float]]) -> list[tuple[float, float]]:
    """Return the places that are further up than all to their left; ties go to the one further up."""
    front: list[tuple[float, float]] = []
    for extra, speedup in sorted(places, key=lambda place: (place[0], -place[1])):
        if not front or speedup > front[-1][1]:
            front.append((extra, speedup))
    return front


def _waterfall(figure: "Figure", summary: StrategySummary) -> None:
    """From the perfect speed-up to the predicted one, a bar for each term that matters."""
    first, *terms = summary.waterfall
    names, bottoms, heights, colours = ["perfect"], [0.0], [first.speedup], [TOTAL_COLOUR]
    before, factors = first.speedup, []
    for step in terms:
        if abs(step.factor - 1) > VISIBLE_FACTOR:
            names.append(step.name.replace("_", " "))
            factors.append(f"x {step.factor:.3f}")
            bottoms.append(min(before, step.speedup))
            heights.append(abs(step.speedup - before))
            colours.append(LOSS_COLOUR if step.factor < 1 else GAIN_COLOUR)
        before = step.speedup
    axes = figure.subplots()
    bars = axes.bar([*names, "predicted"], [*heights, before], bottom=[*bottoms, 0.0], color=[*colours, TOTAL_COLOUR])
    axes.bar_label(bars, [f"{first.speedup:.2f}", *factors, f"{before:.2f}"], padding=2)
    axes.axhline(1, color=QUIET_LINE, linewidth=1, linestyle=":")
    axes.tick_params(axis="x", rotation=25)
    axes.set_ylim(0, HEADROOM * max(step.speedup for step in summary.waterfall))
    axes.set(ylabel=f"speed-up of {summary.strategy} (geometric mean)")


def _timeline(figure: "Figure", timeline: Timeline) -> None:
    """Threads over time, with arrows for forks and joins and the critical path in red."""
    axes = figure.subplots()
    draw_spans(axes, timeline)
    for flow in timeline.flows:
        axes.annotate(
            "",
            (_ms(flow.to_ns), flow.to_thread),
            (_ms(flow.from_ns), flow.from_thread),
            arrowprops={"arrowstyle": "->", "color": ARROW_COLOUR, "linewidth": 0.6},
        )
    _path(axes, timeline)
    axes.set_xlabel("milliseconds")
    axes.set_title(timeline.request, parse_math=False)
    axes.legend(frameon=False, loc="upper center", bbox_to_anchor=(0.5, -0.18), ncols=5)


def draw_spans(axes: "Axes", timeline: Timeline) -> None:
    """Draw what each thread did when, the main thread on top; each kind of span has one label for a legend."""
    for kind, colour in SPAN_COLOURS.items():
        spans = [span for span in timeline.spans if span.kind is kind]
        for index, span in enumerate(spans):
            label = kind.value if index == 0 else NO_LEGEND
            axes.barh(span.thread, _ms(span.end_ns - span.start_ns), left=_ms(span.start_ns), color=colour, label=label)
    threads = sorted({span.thread for span in timeline.spans})
    axes.set_yticks(threads, [f"branch {thread}" if thread else "main" for thread in threads])
    axes.invert_yaxis()


def _path(axes: "Axes", timeline: Timeline) -> None:
    for index, part in enumerate(timeline.critical_path):
        axes.hlines(
            part.thread + 0.45,
            _ms(part.start_ns),
            _ms(part.end_ns),
            color=PATH_COLOUR,
            linewidth=1.6,
            label="critical path" if index == 0 else NO_LEGEND,
        )


def _load(figure: "Figure", report: SimulationReport) -> None:
    """Latency and speed-up over the arrival rate."""
    from matplotlib.ticker import LogLocator, NullLocator  # noqa: PLC0415

    left, right = figure.subplots(1, 2)
    for name in dict.fromkeys(point.strategy for point in report.load):
        points = [point for point in report.load if point.strategy == name]
        rates, colour = [point.rate_per_s for point in points], _colour(report, name)
        left.plot(rates, [point.latency.p50_s for point in points], marker="o", color=colour)
        left.plot(rates, [point.latency.p99_s for point in points], linestyle=":", color=colour)
        right.plot(rates, [point.speedup for point in points], marker="o", color=colour, label=name)
    left.set(xlabel="requests a second", ylabel="latency, s (dotted: p99)", yscale="log")
    right.set(xlabel="requests a second", ylabel="speed-up over sequential, same load")
    right.axhline(1, color=QUIET_LINE, linewidth=1, linestyle=":")
    for axes in (left, right):
        axes.set_xscale("log")
    for axis in (left.xaxis, right.xaxis, left.yaxis):
        axis.set_major_locator(LogLocator(subs=(1, 2, 5)))
        axis.set_major_formatter("{x:g}")
        axis.set_minor_locator(NullLocator())
    _legend_below(figure, right)


def _ms(duration_ns: int) -> float:
    return duration_ns / 1e6
