"""Where a bar's label goes and how much of it is shown. Knows widths only: how wide a text is, its caller tells."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

__all__ = ["Label", "Places", "elided_to", "placed"]

ELLIPSIS = "…"
LEGIBLE_WIDTH = 1.3  # inches: a bar as wide as this shows the beginning of a long label inside
WIDEST_OUTSIDE = 3.4  # inches

Measure = Callable[[str], float]
Stretch = tuple[float, float]


@dataclass(frozen=True, slots=True)
class Places:
    """Where a label may lie: inside of its bar, left of it, right of it; from left to right, in inches."""

    inside: Stretch
    left: Stretch
    right: Stretch


@dataclass(frozen=True, slots=True)
class Label:
    """A text and the point of its left or right end, whichever `side` says."""

    text: str
    x: float
    side: Literal["left", "right"]
    is_inside: bool


def placed(topic: str, count: str, *, places: Places, measure: Measure) -> Label:
    """Put a label into its bar if it fits, or if much of it does; else left of it, else on the side with more room.

    Left comes before right because no line of another thread passes there. Of a label that is too long, the topic is
    cut and the count stays.
    """
    full, inside = measure(topic + count), _width(places.inside)
    if inside >= min(full, LEGIBLE_WIDTH):
        return Label(_cut(topic, count, inside, measure), places.inside[0], "left", is_inside=True)
    wanted = min(full, WIDEST_OUTSIDE)
    on_left, on_right = min(wanted, _width(places.left)), min(wanted, _width(places.right))
    if on_left >= on_right:
        return Label(_cut(topic, count, on_left, measure), places.left[1], "right", is_inside=False)
    return Label(_cut(topic, count, on_right, measure), places.right[0], "left", is_inside=False)


def _cut(topic: str, count: str, width: float, measure: Measure) -> str:
    if measure(topic + count) <= width:
        return topic + count
    return elided_to(topic, width - measure(count), measure=measure) + count


def _width(stretch: Stretch) -> float:
    return stretch[1] - stretch[0]


def elided_to(text: str, width: float, *, measure: Measure) -> str:
    """Return as much of a text as fits into a width, with an ellipsis where something is gone."""
    if measure(text) <= width:
        return text
    shortest, longest = 0, len(text)
    while shortest < longest:
        middle = (shortest + longest + 1) // 2
        if measure(text[:middle].rstrip() + ELLIPSIS) <= width:
            shortest = middle
        else:
            longest = middle - 1
    return text[:shortest].rstrip() + ELLIPSIS
