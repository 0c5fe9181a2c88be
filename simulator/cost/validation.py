"""`python -m simulator.cost.validation`: what the cost models get wrong, on rows that they have not seen."""

import csv
import json
import math
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, replace
from functools import partial
from operator import eq
from pathlib import Path

import click

from pasta_toolkit.dag.statistics import quantile
from pasta_toolkit.specs import HardwareSpec, load_hardware, load_model
from simulator.cost.assembled import LARGE_MODELS, SMALL_MODELS, assembled_errors, served_errors
from simulator.cost.fitting import Tables
from simulator.cost.measurements import StepRow
from simulator.cost.parameters import generic_profiles
from simulator.cost.profile_text import format_calibration
from simulator.cost.profiles_made import EVERY, device_profiles, generic_profiles_made
from simulator.cost.protocol import Prediction, device_left_out, kernels_of_others, model_left_out, read_tables, thinned
from simulator.cost.published import GPT_FAST, VLLM, Published, read_splitwise
from simulator.cost.roofline import RooflineModel
from simulator.cost.serving_profile import ServingProfile, ServingTableModel
from simulator.cost.smooth_kernels import fitted_model
from simulator.cost.step_cost import CostModel
from simulator.cost.step_shape import PrefillShape, StepShape
from simulator.cost.table_kernels import table_model

__all__ = [
    "Finding",
    "batch_ratio_errors",
    "findings",
    "main",
    "models_left_out",
    "published_with_host",
    "skew_errors",
    "table_predictions",
]

SKEW_FILE = "vllm019_rtx4090_llama31_8b_decode_skew.csv"
SERVING_PREFIX = "vllm019_rtx4090_llama31_8b_kernels"
MAX_RATIO_LANES = 32
HIGH = 0.95


@dataclass(frozen=True, slots=True)
class Finding:
    """One error measure: relative, as a fraction; `bound` is what was asked for, if anything."""

    case: str
    metric: str
    value: float
    bound: float | None = None

    def __str__(self) -> str:
        """Say the measure in percent, and the bound."""
        asked = f"  (asked: {self.bound:.1%})" if self.bound is not None else ""
        return f"{self.case:62} {self.metric:8} {self.value:7.2%}{asked}"


def findings(folder: Path) -> list[Finding]:
    """Return all measures on the tables of a folder."""
    tables = read_tables(folder)
    seen = thinned(tables, every=EVERY)
    return [
        *_step_findings("roofline, ideal", roofline_predictions(tables)),
        *_step_findings("table, no step seen", table_predictions(tables), bounds=(0.025, 0.08, 0.02, 0.06)),
        *_step_findings("table, nor the model's own products", table_predictions(tables, has_own_products=False)),
        *_step_findings("fitted, each model left out", models_left_out(seen), bounds=(0.025, 0.08, 0.02, 0.06)),
        *_device_findings(seen),
        *_assembled_findings(tables, seen, folder),
        *_spread(
            "unequal contexts, given the time of equal ones",
            skew_errors(folder, folder / SKEW_FILE, is_given=True),
            (None, 0.08),
        ),
        *_spread(
            "unequal contexts, from the kernel table alone",
            skew_errors(folder, folder / SKEW_FILE, is_given=False),
            (None, 0.08),
        ),
        *[_published(row) for row in (*GPT_FAST, *VLLM, *read_splitwise(folder))],
        *published_with_host(read_splitwise(folder)),
    ]


def table_predictions(tables: Tables, *, has_own_products: bool = True) -> list[Prediction]:
    """Predict all steps from the kernel tables of their devices; no step is seen, nor asked so the model's products."""
    predictions = []
    for device in sorted({row.device for row in tables.steps}):
        own = tables.where_device(partial(eq, device))
        for name in sorted({row.model for row in own.steps}):
            spec = tables.models[name]
            left_out = set() if has_own_products else {(m.outer_size, m.inner_size) for m in spec.matrices()}
            matmuls = [row for row in own.matmuls if (row.outer, row.inner) not in left_out]
            model = table_model(spec, tables.hardware[device], matmuls=matmuls, attentions=own.attentions)
            predictions += _predict(model, [row for row in own.steps if row.model == name])
    return predictions


