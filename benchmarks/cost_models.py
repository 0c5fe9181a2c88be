"""Errors of the cost models on steps that they have not seen, beside a roofline and a linear fit.

    python -m benchmarks.cost_models --data ../shared/data/traces [--quick] [--json FILE]

`ratio` is the peer's error over ours: above 1 is better for us. `--quick` leaves the fitted model out, which is fitted
anew for each model and device. The peers know no more than ours: the linear fit, too, leaves the judged model out.
"""

import json
from collections.abc import Sequence
from dataclasses import asdict
from functools import partial
from operator import eq
from pathlib import Path

import click
import numpy as np

from benchmarks.common import Row
from pasta_toolkit.dag.statistics import quantile
from simulator.cost.fitting import Tables
from simulator.cost.measurements import StepRow
from simulator.cost.profiles_made import EVERY
from simulator.cost.protocol import Prediction, device_left_out, read_tables, thinned
from simulator.cost.validation import batch_ratio_errors, models_left_out, roofline_predictions, table_predictions

HIGH = 0.95


def linear_predictions(tables: Tables) -> list[Prediction]:
    """Predict each model's steps by a linear fit of its device's other steps on bytes, layers and operations."""
    predictions = []
    for device in sorted({row.device for row in tables.steps}):
        own = tables.where_device(partial(eq, device)).steps
        for model in sorted({row.model for row in own}):
            seen = [row for row in own if row.model != model]
            measured = np.array([row.seconds for row in seen])
            weights = np.linalg.lstsq(features(tables, seen) / measured[:, None], np.ones(len(seen)), rcond=None)[0]
            judged = [row for row in own if row.model == model]
            found = np.maximum(features(tables, judged) @ weights, 1e-6)
            predictions += [Prediction(row, float(seconds)) for row, seconds in zip(judged, found, strict=True)]
    return predictions


def features(tables: Tables, rows: Sequence[StepRow]) -> np.ndarray:
    """Return what the linear fit sees of each row."""
    models = [tables.models[row.model] for row in rows]
    return np.array(
        [
            (
                model.weight_bytes_per_step(row.num_lanes),
                row.num_lanes * row.context * model.kv_bytes_per_token(),
                model.num_layers,
                row.num_lanes * model.flops_per_token(row.context),
            )
            for model, row in zip(models, rows, strict=True)
        ]
    )


def measures(predictions: Sequence[Prediction]) -> dict[str, float]:
    """Return the error measures in percent."""
    steps = sorted(abs(prediction.error) for prediction in predictions)
    ratios = sorted(map(abs, batch_ratio_errors(predictions)))
    return {
        f"{name} {label}": 100 * quantile(values, share)
        for name, values in (("step", steps), ("step(B<=32)/step(1)", ratios))
        for label, share in (("median", 0.5), ("p95", HIGH))
    }


def rows_of(case: str, ours: dict[str, float], peers: dict[str, dict[str, float]]) -> list[Row]:
    """Return one row for each measure and peer."""
    return [
        Row(case, metric, "%", round(value, 3), peer, round(theirs[metric], 3), round(theirs[metric] / value, 3))
        for metric, value in ours.items()
        for peer, theirs in peers.items()
    ]


@click.command()
@click.option(
    "--data", type=click.Path(path_type=Path, exists=True), default=Path("../shared/data/traces"), show_default=True
)
@click.option("--quick", is_flag=True, help="Leave the fitted model out.")
@click.option("--json", "json_file", type=click.Path(path_type=Path), help="Write the rows here too.")
def main(data: Path, *, quick: bool, json_file: Path | None) -> None:
    """Compare the cost models with simpler ones."""
    tables = read_tables(data)
    peers = {
        "ideal roofline": measures(roofline_predictions(tables)),
        "linear fit, model left out": measures(linear_predictions(tables)),
    }
    rows = rows_of("table, no step seen", measures(table_predictions(tables)), peers)
    if not quick:
        seen = thinned(tables, every=EVERY)
        left_out = [
            row for device in sorted({row.device for row in seen.steps}) for row in device_left_out(seen, device)
        ]
        rows += rows_of("fitted, model left out", measures(models_left_out(seen)), peers)
        rows += rows_of("fitted, device left out", measures(left_out), {"ideal roofline": peers["ideal roofline"]})
    for row in rows:
        ours, theirs = f"{row.ours:7.2f} {row.unit}", f"{row.peer:28} {row.theirs:7.2f} {row.unit}"
        click.echo(f"{row.case:24} {row.metric:28} {ours}  {theirs}  x{row.ratio:.1f}")
    if json_file is not None:
        content = {"schema": "pasta.benchmark/1", "rows": [asdict(row) for row in rows]}
        json_file.write_text(json.dumps(content, indent=2), encoding="utf-8")


if __name__ == "__main__":
    main()
