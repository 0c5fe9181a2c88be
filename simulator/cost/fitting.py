"""Fits the kernel parameters to measured tables, in log space, with a weak prior. Knows no files.

Generic parameters are fitted on many devices together: one set for devices with asynchronous matrix units and, as
factors on it, one for the others. A device's own profile starts from its generic set and is held to it by the prior, so
that a few rows suffice and nothing that they say nothing about runs away.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields

import numpy as np

from pasta_toolkit.specs import Calibration, HardwareSpec, ModelSpec
from simulator.cost.batches import AttentionBatch, MatmulBatch, StepBatch, attention_batch, matmul_batch, step_batches
from simulator.cost.errors import CostError
from simulator.cost.least_squares import Vector, minimize_squares
from simulator.cost.measurements import AttentionRow, MatmulRow, StepRow
from simulator.cost.parameters import NUM_DEFAULTS, KernelParameters

__all__ = ["FIRST_GUESS", "Tables", "fit_device", "fit_generic"]

# Ours: one step away in log space costs as much as a mean error of so much. Chosen among 0.01, 0.02, 0.04 and 0.08 by
# the errors on devices left out: all the same but for the A100, of whose kind only one other device is known.
GENERIC_PRIOR_WEIGHT = 0.04
DEVICE_PRIOR_WEIGHT = 0.02
STEP_WEIGHT = 2.0  # ours: whole steps are what is predicted; kernels of other shapes guide
MAX_ITERATIONS = 25

FIRST_GUESS = KernelParameters(
    matmul_bandwidth_fraction=0.85,
    matmul_flops_fraction=0.9,
    matmul_launch_cycles=4500,
    matmul_inner_cycles=0.5,
    matmul_split_cycles=2000,
    matmul_small_tile_penalty=0.4,
    matmul_overlap_norm=2.5,
    matmul_single_row_fraction=0.9,
    attention_launch_cycles=20000,
    attention_lane_cycles=5000,
    attention_split_cycles=3000,
    attention_bandwidth_fraction=0.9,
    attention_cache_bandwidth_fraction=1.3,
    attention_miss_cycles=10000,
    attention_overlap_norm=2.2,
    attention_single_lane_fraction=0.9,
)
NAMES = tuple(parameter.name for parameter in fields(KernelParameters))[:-NUM_DEFAULTS]
AT_LEAST_ONE = ("matmul_overlap_norm", "attention_overlap_norm")  # below 1 two resources would hinder each other
# A fraction above 1 would read faster than the datasheet allows, or make a second lane cheaper than one.
AT_MOST_ONE = ("matmul_single_row_fraction", "attention_single_lane_fraction", "attention_bandwidth_fraction")


@dataclass(frozen=True, slots=True)
class Tables:
    """Measured rows to fit on, with the specs of the names in them."""

    hardware: Mapping[str, HardwareSpec]
    models: Mapping[str, ModelSpec] = field(default_factory=dict)
    matmuls: Sequence[MatmulRow] = ()
    attentions: Sequence[AttentionRow] = ()
    steps: Sequence[StepRow] = ()

    def only(self, *, is_asynchronous: bool) -> "Tables":
        """Return the rows of the devices of one kind."""

        def keep(device: str) -> bool:
            return self.hardware[device].has_asynchronous_matrix_units == is_asynchronous

        return self.where_device(keep)

    def where_device(self, keep: Callable[[str], bool]) -> "Tables":
        """Return the rows of the devices for whose name `keep` is true."""
        return Tables(
            self.hardware,
            self.models,
            tuple(row for row in self.matmuls if keep(row.device)),
            tuple(row for row in self.attentions if keep(row.device)),
            tuple(row for row in self.steps if keep(row.device)),
        )


@dataclass(frozen=True, slots=True)
class _Batches:
    """The arrays of some tables, each kind weighted so that its number of rows does not matter."""

    matmul: MatmulBatch | None
    attention: AttentionBatch | None
    steps: tuple[StepBatch, ...]

    @staticmethod
    def of(tables: Tables) -> "_Batches":
        return _Batches(
            matmul_batch(tables.matmuls, tables.hardware) if tables.matmuls else None,
            attention_batch(tables.attentions, tables.hardware) if tables.attentions else None,
            step_batches(tables.steps, tables.hardware, tables.models),
        )

    def residuals(self, parameters: KernelParameters) -> list[Vector]:
        kernels = [_weighted([batch.log_errors(parameters)], 1.0) for batch in (self.matmul, self.attention) if batch]
        steps = [batch.log_errors(parameters) for batch in self.steps]
        return kernels + ([_weighted(steps, STEP_WEIGHT)] if steps else [])


def fit_generic(tables: Tables, *, start: KernelParameters = FIRST_GUESS) -> tuple[Calibration, Calibration]:
    """Return the profiles for asynchronous and for other devices, fitted on all tables together.

    Raises:
        CostError: the tables are empty.
    """
    groups = [_Batches.of(tables.only(is_asynchronous=flag)) for flag in (True, False)]
    prior = np.concatenate([_to_vector(start), np.zeros(len(NAMES))])

    def residuals(vector: Vector) -> Vector:
        base, factors = vector[: len(NAMES)], vector[len(NAMES) :]
        parts = groups[0].residuals(_to_parameters(base)) + groups[1].residuals(_to_parameters(base + factors))
        return _with_prior(parts, GENERIC_PRIOR_WEIGHT * (vector - prior))

    found = minimize_squares(residuals, prior, max_iterations=MAX_ITERATIONS)
    base, factors = found[: len(NAMES)], found[len(NAMES) :]
    method = "all devices together, log space, weak prior"
    return (
        _calibration(base, groups[0], tables.only(is_asynchronous=True), method),
        _calibration(base + factors, groups[1], tables.only(is_asynchronous=False), method),
    )


def fit_device(tables: Tables, *, start: Calibration) -> Calibration:
    """Return the profile of one device, fitted on its tables from the profile `start`.

    Raises:
        CostError: the tables are empty.
    """
    batches = _Batches.of(tables)
    prior = _to_vector(KernelParameters.of(start.parameters))

    def residuals(vector: Vector) -> Vector:
        return _with_prior(batches.residuals(_to_parameters(vector)), DEVICE_PRIOR_WEIGHT * (vector - prior))

    found = minimize_squares(residuals, prior, max_iterations=MAX_ITERATIONS)
    return _calibration(found, batches, tables, "one device, log space, weak prior on the generic profile")


def _with_prior(parts: list[Vector], pull: Vector) -> Vector:
    if not parts:
        raise CostError("there is nothing to fit: the tables have no rows")
    return np.concatenate([*parts, pull])


def _weighted(parts: list[Vector], weight: float) -> Vector:
    errors = np.concatenate(parts)
    return np.asarray(weight * errors / np.sqrt(len(errors)))


def _to_vector(parameters: KernelParameters) -> Vector:
    return np.log([asdict(parameters)[name] for name in NAMES])


def _to_parameters(vector: Vector) -> KernelParameters:
    values = {name: float(value) for name, value in zip(NAMES, np.exp(np.clip(vector, -30, 30)), strict=True)}
    return KernelParameters(**{name: _bounded(name, value) for name, value in values.items()})


def _bounded(name: str, value: float) -> float:
    if name in AT_MOST_ONE:
        return min(1.0, value)
    return max(1.0, value) if name in AT_LEAST_ONE else value


def _calibration(vector: Vector, batches: _Batches, tables: Tables, method: str) -> Calibration:
    parameters = _to_parameters(vector)
    residuals = [-batch.log_errors(parameters) for batch in batches.steps]
    values = {name: float(f"{value:.6g}") for name, value in asdict(parameters).items() if name in NAMES}
    num_rows = len(tables.matmuls) + len(tables.attentions) + len(tables.steps)
    return Calibration(values, tuple(float(x) for part in residuals for x in part), method, num_rows=num_rows)
