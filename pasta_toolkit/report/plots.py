"""Plots of a report as SVG or PNG. Draws what it is given; matplotlib is imported when something is drawn."""

from collections.abc import Callable, Sequence
from functools import partial
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any

from grammar import PastaError
from pasta_toolkit.report.simulation import SimulationReport, StrategySummary
from pasta_toolkit.report.timeline import SpanKind, Timeline

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["PlotError", "plots", "write_plots"]

SPAN_COLOURS = {
    SpanKind.QUEUE: "#bdbdbd",
    SpanKind.PREFILL: "#e08e45",
    SpanKind.DECODE: "#3b7ea1",
    SpanKind.WAIT: "#e3e3e3",
}
LOSS_COLOUR, GAIN_COLOUR, TOTAL_COLOUR, PATH_COLOUR = "#c1513f", "#4f9d69", "#3b7ea1", "#c1513f"
STYLE: dict[Any, Any] = {"axes.spines.top": False, "axes.spines.right": False, "font.size": 9, "svg.hashsalt": "pasta"}
FIGURE_INCHES = (7.2, 3.8)
VISIBLE_FACTOR = 5e-4
NUM_BINS = 40
NO_LEGEND = "_"  # matplotlib leaves labels that begin so out of legends


class PlotError(PastaError):
    """Report that plots cannot be drawn: matplotlib is missing, or the file's kind is unknown."""


def plots(report: SimulationReport, *, suffix: str = "svg") -> dict[str, bytes]:
    """Draw all plots that a report has data for; names to file contents, the same bytes for the same report.

    Raises:
        PlotError: matplotlib is not installed.
    """
    drawings: dict[str, Callable[[Figure], None]] = {}
    if any(summary.strategy != "sequential" for summary in report.summaries):
        drawings["speedups"] = partial(_speedups, report=report)
        drawings["pareto"] = partial(_pareto, summaries=report.summaries)
    for summary in report.summaries:
        if summary.waterfall:
            drawings[f"waterfall_{summary.strategy}"] = partial(_waterfall, summary=summary)
    if report.timeline is not None:
        drawings["timeline"] = partial(_timeline, timeline=report.timeline)
    if report.load:
        drawings["load"] = partial(_load, report=report)
    return {f"{name}.{suffix}": _drawn(draw, suffix) for name, draw in drawings.items()}


def write_plots(report: SimulationReport, folder: Path, *, suffix: str = "svg") -> list[Path]:
    """Write all plots into a folder, which is made if need be; return their paths.

    Raises:
        PlotError: matplotlib is not installed, or the kind of file is neither svg nor png.
    """
    if suffix not in ("png", "svg"):
        raise PlotError(f"plots are written as svg or png, not as {suffix!r}")
    folder.mkdir(parents=True, exist_ok=True)
    paths = []
    for name, content in plots(report, suffix=suffix).items():
        (folder / name).write_bytes(content)
        paths.append(folder / name)
    return paths


def _drawn(draw: "Callable[[Figure], None]", suffix: str) -> bytes:
    try:
        from matplotlib import rc_context  # noqa: PLC0415
        from matplotlib.figure import Figure  # noqa: PLC0415
    except ImportError as error:
        raise PlotError("plots need matplotlib: pip install 'pasta-toolkit[plot]'") from error
    stream = BytesIO()
    with rc_context(STYLE):
        figure = Figure(figsize=FIGURE_INCHES, layout="constrained")
        draw(figure)
        metadata: dict[str, Any] = {"Date": None} if suffix == "svg" else {"Software": None}
        figure.savefig(stream, format=suffix, metadata=metadata, dpi=150)
    return stream.getvalue()


def _speedups(figure: "Figure", report: SimulationReport) -> None:
    """Histogram and cumulative share of the speed-ups over answers."""
    left, right = figure.subplots(1, 2)
    shown = [summary for summary in report.summaries if summary.strategy != "sequential"]
    columns = [_speedups_of(report, summary.strategy) for summary in shown]
    edges = _bin_edges([value for column in columns for value in column])
    for summary, values in zip(shown, columns, strict=True):
        left.hist(values, bins=edges, histtype="step", linewidth=1.3, label=summary.strategy)
        shares = [(index + 1) / len(values) for index in range(len(values))]
        right.step(values, shares, where="post", label=f"{summary.strategy}: {summary.geomean_speedup:.2f}")
    left.set(xlabel="speed-up over sequential", ylabel="answers")
    right.set(xlabel="speed-up over sequential", ylabel="share of answers at most so fast")
    for axes in (left, right):
        axes.axvline(1, color="black", linewidth=0.6)
    right.legend(frameon=False, title="geometric mean")


