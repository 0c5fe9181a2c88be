"""Fits the cost of steps over one pool to the steps of a calibration. Knows neither engine nor files."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from statistics import fmean, median

import numpy as np

from pasta_toolkit.dag.statistics import quantile
from pasta_toolkit.report.measurement import StepSample
from pasta_toolkit.specs import Calibration
from simulator.cost.errors import CostError
from simulator.cost.least_squares import Vector
from simulator.cost.pool_placement import PoolPlacement, PoolShape
from simulator.cost.pool_step import LINEAR, POOL_METHOD, ROWS_PREFIX, PoolStepModel, hat_weights

__all__ = ["PoolFit", "Visit", "fit_pool_steps", "visits_of"]

NANOSECONDS_PER_SECOND = 1e9
FIRST_QUARTILE, LAST_QUARTILE = 0.25, 0.75
NUM_DRAWS = 1000  # ours: of a bootstrap
STRETCH_VISITS = 5  # ours: sixty steps and as many of a probe's as beside a hundred of a decode


@dataclass(frozen=True, slots=True)
class Visit:
    """The counted steps of one shape in one round: their shapes in the pool, their mean time, and a probe's step's."""

    shape: str
    steps: tuple[PoolShape, ...]
    seconds: float
    probe_ns: float | None = None


@dataclass(frozen=True, slots=True)
class PoolFit:
    """A calibration, and what was left over: by shape, predicted / measured - 1, and the spread between rounds.

    The spread is the distance of the quartiles of a shape's visits over their median: the machine's own noise. The
    steady one is what is left of it at one speed of the machine, as a probe tells it.
    """

    calibration: Calibration
    errors: Mapping[str, float]
    spreads: Mapping[str, float]
    steady_spreads: Mapping[str, float]

    @property
    def noise(self) -> float:
        """The median of the shapes' spreads."""
        return float(np.median(list(self.spreads.values())))


def visits_of(samples: Sequence[StepSample], *, unit_slots: int, copies: bool) -> list[Visit]:
    """Replay the placement of every visit, and sum up its counted steps."""
    visits: dict[int, list[StepSample]] = {}
    for sample in samples:
        visits.setdefault(sample.visit, []).append(sample)
    return [_visit(steps, unit_slots=unit_slots, copies=copies) for steps in visits.values()]


def fit_pool_steps(
    samples: Sequence[StepSample],
    *,
    unit_slots: int,
    copies: bool,
    model_parameters: int,
    source: Sequence[str] = (),
    num_turns: int | None = None,
) -> PoolFit:
    """Return the profile that fits a calibration: relative least squares over the median visit of each shape.

    Where a probe ran, visits count as at the machine's usual speed: that of the median probe. No parameter may be
    negative. The residuals that the intervals are made of are those of stretches of visits in a row: about the steps of
    a short answer, in which the noise of single ones is lost as it is in a decode.

    With `num_turns` the profile is for decodes in so many turns over the time of the whole calibration. The usual speed
    is the mean probe's; residuals as measured are those of as many visits drawn at random, as each turn meets the
    machine at another moment.

    Raises:
        CostError: nothing was measured.
    """
    visits = visits_of(samples, unit_slots=unit_slots, copies=copies)
    if not visits:
        raise CostError("the calibration has no steps")
    steady = _at_one_speed(visits, usual=fmean if num_turns else median)
    typical = [_typical([visit for visit in steady if visit.shape == name]) for name in _names(visits)]
    knots = sorted({step.num_rows for visit in typical for step in visit.steps})
    values = _solved(np.array([_row(visit, knots, copies=copies) for visit in typical]), typical)
    rows = {f"{ROWS_PREFIX}{knot}": float(value) for knot, value in zip(knots, values, strict=False)}
    linear = {name: float(value) for name, value in zip(LINEAR, values[len(knots) :], strict=True)}
    fixed = {"unit_slots": unit_slots, "copies": int(copies), "model_parameters": model_parameters}
    fitted = Calibration({**rows, **linear, **fixed}, method=POOL_METHOD)
    calibration = Calibration(
        fitted.parameters,
        _log_residuals(PoolStepModel(fitted), visits, num_turns=num_turns),
        f"{POOL_METHOD}: relative least squares over the median visit of {len(typical)} shapes",
        tuple(source),
        len(visits),
        _log_residuals(PoolStepModel(fitted), steady) if steady is not visits else (),
    )
    return PoolFit(calibration, _errors(PoolStepModel(calibration), typical), _spreads(visits), _spreads(steady))


