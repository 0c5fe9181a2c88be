"""Draws what stands around the threads: title, time axis, legend, footnote."""

from typing import Any

from pasta_toolkit.dag.drawing.fonts import STAND_IN
from pasta_toolkit.dag.drawing.geometry import Geometry
from pasta_toolkit.dag.drawing.labels import elided_to
from pasta_toolkit.dag.drawing.page import Page
from pasta_toolkit.dag.export.colours import BRANCH, CRITICAL, GRID, INK, MAIN, PALE_CRITICAL, QUIET_LINE, TAG, WAITING
from pasta_toolkit.dag.measures import Measures
from pasta_toolkit.dag.timeline import Timeline
from pasta_toolkit.dag.wording import counted_with

__all__ = ["TIMES", "draw_frame"]

TITLE_SIZE, TEXT_SIZE = 13.0, 8.5
MOST_TICKS = 10
TIMES = "\N{MULTIPLICATION SIGN}"


def draw_frame(page: Page, geometry: Geometry, view: Timeline, *, title: str) -> None:
    """Draw title, axis and legend of one timeline, and a note if characters had to be replaced anywhere on the page."""
    _title(page, geometry, view, title)
    _axis(page, geometry, view)
    _legend(page, geometry, view)
    if page.has_stand_ins:
        note = f"{STAND_IN} stands for a character that no font installed here has"
        page.text(geometry.page_width - 0.3, 0.79, note, size=TEXT_SIZE, ha="right", va="baseline", color=QUIET_LINE)


def _title(page: Page, geometry: Geometry, view: Timeline, title: str) -> None:
    x, room = 0.2, geometry.page_width - 0.4
    speedup = f"Ideal speed-up {view.measures.ideal_speedup:.2f}{TIMES}"
    headline = "No answer to speed up" if view.measures.is_empty else speedup
    page.text(x, 0.34, headline, size=TITLE_SIZE, is_bold=True, va="baseline", color=INK)
    if title:
        start = x + page.text_width(headline, size=TITLE_SIZE, is_bold=True) + 0.18
        name = elided_to(title, x + room - start, measure=lambda text: page.text_width(text, size=TITLE_SIZE))
        page.text(start, 0.34, name, size=TITLE_SIZE, va="baseline", color=QUIET_LINE)
    page.text(x, 0.59, _counts(view.measures), size=TEXT_SIZE, va="baseline", color=INK)
    page.text(x, 0.79, _ratios(view), size=TEXT_SIZE, va="baseline", color=INK)


def _counts(measures: Measures) -> str:
    return (
        f"{measures.sequential_tokens:,} sequential tokens / {measures.critical_path_tokens:,} critical-path tokens; "
        f"{measures.decoded_tokens:,} decoded, {measures.tag_tokens:,} of them tags ({measures.tag_overhead:.0%})"
    )


def _ratios(view: Timeline) -> str:
    measures = view.measures
    syncs = f"{measures.num_syncs:,} sync{'s' * (measures.num_syncs != 1)}"
    promises = f"{measures.num_promises:,} promise{'s' * (measures.num_promises != 1)}"
    width = f"{measures.width:,} thread{'s' * (measures.width != 1)} at once"
    lengths = "; branches as long as promised, not decoded" if view.dag.form == "main" else ""
    return f"parallelism {measures.parallelism:.2f}; width {width}; {promises}, {syncs}{lengths}"


def _axis(page: Page, geometry: Geometry, view: Timeline) -> None:
    from matplotlib.ticker import MaxNLocator  # noqa: PLC0415 (heavy)

    bottom = geometry.lanes_bottom + 0.04
    page.line([(geometry.left, bottom), (geometry.right, bottom)], color=QUIET_LINE, linewidth=0.8)
    for tick in MaxNLocator(MOST_TICKS, integer=True).tick_values(0, geometry.num_tokens):
        x = geometry.x(tick)
        if 0 <= tick <= geometry.num_tokens:
            page.line([(x, geometry.lanes_top - 0.02), (x, bottom + 0.05)], color=GRID, linewidth=0.6, zorder=1)
            page.text(x, bottom + 0.18, f"{int(tick):,}", size=TEXT_SIZE, ha="center", va="baseline", color=INK)
    counter = counted_with(view.dag.tokenizer, is_exact=view.dag.is_exact)
    unit = f"time in tokens, counted with {counter}; each step decodes one token of every thread that is not waiting"
    middle = (geometry.left + geometry.right) / 2
    page.text(middle, bottom + 0.4, unit, size=TEXT_SIZE, ha="center", va="baseline", color=INK)


def _legend(page: Page, geometry: Geometry, view: Timeline) -> None:
    from matplotlib.patches import Patch  # noqa: PLC0415 (heavy)

    quiet: dict[str, Any] = {"edgecolor": QUIET_LINE, "linewidth": 0.7}
    handles = [
        Patch(facecolor=PALE_CRITICAL, edgecolor=CRITICAL, linewidth=1.7, label="critical path"),
        Patch(facecolor=MAIN, label="main thread", **quiet),
        Patch(facecolor=BRANCH, label="branch", **quiet),
        Patch(facecolor=TAG, label="tags", **quiet),
        Patch(facecolor="white", edgecolor=WAITING, hatch="/////", linewidth=0.5, label="waiting at a sync"),
    ]
    page.axes.legend(
        handles=handles,
        loc="lower center",
        bbox_to_anchor=(0.5, 0.0),
        ncols=len(handles),
        frameon=False,
        fontsize=TEXT_SIZE,
        labelcolor=INK,
        prop={"family": page.fonts.families[:1], "size": TEXT_SIZE},
    )