def _speedups_of(report: SimulationReport, strategy: str) -> list[float]:
    return sorted(p.speedup for p in report.predictions if p.strategy == strategy and p.sequential_tokens)


def _bin_edges(values: Sequence[float]) -> list[float]:
    """Return the edges of bins that all strategies share."""
    low, high = min(values, default=1.0), max(values, default=1.0)
    width = (high - low) / NUM_BINS or 1.0
    return [low + index * width for index in range(NUM_BINS + 1)]


def _pareto(figure: "Figure", summaries: Sequence[StrategySummary]) -> None:
    """What a strategy gains against what it decodes in addition: up and left is better."""
    axes = figure.subplots()
    for summary in summaries:
        extra = summary.decoded_tokens / summary.sequential_tokens - 1 if summary.sequential_tokens else 0.0
        axes.scatter([100 * extra], [summary.geomean_speedup], color=TOTAL_COLOUR)
        axes.annotate(
            summary.strategy, (100 * extra, summary.geomean_speedup), xytext=(5, 4), textcoords="offset points"
        )
    axes.axhline(1, color="black", linewidth=0.6)
    axes.margins(0.2)
    axes.set(xlabel="tokens decoded beyond the answer's own, %", ylabel="speed-up (geometric mean)")


def _waterfall(figure: "Figure", summary: StrategySummary) -> None:
    """From the perfect speed-up to the predicted one, a bar for each term that matters."""
    first, *terms = summary.waterfall
    names, bottoms, heights, colours = ["perfect"], [0.0], [first.speedup], [TOTAL_COLOUR]
    before = first.speedup
    for step in terms:
        if abs(step.factor - 1) > VISIBLE_FACTOR:
            names.append(step.name.replace("_", " "))
            bottoms.append(min(before, step.speedup))
            heights.append(abs(step.speedup - before))
            colours.append(LOSS_COLOUR if step.factor < 1 else GAIN_COLOUR)
        before = step.speedup
    axes = figure.subplots()
    axes.bar([*names, "predicted"], [*heights, before], bottom=[*bottoms, 0.0], color=[*colours, TOTAL_COLOUR])
    axes.axhline(1, color="black", linewidth=0.6)
    axes.tick_params(axis="x", rotation=25)
    axes.set(ylabel=f"speed-up of {summary.strategy} (geometric mean)")


def _timeline(figure: "Figure", timeline: Timeline) -> None:
    """Threads over time, with arrows for forks and joins and the critical path in red."""
    axes = figure.subplots()
    for kind, colour in SPAN_COLOURS.items():
        spans = [span for span in timeline.spans if span.kind is kind]
        for index, span in enumerate(spans):
            label = kind.value if index == 0 else NO_LEGEND
            axes.barh(span.thread, _ms(span.end_ns - span.start_ns), left=_ms(span.start_ns), color=colour, label=label)
    for flow in timeline.flows:
        axes.annotate(
            "",
            (_ms(flow.to_ns), flow.to_thread),
            (_ms(flow.from_ns), flow.from_thread),
            arrowprops={"arrowstyle": "->", "color": "#555555", "linewidth": 0.7},
        )
    _path(axes, timeline)
    threads = sorted({span.thread for span in timeline.spans})
    axes.set_yticks(threads, [f"branch {thread}" if thread else "main" for thread in threads])
    axes.invert_yaxis()
    axes.set(xlabel="milliseconds", title=timeline.request)
    axes.legend(frameon=False, loc="upper center", bbox_to_anchor=(0.5, -0.18), ncols=5)


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
    left, right = figure.subplots(1, 2)
    for index, name in enumerate(dict.fromkeys(point.strategy for point in report.load)):
        points = [point for point in report.load if point.strategy == name]
        rates, colour = [point.rate_per_s for point in points], f"C{index}"
        left.plot(rates, [point.latency.p50_s for point in points], marker="o", color=colour)
        left.plot(rates, [point.latency.p99_s for point in points], linestyle=":", color=colour)
        right.plot(rates, [point.speedup for point in points], marker="o", color=colour, label=name)
    left.set(xlabel="requests a second", ylabel="latency, s (dotted: p99)", yscale="log")
    right.set(xlabel="requests a second", ylabel="speed-up over sequential, same load")
    right.axhline(1, color="black", linewidth=0.6)
    for axes in (left, right):
        axes.set_xscale("log")
    handles, names = right.get_legend_handles_labels()
    figure.legend(handles, names, frameon=False, loc="outside lower center", ncols=4)


def _ms(duration_ns: int) -> float:
    return duration_ns / 1e6