def _visit(samples: Sequence[StepSample], *, unit_slots: int, copies: bool) -> Visit:
    placement = PoolPlacement(unit_slots, copies=copies)
    shapes = [placement.feed(sample.lanes) for sample in samples]
    counted = [(shape, sample) for shape, sample in zip(shapes, samples, strict=True) if sample.is_counted]
    if not counted:
        raise CostError(f"a visit of {samples[0].shape!r} has no counted steps")
    total_ns = sum(sample.duration_ns for _, sample in counted)
    mean_s = total_ns / len(counted) / NANOSECONDS_PER_SECOND
    return Visit(samples[0].shape, tuple(shape for shape, _ in counted), mean_s, samples[0].probe_ns)


def _at_one_speed(visits: Sequence[Visit], *, usual: Callable[[Sequence[float]], float]) -> Sequence[Visit]:
    """Return visits as they would be had the probe always taken its usual time; the same if one had no probe."""
    probes_ns = [visit.probe_ns for visit in visits if visit.probe_ns is not None]
    if len(probes_ns) < len(visits):
        return visits
    usual_ns = usual(probes_ns)
    return [
        replace(visit, seconds=visit.seconds * usual_ns / probe_ns, probe_ns=usual_ns)
        for visit, probe_ns in zip(visits, probes_ns, strict=True)
    ]


def _names(visits: Sequence[Visit]) -> list[str]:
    return list(dict.fromkeys(visit.shape for visit in visits))


def _typical(visits: Sequence[Visit]) -> Visit:
    """Return the visits of one shape as one, which takes their median time."""
    return Visit(visits[0].shape, visits[0].steps, float(np.median([visit.seconds for visit in visits])))


def _row(visit: Visit, knots: Sequence[int], *, copies: bool) -> Vector:
    """Return what the mean step of a visit asks of each parameter."""
    rows = []
    for step in visit.steps:
        folded = 0 if copies else step.extent
        linear = (step.num_outputs - 1, folded, folded * step.num_rows, step.padded_slots, step.moved_tokens)
        rows.append([*hat_weights(knots, step.num_rows), *linear])
    return np.asarray(np.mean(rows, axis=0))


def _solved(matrix: Vector, visits: Sequence[Visit]) -> Vector:
    """Solve in relative terms; linear parameters that come out negative become 0, the worst first.

    So do those that leave nothing for the rows themselves, in the order of their share. The shortest of all solutions,
    in units of each column's largest entry, is taken where there are several.
    """
    num_knots = matrix.shape[1] - len(LINEAR)
    relative = matrix / np.array([visit.seconds for visit in visits])[:, None]
    scale = np.abs(relative).max(axis=0)
    free = scale > 0
    while True:
        values = np.zeros(matrix.shape[1])
        solved, *_ = np.linalg.lstsq(relative[:, free] / scale[free], np.ones(len(visits)), rcond=None)
        values[free] = solved / scale[free]
        linear = (values * scale)[num_knots:]
        if linear.min() < 0:
            free[num_knots + int(linear.argmin())] = False
        elif values[:num_knots].min() > 0 or not linear.any():
            return values
        else:
            free[num_knots + int(linear.argmax())] = False


def _predicted(model: PoolStepModel, visit: Visit) -> float:
    return sum(model.pool_step(step).total_seconds for step in visit.steps) / len(visit.steps)


def _log_residuals(model: PoolStepModel, visits: Sequence[Visit], *, num_turns: int | None = None) -> tuple[float, ...]:
    """Return the residuals of stretches of visits with more than one step, or of `num_turns` visits drawn at random."""
    decodes = [visit for visit in visits if len(visit.steps) > 1]
    measured = np.array([visit.seconds * len(visit.steps) for visit in decodes])
    predicted = np.array([_predicted(model, visit) * len(visit.steps) for visit in decodes])
    if num_turns is None:
        numbers = np.arange(max(0, len(decodes) - STRETCH_VISITS + 1))[:, None] + np.arange(STRETCH_VISITS)
    else:
        numbers = np.random.default_rng(0).integers(len(decodes), size=(NUM_DRAWS, num_turns))
    return tuple(np.log(measured[numbers].sum(axis=1) / predicted[numbers].sum(axis=1)).tolist())


def _errors(model: PoolStepModel, visits: Sequence[Visit]) -> dict[str, float]:
    return {visit.shape: _predicted(model, visit) / visit.seconds - 1 for visit in visits}


def _spreads(visits: Sequence[Visit]) -> dict[str, float]:
    spreads = {}
    for name in _names(visits):
        seconds = sorted(visit.seconds for visit in visits if visit.shape == name)
        distance = quantile(seconds, LAST_QUARTILE) - quantile(seconds, FIRST_QUARTILE)
        spreads[name] = distance / quantile(seconds, 0.5)
    return spreads
