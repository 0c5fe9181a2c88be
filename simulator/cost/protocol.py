"""The protocols of validation: which rows a fit may see, and which it is judged on. Knows no formula."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from pasta_toolkit.specs import Calibration, load_hardware, load_model
from simulator.cost.fitting import Tables, fit_device, fit_generic
from simulator.cost.measurements import (
    AttentionRow,
    MatmulRow,
    StepRow,
    read_attention_rows,
    read_matmul_rows,
    read_step_rows,
)
from simulator.cost.smooth_kernels import fitted_model
from simulator.cost.step_shape import StepShape

__all__ = [
    "Prediction",
    "device_left_out",
    "kernels_of_others",
    "model_left_out",
    "predict_rows",
    "read_tables",
    "thinned",
]

MATMUL_FILE = "aic012_gemm_bf16_m1_512.csv"
ATTENTION_FILE = "aic012_decode_attention_bf16.csv"
STEP_FILE = "aic012_decode_step_static_gen.csv"

# What a decode step asks of kernels. The rest of the tables (tiny matrices, many lanes) would only pull the fit.
FITTED_ROWS = (1, 2, 8, 16, 32, 64, 96, 128, 192, 256, 512)
MIN_WEIGHTS = 1_000_000
# A benchmark reads a matrix again and again: a small one from a large cache, which never happens inside a model.
LARGE_CACHE_BYTES = 90_000_000
CACHED_WEIGHTS = 8_000_000
MIN_CONTEXT = 64
MAX_LANES = 256


@dataclass(frozen=True, slots=True)
class Prediction:
    """One row and what was predicted for it by a fit that had not seen it."""

    row: StepRow
    predicted_seconds: float

    @property
    def error(self) -> float:
        """Return predicted / measured - 1."""
        return self.predicted_seconds / self.row.seconds - 1


def read_tables(folder: Path) -> Tables:
    """Read the kernel tables and steps of a folder, with the specs of their names."""
    matmuls = read_matmul_rows(folder / MATMUL_FILE)
    attentions = read_attention_rows(folder / ATTENTION_FILE)
    steps = read_step_rows(folder / STEP_FILE)
    devices = {row.device for row in matmuls} | {row.device for row in attentions} | {row.device for row in steps}
    return Tables(
        {name: load_hardware(name) for name in sorted(devices)},
        {name: load_model(name) for name in sorted({row.model for row in steps})},
        matmuls,
        attentions,
        steps,
    )


def thinned(tables: Tables, *, every: int = 1) -> Tables:
    """Return the kernel rows that a fit should see: shapes of decode steps, read from memory; every n-th of them."""
    shapes = sorted({(row.outer, row.inner) for row in tables.matmuls})
    kept = set(shapes[::every])
    matmuls = [row for row in tables.matmuls if (row.outer, row.inner) in kept and _is_typical(row, tables)]
    attentions = [row for row in tables.attentions if _is_usual(row, tables)]
    return replace(tables, matmuls=tuple(matmuls), attentions=tuple(attentions))


def _is_typical(row: MatmulRow, tables: Tables) -> bool:
    cache_bytes = tables.hardware[row.device].last_level_cache_bytes or 0
    weights = row.outer * row.inner
    is_synchronous = not tables.hardware[row.device].has_asynchronous_matrix_units
    is_cached = is_synchronous and cache_bytes > LARGE_CACHE_BYTES and weights < CACHED_WEIGHTS
    return row.rows in FITTED_ROWS and weights >= MIN_WEIGHTS and not is_cached


def _is_usual(row: AttentionRow, tables: Tables) -> bool:
    """Say whether a kernel that splits the keys was measured: FlashAttention-2 does not split ungrouped heads."""
    does_split = row.num_query_heads > row.num_kv_heads or tables.hardware[row.device].has_asynchronous_matrix_units
    return does_split and row.context >= MIN_CONTEXT and row.num_lanes <= MAX_LANES


def kernels_of_others(tables: Tables, device: str) -> Calibration:
    """Return the generic profile for a device, fitted on the kernels of all others and on no steps at all."""
    others = replace(tables.where_device(lambda name: name != device), steps=())
    asynchronous, synchronous = fit_generic(others)
    return asynchronous if tables.hardware[device].has_asynchronous_matrix_units else synchronous


def model_left_out(tables: Tables, device: str, model: str, *, start: Calibration) -> tuple[Prediction, ...]:
    """Predict the steps of one model on one device by a fit on the device's kernels and its other models' steps.

    `start` must not have seen the model's steps either; `kernels_of_others` has not.
    """
    seen = tables.where_device(lambda name: name == device)
    seen = replace(seen, steps=tuple(row for row in seen.steps if row.model != model))
    profile = fit_device(seen, start=start)
    rows = [row for row in tables.steps if row.device == device and row.model == model]
    return predict_rows(tables, rows, profile=profile)


def device_left_out(tables: Tables, device: str) -> tuple[Prediction, ...]:
    """Predict the steps on one device from its datasheet, by a fit on the kernels and steps of all other devices."""
    profiles = fit_generic(tables.where_device(lambda name: name != device))
    hardware = tables.hardware[device]
    profile = profiles[0] if hardware.has_asynchronous_matrix_units else profiles[1]
    return predict_rows(tables, [row for row in tables.steps if row.device == device], profile=profile)


def predict_rows(tables: Tables, rows: Sequence[StepRow], *, profile: Calibration) -> tuple[Prediction, ...]:
    """Predict rows with the fitted model and a profile."""
    keys = sorted({(row.device, row.model, row.tensor_parallel) for row in rows})
    models = {
        key: fitted_model(tables.models[key[1]], tables.hardware[key[0]], tensor_parallel=key[2], profile=profile)
        for key in keys
    }
    costs = [
        models[row.device, row.model, row.tensor_parallel].step_time(StepShape((row.context,) * row.num_lanes))
        for row in rows
    ]
    return tuple(Prediction(row, cost.total_seconds) for row, cost in zip(rows, costs, strict=True))
