"""Makes the shipped profiles from measured tables: the two generic ones, and one for each measured device."""

import math
from dataclasses import replace
from pathlib import Path

from pasta_toolkit.specs import Calibration, HardwareSpec, ModelSpec, load_hardware, load_model
from simulator.cost.assembled import LARGE_MODELS, assembled_errors, served_errors
from simulator.cost.attention_work import prefill_pairs
from simulator.cost.fitting import Tables, fit_device, fit_generic
from simulator.cost.parameters import GenericProfiles
from simulator.cost.protocol import Prediction, device_left_out, kernels_of_others, model_left_out, thinned
from simulator.cost.serving_profile import ServingProfile, ServingTableModel
from simulator.cost.serving_rows import (
    SERVING_FILES,
    SERVING_MODEL,
    serving_attention_rows,
    serving_matmul_rows,
)
from simulator.cost.smooth_kernels import fitted_model
from simulator.cost.step_cost import CostModel
from simulator.cost.step_shape import PrefillShape, StepShape
from simulator.cost.table_kernels import table_model

__all__ = ["EVERY", "device_profiles", "generic_profiles_made", "serving_tables"]

EVERY = 4  # every fourth shape: the others change the parameters by less than their spread between devices
AIC_SOURCE = "aiconfigurator-core 0.12.0 (PyPI, Apache-2.0): gemm, generation_attention and static_gen tables"
SERVING_SOURCE = "casys-kaist/LLMServingSim@5daddb2 profiler/perf (MIT): vLLM 0.19 layers of Llama-3.1-8B"
LONG_CHUNK = 2048
LONG_CONTEXT = 4096


def generic_profiles_made(tables: Tables, folder: Path) -> GenericProfiles:
    """Return the generic profiles, fitted on all devices; their residuals come from fits that left the device out."""
    seen = thinned(tables, every=EVERY)
    fitted = fit_generic(seen)
    method = (
        "all devices together; residuals: steps of H100 and A100, steps assembled for the others, each device left out"
    )
    errors = tuple(_left_out_errors(tables, seen)) + tuple(_served_errors(tables, folder, GenericProfiles(*fitted)))
    residuals = tuple(-math.log1p(error) for error in errors)
    made = [replace(profile, log_residuals=residuals, method=method, source=(AIC_SOURCE,)) for profile in fitted]
    return GenericProfiles(*made)


def _left_out_errors(tables: Tables, seen: Tables) -> list[float]:
    """Return datasheet-only errors on each device: of its steps where it has some, else of steps assembled."""
    errors: list[float] = []
    stepped = {row.device for row in tables.steps}
    for device in sorted(tables.hardware):
        if device in stepped:
            errors += [prediction.error for prediction in device_left_out(seen, device)]
        else:
            assembled = assembled_errors(tables, seen, device)
            errors += [error for name in LARGE_MODELS for error in assembled[name]]
    return errors


def _served_errors(tables: Tables, folder: Path, generic: GenericProfiles) -> list[float]:
    return [error for errors in served_errors(tables, folder, generic).values() for error in errors]


def device_profiles(tables: Tables, folder: Path, generic: GenericProfiles) -> dict[str, Calibration]:
    """Return a profile for each device that the tables or the serving profiles of `folder` measure, by its name."""
    made = {
        tables.hardware[device].name: _measured_device(tables, device, generic) for device in sorted(tables.hardware)
    }
    for name, prefix in sorted(SERVING_FILES.items()):
        made[load_hardware(name).name] = _served_device(name, ServingProfile.read(folder / prefix), tables, generic)
    return made


def serving_tables(name: str, profile: ServingProfile) -> Tables:
    """Return the rows of a serving profile as tables to fit a device on."""
    model = load_model(SERVING_MODEL)
    return Tables(
        {name: load_hardware(name)},
        {},
        serving_matmul_rows(profile, model, device=name),
        serving_attention_rows(profile, model, device=name),
    )


def _measured_device(tables: Tables, device: str, generic: GenericProfiles) -> Calibration:
    start = generic.of(tables.hardware[device])
    own = tables.where_device(lambda name: name == device)
    profile = replace(fit_device(thinned(own, every=EVERY), start=start), source=(AIC_SOURCE,))
    if own.steps:
        models = sorted({row.model for row in own.steps})
        seen = thinned(tables, every=EVERY)
        unseen = kernels_of_others(seen, device)
        left_out = [row for model in models for row in model_left_out(seen, device, model, start=unseen)]
        method = "one device; residuals: its steps, each model left out"
        return replace(profile, log_residuals=tuple(map(_residual, left_out)), method=method)
    residuals: list[float] = []
    for model in tables.models.values():
        hardware = tables.hardware[device]
        assembled = table_model(model, hardware, matmuls=own.matmuls, attentions=own.attentions)
        residuals += _differences(assembled, fitted_model(model, hardware, profile=profile), tables)
    return replace(
        profile, log_residuals=tuple(residuals), method="one device; residuals: steps assembled from its tables"
    )


def _served_device(name: str, served: ServingProfile, tables: Tables, generic: GenericProfiles) -> Calibration:
    hardware, model = load_hardware(name), load_model(SERVING_MODEL)
    seen = thinned(serving_tables(name, served))
    profile = fit_device(seen, start=generic.of(hardware))
    prefill = {"prefill_flops_fraction": _prefill_fraction(served, model, hardware)}
    profile = replace(profile, parameters={**profile.parameters, **prefill})
    assembled = ServingTableModel(model, hardware, served)
    residuals = _differences(assembled, fitted_model(model, hardware, profile=profile), tables)
    method = "one device; residuals: steps assembled from its layers"
    return replace(profile, log_residuals=tuple(residuals), method=method, source=(SERVING_SOURCE,))


def _prefill_fraction(served: ServingProfile, model: ModelSpec, hardware: HardwareSpec) -> float:
    """Return the part of the peak that attention over a long chunk behind a long context reaches."""
    chunk = PrefillShape(LONG_CHUNK, LONG_CONTEXT)
    seconds = served.attention.seconds(chunk=LONG_CHUNK, chunk_context=LONG_CONTEXT, num_lanes=0, context=0)
    flops = 4 * model.num_query_heads * model.head_size * prefill_pairs(chunk)
    return float(f"{flops / seconds / hardware.bf16_dense_flops_per_s:.4g}")


def _differences(reference: CostModel, fitted: CostModel, tables: Tables) -> list[float]:
    """Return log(reference / fitted) over the lanes and contexts of the measured steps."""
    grid = sorted({(row.num_lanes, row.context) for row in tables.steps})
    shapes = [StepShape((context,) * num_lanes) for num_lanes, context in grid]
    return [math.log(reference.step_time(s).total_seconds / fitted.step_time(s).total_seconds) for s in shapes]


def _residual(prediction: Prediction) -> float:
    return -math.log1p(prediction.error)
