"""Interpolates measured curves. Knows neither devices nor models."""

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from simulator.cost.errors import CostError

__all__ = ["Curve", "interpolate"]


@dataclass(frozen=True, slots=True)
class Curve:
    """Measured values over a rising coordinate; linear between them, held at the first before it."""

    coordinates: tuple[float, ...]
    values: tuple[float, ...]

    def __post_init__(self) -> None:
        """Refuse a curve without points or out of order."""
        if not self.coordinates or len(self.coordinates) != len(self.values):
            raise CostError("a measured curve needs as many values as coordinates, and at least one")
        if any(left >= right for left, right in zip(self.coordinates, self.coordinates[1:], strict=False)):
            raise CostError("a measured curve's coordinates must rise; one of them is there twice")

    @staticmethod
    def of(points: dict[int, float]) -> "Curve":
        """Build a curve from coordinate-to-value pairs in any order."""
        ordered = sorted(points)
        return Curve(tuple(map(float, ordered)), tuple(points[coordinate] for coordinate in ordered))

    @property
    def last(self) -> float:
        """Return the last measured coordinate."""
        return self.coordinates[-1]

    @property
    def last_rate(self) -> float | None:
        """Return the rise of the coordinate over that of the value, between the last two points; None if neither."""
        if len(self.coordinates) < 2 or self.values[-1] <= self.values[-2]:  # noqa: PLR2004
            return None
        return (self.coordinates[-1] - self.coordinates[-2]) / (self.values[-1] - self.values[-2])

    def at(self, coordinate: float) -> float:
        """Return the value at a coordinate; beyond the last one the last slope goes on, but never downwards."""
        if coordinate <= self.coordinates[0] or len(self.coordinates) == 1:
            return self.values[0]
        right = min(bisect_right(self.coordinates, coordinate), len(self.coordinates) - 1)
        left = right - 1
        slope = (self.values[right] - self.values[left]) / (self.coordinates[right] - self.coordinates[left])
        if coordinate > self.coordinates[right]:
            return self.values[right] + max(0.0, slope) * (coordinate - self.coordinates[right])
        return self.values[left] + slope * (coordinate - self.coordinates[left])

    def scaled_beyond(self, coordinate: float) -> float:
        """Return the value at a coordinate; beyond the last one it grows in proportion, as a bandwidth-bound time."""
        return self.at(coordinate) if coordinate <= self.last else self.values[-1] * coordinate / self.last


def interpolate(known: Sequence[int], coordinate: float, value_at: Callable[[int], float]) -> float:
    """Return the value at a coordinate, linear between the two measured ones around it; asks for no others.

    Before the first it is the first's; beyond the last the last slope goes on, but never downwards.
    """
    if coordinate <= known[0] or len(known) == 1:
        return value_at(known[0])
    right = min(bisect_left(known, coordinate), len(known) - 1)
    if known[right] == coordinate:
        return value_at(known[right])
    low, high = value_at(known[right - 1]), value_at(known[right])
    share = (coordinate - known[right - 1]) / (known[right] - known[right - 1])
    return high + max(0.0, high - low) * (share - 1) if share > 1 else low + (high - low) * share
