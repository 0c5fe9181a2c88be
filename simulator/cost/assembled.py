"""Judges datasheet-only predictions on devices for which kernels were measured but no steps. Knows no formula.

The reference is a step assembled from the device's own tables by a table model; where steps are known, its median error
is half a percent.
"""

from collections.abc import Sequence
from pathlib import Path

from pasta_toolkit.specs import load_hardware, load_model
from simulator.cost.fitting import Tables, fit_generic
from simulator.cost.parameters import GenericProfiles
from simulator.cost.serving_profile import ServingProfile, ServingTableModel
from simulator.cost.serving_rows import SERVING_FILES, SERVING_MODEL
from simulator.cost.smooth_kernels import fitted_model
from simulator.cost.step_cost import CostModel
from simulator.cost.step_shape import StepShape
from simulator.cost.table_kernels import table_model

__all__ = ["LARGE_MODELS", "SMALL_MODELS", "assembled_errors", "served_errors"]

LARGE_MODELS = ("llama-3.1-8b", "qwen3-8b", "gemma-7b", "qwen2.5-7b")
SMALL_MODELS = ("qwen3-0.6b",)


def assembled_errors(tables: Tables, seen: Tables, device: str) -> dict[str, list[float]]:
    """Return the errors of each model's steps on a device left out, against steps assembled from its tables."""
    hardware = tables.hardware[device]
    profiles = fit_generic(seen.where_device(lambda name: name != device))
    profile = profiles[0] if hardware.has_asynchronous_matrix_units else profiles[1]
    own = tables.where_device(lambda name: name == device)
    found = {}
    for name in (*LARGE_MODELS, *SMALL_MODELS):
        model = load_model(name)
        reference = table_model(model, hardware, matmuls=own.matmuls, attentions=own.attentions)
        found[name] = _errors(reference, fitted_model(model, hardware, profile=profile), _grid(tables))
    return found


def served_errors(tables: Tables, folder: Path, generic: GenericProfiles) -> dict[str, list[float]]:
    """Return the errors of datasheet-only predictions for the devices of serving profiles; no generic fit saw them."""
    model, found = load_model(SERVING_MODEL), {}
    for device, prefix in sorted(SERVING_FILES.items()):
        hardware = load_hardware(device)
        reference = ServingTableModel(model, hardware, ServingProfile.read(folder / prefix))
        fitted = fitted_model(model, hardware, profile=generic.of(hardware))
        found[device] = _errors(reference, fitted, _grid(tables))
    return found


def _grid(tables: Tables) -> list[StepShape]:
    cells = sorted({(row.num_lanes, row.context) for row in tables.steps})
    return [StepShape((context,) * num_lanes) for num_lanes, context in cells]


def _errors(reference: CostModel, fitted: CostModel, shapes: Sequence[StepShape]) -> list[float]:
    return [fitted.step_time(s).total_seconds / reference.step_time(s).total_seconds - 1 for s in shapes]
