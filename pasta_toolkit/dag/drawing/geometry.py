"""Where things lie on the page, in inches from its upper left corner. Knows no colours and no matplotlib."""

from dataclasses import dataclass

from pasta_toolkit.dag.timeline import Timeline

__all__ = ["Geometry", "fitting"]

# Ours, chosen by eye: one branch must not look lost, sixty must still fit on a screen.
TIME_WIDTH = 9.6
GUTTER = 0.72
RIGHT_MARGIN = 0.3
TOP = 1.16
BOTTOM = 0.98
ROOMY_PITCH, ROOMY_LANES = 0.46, 12
DENSE_PITCH, DENSE_LANES = 0.23, 61
BAR_SHARE = 0.66
POINTS_PER_INCH = 72
FONT_SHARE = 0.5
LARGEST_FONT, SMALLEST_FONT = 9.0, 6.5


@dataclass(frozen=True, slots=True)
class Geometry:
    """The scale of time and of lanes. Lengths are inches, font sizes points."""

    num_lanes: int
    num_tokens: int
    lane_pitch: float

    @property
    def page_width(self) -> float:
        """The width of the page."""
        return GUTTER + TIME_WIDTH + RIGHT_MARGIN

    @property
    def page_height(self) -> float:
        """The height of the page."""
        return self.lanes_bottom + BOTTOM

    @property
    def left(self) -> float:
        """Where time begins."""
        return GUTTER

    @property
    def right(self) -> float:
        """Where time ends."""
        return GUTTER + TIME_WIDTH

    @property
    def lanes_top(self) -> float:
        """The upper edge of the first lane."""
        return TOP

    @property
    def lanes_bottom(self) -> float:
        """The lower edge of the last lane."""
        return TOP + self.num_lanes * self.lane_pitch

    @property
    def bar_height(self) -> float:
        """The height of a bar; the rest of its lane stays free."""
        return self.lane_pitch * BAR_SHARE

    @property
    def is_dense(self) -> bool:
        """Whether so many lines cross the lanes that they have to be faint."""
        return self.num_lanes > ROOMY_LANES

    @property
    def label_size(self) -> float:
        """The font size of labels in points."""
        return min(LARGEST_FONT, max(SMALLEST_FONT, self.lane_pitch * POINTS_PER_INCH * FONT_SHARE))

    def x(self, tokens: float) -> float:
        """Return the place of a time."""
        return self.left + tokens / max(1, self.num_tokens) * TIME_WIDTH

    def middle(self, lane: int) -> float:
        """Return the height of a lane's middle; lanes count from 0."""
        return self.lanes_top + (lane + 0.5) * self.lane_pitch


def fitting(view: Timeline) -> Geometry:
    """Choose a geometry: lanes are roomy up to a dozen and grow denser up to sixty."""
    num_lanes = max(1, len(view.lanes))
    density = min(1.0, max(0.0, (num_lanes - ROOMY_LANES) / (DENSE_LANES - ROOMY_LANES)))
    pitch = ROOMY_PITCH + density * (DENSE_PITCH - ROOMY_PITCH)
    return Geometry(num_lanes, view.measures.critical_path_tokens, pitch)
