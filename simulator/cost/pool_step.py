"""The cost of a step over one pool: terms that are linear in what a step asks for. Knows no placement and no fitting.

    step = rows(r) + output x (outputs - 1) + pool x extent + row_pool x r x extent + padded x slots + moved x tokens

`rows` is read off a measured curve: a step of one row streams all weights, and every further row adds arithmetic, in
stairs that differ from library to library. `pool` streams the keys and values of the pool, which all rows share;
`row_pool` is each row's own look at them. Source: ours, by the operators of the reference engine's step on the CPU.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from pasta_toolkit.specs import Calibration
from simulator.cost.errors import CostError
from simulator.cost.interval import interval_factors
from simulator.cost.pool_placement import PoolPlacement, PoolShape
from simulator.cost.step_cost import StepCost, Term
from simulator.cost.step_shape import StepShape

__all__ = ["POOL_METHOD", "TERMS", "PoolStepModel", "hat_weights", "is_pool_calibration"]

POOL_METHOD = "steps over one pool"
ROWS_PREFIX = "rows_"
LINEAR = ("output", "pool", "row_pool", "padded", "moved")
TERMS = ("first_row", "further_rows", *LINEAR)
PARAMETERS = (*LINEAR, "unit_slots", "copies", "model_parameters")


def is_pool_calibration(calibration: Calibration | None) -> bool:
    """Say whether a profile holds the parameters of this model."""
    return calibration is not None and calibration.method.startswith(POOL_METHOD)


def hat_weights(knots: Sequence[int], num_rows: int) -> list[float]:
    """Return how much each knot counts for a number of rows: linear between two, on the last line beyond.

    >>> hat_weights((1, 4, 8), 6)
    [0.0, 0.5, 0.5]
    """
    weights = [0.0] * len(knots)
    place = max(1, min(len(knots) - 1, sum(knot < num_rows for knot in knots)))
    if len(knots) == 1:
        return [1.0]
    low, high = knots[place - 1], knots[place]
    share = max(0.0, (num_rows - low) / (high - low))
    weights[place - 1], weights[place] = 1 - share, share
    return weights


@dataclass(frozen=True, slots=True)
class PoolStepModel:
    """Predicts steps of one model on one device, both as they were calibrated; all parameters are in seconds.

    `steady_interval` is that around the time of a decode while the machine's speed is known; (1, 1) where nothing is.

    Raises:
        CostError: the calibration is none of this kind, or lacks a parameter.
    """

    calibration: Calibration
    name: str = "pool"
    _knots: tuple[int, ...] = field(init=False, repr=False)
    _curve: tuple[float, ...] = field(init=False, repr=False)
    _interval: tuple[float, float] = field(init=False, repr=False)
    steady_interval: tuple[float, float] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        """Read the curve of rows off the parameters."""
        parameters = self.calibration.parameters
        curve = _curve(parameters)
        missing = [name for name in PARAMETERS if name not in parameters]
        if missing or not curve:
            raise CostError(f"the calibration lacks {missing[0] if missing else 'rows_1'}; `pasta calibrate` writes it")
        object.__setattr__(self, "_knots", tuple(rows for rows, _ in curve))
        object.__setattr__(self, "_curve", tuple(seconds for _, seconds in curve))
        object.__setattr__(self, "_interval", interval_factors(self.calibration.log_residuals))
        object.__setattr__(self, "steady_interval", interval_factors(self.calibration.steady_log_residuals))

    @property
    def copies(self) -> bool:
        """Whether a branch has a copy of its prefix (layout `copied`)."""
        return bool(self.calibration.parameters["copies"])

    @property
    def unit_slots(self) -> int:
        """Slots of a unit of the layout that was calibrated."""
        return int(self.calibration.parameters["unit_slots"])

    def placement(self) -> PoolPlacement:
        """Return an empty pool of the layout that was calibrated."""
        return PoolPlacement(self.unit_slots, copies=self.copies)

    def step_time(self, shape: StepShape) -> StepCost:
        """Return the cost of a step of which the pool is not known: all lanes share what the longest of them sees."""
        longest = max(
            (*shape.decode_contexts, *(chunk.context_tokens + chunk.chunk_tokens for chunk in shape.prefills))
        )
        return self.pool_step(
            PoolShape(
                shape.num_tokens,
                shape.num_outputs,
                longest + len(shape.decode_contexts) - 1,
                longest * (shape.num_lanes + len(shape.prefills)) if self.copies else 0,
            )
        )

    def pool_step(self, shape: PoolShape) -> StepCost:
        """Return the cost of a step by its terms, with the interval of one decode."""
        return StepCost(tuple(Term(name, seconds) for name, seconds in self._terms(shape).items()), *self._interval)

    def _terms(self, shape: PoolShape) -> dict[str, float]:
        parameters = self.calibration.parameters
        first = self._rows_seconds(1)
        folded = 0 if self.copies else shape.extent
        return {
            "first_row": first,
            "further_rows": self._rows_seconds(shape.num_rows) - first,
            "output": parameters["output"] * (shape.num_outputs - 1),
            "pool": parameters["pool"] * folded,
            "row_pool": parameters["row_pool"] * folded * shape.num_rows,
            "padded": parameters["padded"] * shape.padded_slots,
            "moved": parameters["moved"] * shape.moved_tokens,
        }

    def _rows_seconds(self, num_rows: int) -> float:
        weights = hat_weights(self._knots, num_rows)
        seconds = sum(weight * seconds for weight, seconds in zip(weights, self._curve, strict=True) if weight)
        return max(seconds, self._curve[-1]) if num_rows > self._knots[-1] else seconds


def _curve(parameters: Mapping[str, float]) -> list[tuple[int, float]]:
    """Return (rows, seconds) in order of rows.

    Raises:
        CostError: a step is said to take no time.
    """
    curve = sorted(
        (int(name.removeprefix(ROWS_PREFIX)), seconds)
        for name, seconds in parameters.items()
        if name.startswith(ROWS_PREFIX) and name.removeprefix(ROWS_PREFIX).isdecimal()
    )
    if any(seconds <= 0 for _, seconds in curve):
        raise CostError("the calibration says that a step takes no time; calibrate again")
    return curve