def roofline_predictions(tables: Tables) -> list[Prediction]:
    """Predict all steps with the ideal roofline."""
    predictions = []
    for device, name in sorted({(row.device, row.model) for row in tables.steps}):
        model = RooflineModel(tables.models[name], tables.hardware[device])
        predictions += _predict(model, [row for row in tables.steps if (row.device, row.model) == (device, name)])
    return predictions


def _predict(model: CostModel, rows: Iterable[StepRow]) -> list[Prediction]:
    shapes = [(row, StepShape((row.context,) * row.num_lanes)) for row in rows]
    return [Prediction(row, model.step_time(shape).total_seconds) for row, shape in shapes]


def models_left_out(seen: Tables) -> list[Prediction]:
    """Predict the steps of each model on each device by fits that have not seen them."""
    predictions: list[Prediction] = []
    for device in sorted({row.device for row in seen.steps}):
        start = kernels_of_others(seen, device)
        for model in sorted({row.model for row in seen.steps}):
            predictions += model_left_out(seen, device, model, start=start)
    return predictions


def _device_findings(seen: Tables) -> list[Finding]:
    found: list[Finding] = []
    together: list[Prediction] = []
    for device in sorted({row.device for row in seen.steps}):
        predictions = device_left_out(seen, device)
        together += predictions
        found += _step_findings(
            f"fitted, datasheet only, {device} left out", predictions, bounds=(0.05, 0.12, None, None)
        )
    return [*found, *_step_findings("fitted, datasheet only, both", together, bounds=(0.05, 0.12, None, None))]


def _assembled_findings(tables: Tables, seen: Tables, folder: Path) -> list[Finding]:
    found: list[Finding] = []
    for device in sorted(set(tables.hardware) - {row.device for row in tables.steps}):
        errors = assembled_errors(tables, seen, device)
        large = [error for name in LARGE_MODELS for error in errors[name]]
        found += _spread(f"datasheet only, {device} left out, steps assembled, 7-9B", large, (None, None))
        for name in SMALL_MODELS:
            found += _spread(f"datasheet only, {device} left out, steps assembled, {name}", errors[name], (None, None))
    for device, errors_of_device in served_errors(tables, folder, generic_profiles()).items():
        found += _spread(f"datasheet only, {device}, layers of vLLM 0.19", errors_of_device, (None, None))
    return found


def _step_findings(
    case: str,
    predictions: Sequence[Prediction],
    *,
    bounds: tuple[float | None, float | None, float | None, float | None] = (None, None, None, None),
) -> list[Finding]:
    errors = [prediction.error for prediction in predictions]
    ratios = batch_ratio_errors(predictions)
    return [*_spread(case, errors, bounds[:2]), *_spread(f"{case}: step(B<=32)/step(1)", ratios, bounds[2:])]


def _spread(case: str, errors: Sequence[float], bounds: Sequence[float | None]) -> list[Finding]:
    ordered = sorted(map(abs, errors))
    return [
        Finding(case, "median", quantile(ordered, 0.5), bounds[0]),
        Finding(case, "p95", quantile(ordered, HIGH), bounds[1]),
    ]


def batch_ratio_errors(predictions: Sequence[Prediction]) -> list[float]:
    """Return the errors of step(B) / step(1) for 1 < B <= 32, at the same device, model and context."""
    single = {(p.row.device, p.row.model, p.row.context): p for p in predictions if p.row.num_lanes == 1}
    ratios = []
    for prediction in predictions:
        row = prediction.row
        if 1 < row.num_lanes <= MAX_RATIO_LANES:
            base = single[row.device, row.model, row.context]
            measured = row.seconds / base.row.seconds
            ratios.append(prediction.predicted_seconds / base.predicted_seconds / measured - 1)
    return ratios


