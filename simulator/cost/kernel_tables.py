"""Measured kernels of one device: matrix products and decode attention. Knows no model and adds up nothing."""

import math
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass

from pasta_toolkit.specs import HardwareSpec
from simulator.cost.errors import CostError
from simulator.cost.heads import Heads
from simulator.cost.interpolation import Curve
from simulator.cost.measurements import AttentionRow, MatmulRow

__all__ = ["AttentionTable", "MatmulTable"]

BYTES = 2  # bf16
NUM_NEIGHBOURS = 4  # ours: 1 to 8 were tried on the steps of three models; 3 and 4 are best, 8 twice as bad
EXACT_DISTANCE = 1e-12


@dataclass(frozen=True, slots=True)
class MatmulTable:
    """Measured products of one device.

    A shape that was not measured takes the share of the roofline that its neighbours reach.
    Source: Shepard (1968), inverse-distance weights, here over log2 of the two sizes; the transferred quantity is
    roofline / measured, as aiconfigurator 0.12 does (perf_interp).
    """

    hardware: HardwareSpec
    curves: dict[tuple[int, int], Curve]

    @staticmethod
    def of(rows: Iterable[MatmulRow], hardware: HardwareSpec) -> "MatmulTable":
        """Build the table from rows of one device."""
        points: dict[tuple[int, int], dict[int, float]] = defaultdict(dict)
        for row in rows:
            points[row.outer, row.inner][row.rows] = row.seconds
        if not points:
            raise CostError(f"there are no measured products for {hardware.name!r}")
        return MatmulTable(hardware, {shape: Curve.of(curve) for shape, curve in sorted(points.items())})

    def seconds(self, *, rows: int, outer: int, inner: int) -> float:
        """Return the seconds of (rows, inner) @ (inner, outer)."""
        exact = self.curves.get((outer, inner))
        if exact is not None:
            return self._on_curve(exact, rows, outer, inner)
        nearest = sorted((self._distance(shape, outer, inner), shape) for shape in self.curves)[:NUM_NEIGHBOURS]
        total_weight, total_share = 0.0, 0.0
        for distance, shape in nearest:
            weight = 1 / (distance**2 + EXACT_DISTANCE)
            total_share += weight * self._roofline(rows, *shape) / self._on_curve(self.curves[shape], rows, *shape)
            total_weight += weight
        return self._roofline(rows, outer, inner) * total_weight / total_share

    def _on_curve(self, curve: Curve, rows: int, outer: int, inner: int) -> float:
        if rows <= curve.last:
            return curve.at(rows)
        last = self._roofline(int(curve.last), outer, inner)
        return curve.values[-1] * self._roofline(rows, outer, inner) / last

    def _roofline(self, rows: int, outer: int, inner: int) -> float:
        moved_bytes = BYTES * (outer * inner + rows * inner + rows * outer)
        flops = 2 * rows * outer * inner
        return max(
            moved_bytes / self.hardware.memory_bandwidth_bytes_per_s, flops / self.hardware.bf16_dense_flops_per_s
        )

    @staticmethod
    def _distance(shape: tuple[int, int], outer: int, inner: int) -> float:
        return math.hypot(math.log2(shape[0] / outer), math.log2(shape[1] / inner))


@dataclass(frozen=True, slots=True)
class AttentionTable:
    """Measured decode attention of one device: for each heads, for each number of lanes, seconds over context."""

    curves: dict[Heads, dict[int, Curve]]

    @staticmethod
    def of(rows: Iterable[AttentionRow]) -> "AttentionTable":
        """Build the table from rows of one device."""
        points: dict[Heads, dict[int, dict[int, float]]] = defaultdict(lambda: defaultdict(dict))
        for row in rows:
            heads = Heads(row.num_query_heads, row.num_kv_heads, row.head_size)
            points[heads][row.num_lanes][row.context] = row.seconds
        if not points:
            raise CostError("there are no measured attention kernels for the device")
        return AttentionTable(
            {
                heads: {lanes: Curve.of(curve) for lanes, curve in sorted(by_lanes.items())}
                for heads, by_lanes in sorted(points.items())
            }
        )

    def seconds(self, heads: Heads, *, num_lanes: float, context: float) -> float:
        """Return the seconds of one layer for lanes of equal context, linear in lanes and context.

        Heads that were not measured take those of the nearest group size, then kv heads; the kernel's time follows the
        bytes, so lanes are scaled by the ratio of a token's bytes.
        """
        nearest = min(self.curves, key=lambda known: self._distance(known, heads))
        bytes_ratio = heads.token_bytes / nearest.token_bytes
        by_lanes = self.curves[nearest]
        over_lanes = Curve(
            tuple(map(float, by_lanes)), tuple(curve.scaled_beyond(context) for curve in by_lanes.values())
        )
        return over_lanes.scaled_beyond(num_lanes * bytes_ratio)

    @staticmethod
    def _distance(known: Heads, heads: Heads) -> tuple[float, float, Heads]:
        group = abs(math.log2(known.group_size / heads.group_size))
        size = known.token_bytes / heads.token_bytes
        return (group, abs(math.log2(size)), known)
