"""Draws how the measures of a data set are distributed, one picture a measure. Computes no measure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import cycle
from pathlib import Path
from typing import Any

from grammar import PastaError
from pasta_toolkit.dag.drawing.fonts import choose_fonts
from pasta_toolkit.dag.drawing.page import DOTS_PER_INCH, METADATA, plain_matplotlib
from pasta_toolkit.dag.export.colours import CRITICAL, GRID, INK, QUIET_LINE, TAG
from pasta_toolkit.dag.statistics import DataSet, MeasureTable, geometric_mean, values_by_measure
from pasta_toolkit.dag.terminal import elided

__all__ = ["PlotError", "plot_data_set"]

MOST_GROUPS = 7
# Source: Okabe and Ito (2008), less yellow, which is too pale on white; dashes tell the lines apart without colours.
GROUP_COLOURS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#000000")
GROUP_DASHES = ("-", "--", "-.", ":")
WIDTH, HEIGHT = 9.6, 3.9
MOST_BINS = 40
LEGEND_COLUMNS = 32  # characters of a name that a legend shows at the most
FEWEST_BINS = 5


class PlotError(PastaError):
    """Report plots that cannot be drawn or written."""


@dataclass(frozen=True, slots=True)
class _Plot:
    """What is drawn of one measure."""

    name: str
    label: str
    is_whole: bool = False
    is_ratio: bool = False
    is_percentage: bool = False


PLOTS = (
    _Plot("ideal_speedup", "ideal speed-up (sequential / critical-path tokens)", is_ratio=True),
    _Plot("parallelism", "parallelism (decoded / critical-path tokens)", is_ratio=True),
    _Plot("width", "width (most threads decoding at once)", is_whole=True),
    _Plot("promises", "promises a document", is_whole=True),
    _Plot("tag_overhead", "tag overhead (tag tokens / decoded tokens)", is_percentage=True),
)

Values = Mapping[str, Sequence[float]]


def plot_data_set(data_set: DataSet, folder: str | Path, *, by: str | None = None) -> list[str]:
    """Draw each measure into `FOLDER/MEASURE.png` and return the files; a folder that is not there is made.

    Documents that are empty are left out. With `by`, the name of the field by which the data set is grouped, the
    cumulative shares have a line for each of its values, the most frequent ones where there are many.

    Raises:
        MissingMatplotlibError: matplotlib is not installed.
        PlotError: nothing to draw, or the folder cannot be written.
    """
    everything = _values(data_set.table)
    if not everything["width"]:
        raise PlotError("there is nothing to plot: no document with an answer in it was measured")
    groups = {value: _values(table) for value, table in _most_frequent(data_set)} if by is not None else {}
    legend = by if len(data_set.tables_by_value) == len(groups) else f"{by}: {len(groups)} most frequent values"
    written = []
    with plain_matplotlib():
        for plot in PLOTS:
            figure = _figure(plot, everything, groups, legend or "")
            written.append(_save(figure, Path(folder) / f"{plot.name}.png"))
    return written


def _most_frequent(data_set: DataSet) -> list[tuple[str, MeasureTable]]:
    """Ties: the value that comes first in the alphabet."""
    ordered = sorted(data_set.tables_by_value.items(), key=lambda item: (-len(item[1]), item[0]))
    return sorted(ordered[:MOST_GROUPS])


def _values(table: MeasureTable) -> Values:
    return values_by_measure([measures for measures in table if not measures.is_empty])


def _figure(plot: _Plot, everything: Values, groups: Mapping[str, Values], legend: str) -> Any:
    from matplotlib.backends.backend_agg import FigureCanvasAgg  # noqa: PLC0415 (heavy)
    from matplotlib.figure import Figure  # noqa: PLC0415 (heavy)

    figure = Figure(figsize=(WIDTH, HEIGHT), dpi=DOTS_PER_INCH, facecolor="white", layout="constrained")
    FigureCanvasAgg(figure)
    left, right = figure.subplots(1, 2)
    values = everything[plot.name]
    figure.suptitle(_title(plot, values), x=0.01, ha="left", fontsize=12, fontweight="bold", color=INK)
    _draw_frequencies(left, plot, values)
    _draw_shares(right, plot, values, {value: columns[plot.name] for value, columns in groups.items()}, legend)
    for axes in (left, right):
        _plain_frame(axes, plot)
    return figure


def _title(plot: _Plot, values: Sequence[float]) -> str:
    name = plot.label.split(" (")[0]
    documents = f"{len(values):,} document{'s' * (len(values) != 1)}"
    if plot.is_ratio:
        return f"{name[0].upper()}{name[1:]}: geometric mean {geometric_mean(values):.2f} over {documents}"
    mean = sum(values) / len(values)
    shown = f"{mean:.1%}" if plot.is_percentage else f"{mean:.2f}"
    return f"{name[0].upper()}{name[1:]}: mean {shown} over {documents}"


def _draw_frequencies(axes: Any, plot: _Plot, values: Sequence[float]) -> None:
    from matplotlib.ticker import MaxNLocator  # noqa: PLC0415 (heavy)

    style = {"color": TAG, "edgecolor": "white", "linewidth": 0.5}
    if plot.is_whole:
        axes.hist(values, bins=_whole_bins(values), **style)
    else:
        axes.hist(values, bins=min(MOST_BINS, max(FEWEST_BINS, len(set(values)))), **style)
    if plot.is_ratio:
        mean = geometric_mean(values)
        axes.axvline(1, color=QUIET_LINE, linewidth=1, linestyle=":", label="1: no gain")
        axes.axvline(mean, color=CRITICAL, linewidth=1.8, label=f"geometric mean {mean:.2f}")
        axes.legend(frameon=False, fontsize=8.5, labelcolor=INK)
    axes.yaxis.set_major_locator(MaxNLocator(integer=True))
    axes.set_ylabel("documents")


def _whole_bins(values: Sequence[float]) -> list[float]:
    """Return edges halfway between whole numbers, each bin as many of them wide as it takes to have few bins."""
    least, most = int(min(values)), int(max(values))
    step = -(-(most - least + 1) // MOST_BINS)
    return [edge - 0.5 for edge in range(least, most + step + 1, step)]


def _draw_shares(
    axes: Any, plot: _Plot, values: Sequence[float], groups: Mapping[str, Sequence[float]], legend: str
) -> None:
    lines = [("all", values, INK, "-")]
    lines += [
        (value, of_group, colour, dashes)
        for (value, of_group), colour, dashes in zip(
            ((value, of_group) for value, of_group in groups.items() if of_group),
            cycle(GROUP_COLOURS),
            cycle(GROUP_DASHES),
            strict=False,
        )
    ]
    fonts = choose_fonts("".join(name for name, *_ in lines) + legend)
    for name, of_line, colour, dashes in lines:
        axes.ecdf(of_line, color=colour, linestyle=dashes, linewidth=1.6, label=_legend_name(fonts.drawable(name)))
    axes.set_ylabel("share of documents at or below")
    axes.set_ylim(0, 1.02)
    if groups:
        prop = {"family": list(fonts.families), "size": 8.5}
        title = {"title": _plain(elided(fonts.drawable(legend), LEGEND_COLUMNS)), "title_fontproperties": prop}
        handles, _ = axes.get_legend_handles_labels()
        where = {"loc": "outside right center", "frameon": False, "labelcolor": INK}
        axes.figure.legend(handles=handles, prop=prop, **where, **title)


def _legend_name(name: str) -> str:
    """Matplotlib leaves names out of a legend that begin with an underscore, and reads dollars as mathematics."""
    shown = elided(name, LEGEND_COLUMNS)
    return _plain(f"\u200b{shown}" if shown.startswith("_") else shown)


def _plain(text: str) -> str:
    return text.replace("$", r"\$")


def _plain_frame(axes: Any, plot: _Plot) -> None:
    from matplotlib.ticker import MaxNLocator, PercentFormatter  # noqa: PLC0415 (heavy)

    axes.set_xlabel(plot.label)
    axes.spines[["top", "right"]].set_visible(False)
    axes.spines[["left", "bottom"]].set_color(QUIET_LINE)
    axes.grid(color=GRID, linewidth=0.7)
    axes.set_axisbelow(True)
    axes.tick_params(colors=INK, labelsize=9)
    if plot.is_whole:
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    if plot.is_percentage:
        axes.xaxis.set_major_formatter(PercentFormatter(1.0, decimals=0))


def _save(figure: Any, path: Path) -> str:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        figure.savefig(path, dpi=DOTS_PER_INCH, metadata=METADATA["png"])
    except OSError as error:
        raise PlotError(f"cannot write {str(path)!r}: {error.strerror}") from error
    return str(path)