def skew_errors(folder: Path, skew_file: Path, *, is_given: bool) -> list[float]:
    """Return the errors of attention over unequal contexts; `is_given` takes the measured time of equal contexts.

    A skew file measures three layers at once: its equal contexts take 2.99 times the table's (quartiles 2.98, 3.00).
    """
    model, hardware = load_model("llama-3.1-8b"), load_hardware("rtx-4090")
    table = ServingTableModel(model, hardware, ServingProfile.read(folder / SERVING_PREFIX))
    errors = []
    with skew_file.open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            num_long = int(row["nb"])
            contexts = (int(row["kv_big"]),) * num_long + (int(row["kv_small"]),) * (int(row["n"]) - num_long)
            chunk = int(row["prefill_chunk"])
            prefills = (PrefillShape(chunk, int(row["kv_prefill"])),) if chunk else ()
            cost = table.step_time(StepShape(contexts, prefills))
            equal, extra = cost.seconds("attention"), cost.seconds("unequal_contexts")
            three_layers_us = 3e6 / model.num_layers
            equal_us = float(row["t_mean_us"]) if is_given else three_layers_us * equal
            errors.append((equal_us + three_layers_us * extra) / float(row["t_skew_us"]) - 1)
    return errors


def _published(row: Published) -> Finding:
    predicted = _predicted_seconds(row, load_hardware(row.hardware))
    return Finding(_compared(row, predicted), "error", predicted / row.seconds - 1)


def published_with_host(rows: Sequence[Published]) -> list[Finding]:
    """Return the errors when the host's time a layer is taken from each device's highest degree at batch 1."""
    found = []
    for name in sorted({row.hardware for row in rows}):
        own = [row for row in rows if row.hardware == name]
        slowest = max((row for row in own if row.num_lanes == 1), key=lambda row: row.tensor_parallel)
        per_layer = slowest.seconds / load_model(slowest.model).num_layers
        hardware = load_hardware(name)
        profile = hardware.calibration or generic_profiles().of(hardware)
        eager = replace(profile, parameters={**profile.parameters, "host_seconds_per_layer": per_layer})
        for row in own:
            predicted = _predicted_seconds(row, replace(hardware, calibration=eager))
            found.append(Finding(f"host floor, {_compared(row, predicted)}", "error", predicted / row.seconds - 1))
    return found


def _predicted_seconds(row: Published, hardware: HardwareSpec) -> float:
    model = fitted_model(load_model(row.model), hardware, tensor_parallel=row.tensor_parallel)
    return model.step_time(StepShape((row.context,) * row.num_lanes)).total_seconds


def _compared(row: Published, predicted: float) -> str:
    return f"{row.case}: {predicted * 1e3:.2f} ms, published {row.seconds * 1e3:.2f} ms"


def write_profiles(tables: Tables, folder: Path, target: Path) -> None:
    """Write the generic profiles and those of all measured devices as TOML files into a folder."""
    generic = generic_profiles_made(tables, folder)
    profiles = {"asynchronous": generic.asynchronous, "synchronous": generic.synchronous}
    target.mkdir(parents=True, exist_ok=True)
    for name, profile in profiles.items():
        (target / f"{name}.toml").write_text(format_calibration(profile), encoding="utf-8")
    for name, profile in device_profiles(tables, folder, generic).items():
        text = format_calibration(profile, table="calibration")
        (target / f"{name.lower()}.calibration.toml").write_text(text, encoding="utf-8")


@click.command()
@click.option(
    "--data", type=click.Path(path_type=Path, exists=True, file_okay=False), required=True, help="The tables."
)
@click.option(
    "--json", "json_file", type=click.Path(path_type=Path, dir_okay=False), help="Write the measures here too."
)
@click.option(
    "--write-profiles", "target", type=click.Path(path_type=Path), help="Fit all profiles anew into this folder."
)
def main(data: Path, json_file: Path | None, target: Path | None) -> None:
    """Print the errors of the cost models on rows that they have not seen."""
    if target is not None:
        write_profiles(read_tables(data), data, target)
        return
    found = findings(data)
    for finding in found:
        click.echo(finding)
    if json_file is not None:
        rows = [asdict(finding) for finding in found if math.isfinite(finding.value)]
        json_file.write_text(
            json.dumps({"schema": "pasta.cost-validation/1", "rows": rows}, indent=2), encoding="utf-8"
        )


if __name__ == "__main__":
    main()
