"""Draws the threads: bars, waits, spawns, syncs and labels. Knows the page and where things lie on it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pasta_toolkit.dag.drawing.geometry import Geometry
from pasta_toolkit.dag.drawing.labels import Places, placed
from pasta_toolkit.dag.drawing.page import Page
from pasta_toolkit.dag.export.colours import (
    BRANCH,
    CRITICAL,
    CRITICAL_TAG,
    FAINT_LINE,
    INK,
    JOIN,
    MAIN,
    PALE_CRITICAL,
    QUIET_LINE,
    TAG,
    WAITING,
)
from pasta_toolkit.dag.graph import Chunk, ChunkKind, Edge, EdgeKind
from pasta_toolkit.dag.timeline import Lane, Timeline, chunk_label

__all__ = ["paint_lanes"]

CORNER_RADIUS = 0.06
NARROWEST_BAR = 0.025
ELBOW = 0.08  # how far left of a branch its spawn comes down
ARROW = 0.085
PADDING = 0.06
CRITICAL_WIDTH, QUIET_WIDTH = 1.7, 0.7
WAIT_SHARE = 0.42  # of a bar's height
LINES, WAITS, BARS, TAGS, OUTLINES, LABELS = 2, 3, 4, 5, 6, 7  # what is drawn over what
FILLS = {ChunkKind.MAIN: MAIN, ChunkKind.BRANCH: BRANCH, ChunkKind.JOIN: JOIN}


def paint_lanes(page: Page, geometry: Geometry, view: Timeline) -> None:
    """Draw everything between the title and the axis."""
    lane_of_thread = {lane.thread: place for place, lane in enumerate(view.lanes)}
    _LanesPainter(page, geometry, view, lane_of_thread).paint()


@dataclass(frozen=True, slots=True)
class _LanesPainter:
    """Draws one timeline on one page."""

    page: Page
    geometry: Geometry
    view: Timeline
    lane_of_thread: Mapping[int, int]

    def paint(self) -> None:
        for edge in self.view.dag.edges:
            self._edge(edge)
        for place, lane in enumerate(self.view.lanes):
            self._lane(place, lane)
        self._syncs()

    def _lane(self, place: int, lane: Lane) -> None:
        geometry = self.geometry
        name = "main" if lane.is_main else str(lane.thread)
        self._text(geometry.left - 0.1, geometry.middle(place), name, ha="right", color=QUIET_LINE)
        height = geometry.bar_height * WAIT_SHARE
        for wait in lane.waits:
            x, width = geometry.x(wait.start), geometry.x(wait.finish) - geometry.x(wait.start)
            style: dict[str, Any] = {"facecolor": "white", "edgecolor": WAITING, "hatch": "/////", "linewidth": 0.5}
            self.page.bar(x, geometry.middle(place) - height / 2, width, height, zorder=WAITS, **style)
        for index in lane.chunks:
            self._chunk(index, place)

    def _syncs(self) -> None:
        """Mark each sync above the main thread; a name that would touch the one before it is left out."""
        free_from, top = 0.0, self.geometry.lanes_top
        for index, chunk in enumerate(self.view.dag.chunks):
            if chunk.kind is ChunkKind.JOIN:
                x, name = self.geometry.x(self.view.schedule.starts[index]), chunk_label(chunk)
                self.page.line([(x, top - 0.06), (x, self._main_top())], color=INK, linewidth=1.0, zorder=LINES)
                half = self._text_width(name) / 2
                if x - half > free_from:
                    self._text(x, top - 0.15, name, ha="center", color=INK)
                    free_from = x + half + PADDING

    def _chunk(self, index: int, place: int) -> None:
        chunk = self.view.dag.chunks[index]
        if not chunk.tokens:
            return
        start, finish = self._stretch(index)
        self._bar(chunk, (start, finish), place, is_critical=index in self.view.critical_chunks)
        if chunk.kind is ChunkKind.BRANCH:
            self._label(chunk, start, finish, place)

    def _bar(self, chunk: Chunk, stretch: tuple[float, float], place: int, *, is_critical: bool) -> None:
        """Draw the bar, its tags clipped to its round corners, and its outline over them."""
        start, finish = stretch
        fill, tag_fill = (PALE_CRITICAL, CRITICAL_TAG) if is_critical else (FILLS[chunk.kind], TAG)
        top, height = self.geometry.middle(place) - self.geometry.bar_height / 2, self.geometry.bar_height
        whole = (start, top, finish - start, height)
        corners: dict[str, Any] = {"radius": min(CORNER_RADIUS, (finish - start) / 4)}
        bar = self.page.bar(*whole, facecolor=fill, edgecolor="none", zorder=BARS, **corners)
        for left, right in self._tags(chunk, start, finish):
            tag = self.page.bar(left, top, right - left, height, facecolor=tag_fill, linewidth=0, zorder=TAGS)
            tag.set_clip_path(bar)
        outline = self._outline(chunk, is_critical=is_critical)
        self.page.bar(*whole, facecolor="none", zorder=OUTLINES, **{**outline, **corners})

    def _outline(self, chunk: Chunk, *, is_critical: bool) -> dict[str, Any]:
        is_promised = chunk.kind is ChunkKind.BRANCH and self.view.dag.form == "main"
        line = {"linestyle": "--" if is_promised else "-"}
        if is_critical:
            return {"edgecolor": CRITICAL, "linewidth": CRITICAL_WIDTH, **line}
        return {"edgecolor": QUIET_LINE, "linewidth": QUIET_WIDTH, **line}

    def _stretch(self, index: int) -> tuple[float, float]:
        start = self.geometry.x(self.view.schedule.starts[index])
        finish = self.geometry.x(self.view.schedule.finishes[index])
        return start, max(finish, start + NARROWEST_BAR)

    def _tags(self, chunk: Chunk, start: float, finish: float) -> list[tuple[float, float]]:
        """Return where the tags lie: a promise ends its segment; a branch has two, taken to be of equal length."""
        tags = (finish - start) * chunk.tag_tokens / chunk.tokens
        if not tags:
            return []
        if chunk.kind is ChunkKind.BRANCH:
            return [(start, start + tags / 2), (finish - tags / 2, finish)]
        return [(finish - tags, finish)]

    def _label(self, chunk: Chunk, start: float, finish: float, place: int) -> None:
        geometry = self.geometry
        tag = (finish - start) * chunk.tag_tokens / chunk.tokens / 2
        places = Places(
            inside=(start + tag + PADDING, finish - tag - PADDING),
            left=(geometry.left, start - ELBOW - PADDING),
            right=(finish + PADDING, geometry.right),
        )
        label = placed(chunk.topic or "branch", f" · {chunk.tokens:,}", places=places, measure=self._text_width)
        box: dict[str, Any] = {"bbox": {"facecolor": "white", "edgecolor": "none", "pad": 0.6}}
        style = {"ha": label.side, "color": INK, "zorder": LABELS, **({} if label.is_inside else box)}
        self._text(label.x, geometry.middle(place), label.text, **style)

    def _text(self, x: float, y: float, text: str, **style: Any) -> None:
        self.page.text(x, y, text, size=self.geometry.label_size, va="center_baseline", **style)

    def _text_width(self, text: str) -> float:
        return self.page.text_width(text, size=self.geometry.label_size)

    def _edge(self, edge: Edge) -> None:
        if edge.kind is EdgeKind.PROGRAM:
            return  # the lane itself shows the order of the main thread
        is_critical = self.view.is_critical(edge)
        quiet = FAINT_LINE if self.geometry.is_dense else QUIET_LINE
        style = {
            "color": CRITICAL if is_critical else quiet,
            "linewidth": CRITICAL_WIDTH if is_critical else QUIET_WIDTH,
            "zorder": LINES + is_critical / 2,
        }
        if edge.kind is EdgeKind.SPAWN:
            self._spawn(edge, style)
        else:
            self._join(edge, style)

    def _spawn(self, edge: Edge, style: dict[str, Any]) -> None:
        geometry = self.geometry
        x, lane = geometry.x(self.view.schedule.starts[edge.target]), self._lane_of(edge.target)
        top, bottom = self._main_bottom(), geometry.middle(lane)
        self.page.line([(x - ELBOW, top), (x - ELBOW, bottom), (x, bottom)], **style)
        self._arrow((x, bottom), (1.0, 0.0), style)

    def _join(self, edge: Edge, style: dict[str, Any]) -> None:
        geometry = self.geometry
        start = geometry.x(self.view.schedule.finishes[edge.source])
        x, lane = geometry.x(self.view.schedule.starts[edge.target]), self._lane_of(edge.source)
        self.page.line([(start, geometry.middle(lane)), (x, geometry.middle(lane)), (x, self._main_bottom())], **style)
        self._arrow((x, self._main_bottom()), (0.0, -1.0), style)

    def _arrow(self, tip: tuple[float, float], towards: tuple[float, float], style: dict[str, Any]) -> None:
        self.page.arrow_head(tip, towards, size=ARROW, color=style["color"], zorder=OUTLINES + style["zorder"] / LABELS)

    def _lane_of(self, index: int) -> int:
        return self.lane_of_thread[self.view.dag.chunks[index].thread]

    def _main_top(self) -> float:
        return self.geometry.middle(0) - self.geometry.bar_height / 2

    def _main_bottom(self) -> float:
        return self.geometry.middle(0) + self.geometry.bar_height / 2
