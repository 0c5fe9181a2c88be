"""Writes docs/validation.md from the results in benchmarks/results: `python -m tools.validation_page`.

Measures nothing. What has not been measured is shown as not measured. With `--traces FOLDER` published measurements are
predicted and set beside; without, what was found of them last time stays.
"""

import argparse
import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from pasta_toolkit.dag.statistics import Grid, markdown_grid
from pasta_toolkit.report.ablation_table import ablation_grid
from pasta_toolkit.report.cells import number, share, signed
from pasta_toolkit.specs import load_hardware, load_model
from simulator.cost import StepShape, fitted_model
from simulator.cost.published import GPT_FAST, VLLM, Published, read_splitwise

ROOT = Path(__file__).parents[1]
RESULTS = ROOT / "benchmarks" / "results"
PAGE = ROOT / "docs" / "validation.md"
PUBLISHED = "fidelity_published.json"
MOST_MISSES = 10
NOT_MEASURED = "not measured"
MILLISECONDS = 1e3
STEPS = ("native", "torch")  # of the CPU
GPUS = ("NVIDIA H100", "NVIDIA H200")
MEASURES = (
    ("latency error, median", "latency_error_median", "<= 5 %", True),
    ("latency error, p95", "latency_error_p95", "<= 10 %", True),
    ("speed-up error, median", "speedup_error_median", "<= 3 %", True),
    ("speed-up error, p95", "speedup_error_p95", "<= 8 %", True),
    ("sign right where the gap exceeds 5 %", "sign_agreement", ">= 99 %", True),
    ("rank correlation of speed-ups", "rank_correlation", ">= 0.95", False),
    ("90 % intervals cover", "interval_coverage", "85 to 95 %", True),
    ("noise floor of latencies, median", "noise_floor_median", "", True),
    ("noise floor of latencies, p95", "noise_floor_p95", "", True),
    ("measured speed-up, geometric mean", "measured_geomean_speedup", "", False),
    ("ideal speed-up, geometric mean", "geomean_ideal_speedup", "", False),
)
HEAD = """\
# Validation: predicted against measured

`bash tools/measure_fidelity.sh ANSWERS.jsonl` measures everything on this page but the published figures, with the
native step or, after `STEP=torch`, with PyTorch's; `python -m tools.validation_page` writes the page from
`benchmarks/results/fidelity_*.json`. Nobody edits it.

The engine decodes an answer by all its threads, and its rendered text by one. The simulator replays the same requests
with a profile that was calibrated with twelve step shapes, none of which is an answer. Before any time is compared the
two traces must be equal event by event: same lanes, same positions, same forks and joins. An error is
predicted / measured - 1; the noise floor is the error of one repetition as a prediction of the next.

The machine is one that others use too, faster in one minute than in the next. Where it says `together`, so many
documents were decoded in turns: some steps of one decode, then some of the next, each over a pool of its own, until all
of them end at about the same time; and the calibration's visits lay between the turns. A decode's clock stands still
between its turns, and no time is corrected. Where decodes were measured one after the other, a correction stands beside
their times: between the steps of each a probe takes one of one lane, every time the same, its time left out; what it
takes over what the profile says is how much slower the machine was just then. "At the profile's speed" is a decode's
time divided by that.
"""
PUBLISHED_HEAD = """\
### Published measurements

Steps of engines that others measured, from datasheets and shipped profiles: no calibration knew them. Kernel tables, a
vLLM log of 300 requests, and why an engine of 2023 is so much slower are in [cost_models.md](cost_models.md).
"""
GPU = """\
`pasta calibrate --device cuda --output gpu.toml`, then `pasta compare ANSWERS --device cuda --hardware gpu.toml`.
Measurements of another machine can be compared anywhere: `pasta compare --measurements FILE --hardware gpu.toml`.
"""


def main() -> None:
    """Write the page."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--traces", type=Path, help="folder of published measurements, to predict them anew")
    arguments = parser.parse_args()
    if arguments.traces is not None:
        content = json.dumps([_published_row(row) for row in _published(arguments.traces)], indent=1)
        (RESULTS / PUBLISHED).write_text(content + "\n", encoding="utf-8")
    PAGE.write_text("\n".join(_sections()), encoding="utf-8")


def _sections() -> Iterator[str]:
    results = {
        step: {name: _read(f"fidelity_{step}_{name}.json") for name in ("forced", "free", "ablations")}
        for step in STEPS
    }
    devices = {f"CPU, {step} step": found["forced"] for step, found in results.items()}
    devices |= {device: _read(f"fidelity_{device.split()[-1].lower()}.json") for device in GPUS}
    yield HEAD
    yield _devices(devices)
    for step, found in results.items():
        if any(found.values()):
            yield f"## With the {step} step\n"
            yield from _profile((found["forced"] or {}).get("calibration"))
            yield from _forced(found["forced"])
            yield from _recorded(found["free"])
            yield from _ablations(found["ablations"])
    yield "## Beyond this machine\n"
    yield from _published_section(_read(PUBLISHED))


def _read(name: str) -> Any:
    path = RESULTS / name
    return json.loads(path.read_text(encoding="utf-8")) if path.is_file() else None


def _devices(found: dict[str, Any]) -> str:
    return f"{markdown_grid(_measures('Devices, forced mode', found, documents='>= 200'))}\n{GPU}"


def _measures(title: str, found: dict[str, Any], *, documents: str) -> Grid:
    """Return what was found by all measures, a column for each of what is given by name, and what is asked."""
    found = {name: content for one in found.items() for name, content in _with_steady(*one)}
    rows = tuple(
        (name, *(_cell(content, key, is_share=is_share) for content in found.values()), asked)
        for name, key, asked, is_share in (*MEASURES, ("documents", "documents", documents, False))
    )
    return Grid(title, ("measure", *found, "asked"), rows)


def _with_steady(name: str, content: Any) -> Iterator[tuple[str, Any]]:
    """Yield results, and behind them those at the profile's speed where a probe ran."""
    yield name, content
    steady = content and content["detail"].get("at_profile_speed")
    if steady:
        yield f"{name}, at the profile's speed", steady


def _cell(content: Any, key: str, *, is_share: bool) -> str:
    if content is None:
        return NOT_MEASURED
    value = content.get(key)
    if is_share:
        return share(value)
    return f"{value:,}" if isinstance(value, int) else number(value)


def _profile(content: Any) -> Iterator[str]:
    if content is None:
        yield "### The profile\n\nNot measured.\n"
        return
    rows = tuple(
        (row["shape"], f"{row['error']:+.1%}", f"{row['spread']:.1%}", share(row.get("steady_spread")))
        for row in content["shapes"]
    )
    columns = ("shape", "error of the fit", "spread of rounds", "at one speed")
    yield markdown_grid(Grid("The profile: twelve shapes", columns, rows))
    low, high = content["interval"]
    noisy = " The machine was noisy." if content["is_noisy"] else ""
    yield f"{content['visits']} visits; the 90 % interval of a decode is x {low:.3f} to x {high:.3f}.{noisy}\n"


def _forced(content: Any) -> Iterator[str]:
    if content is None:
        yield "### Forced decodes\n\nNot measured.\n"
        return
    detail = content["detail"]
    yield "### Forced decodes\n"
    yield "".join(f"- {name}: {value}\n" for name, value in detail["about"].items())
    yield markdown_grid(_errors("Errors of a document's times", detail["times"]))
    yield markdown_grid(_errors("Errors from step to request", detail["levels"]))
    yield markdown_grid(_noise(detail["noise_floor"]))
    yield markdown_grid(_speedups(content["rows"]))
    yield markdown_grid(_losses(detail["loss_factors"]))
    yield from (f"{finding['sentence'][:1].upper()}{finding['sentence'][1:]}.\n" for finding in detail["findings"])
    yield markdown_grid(_misses(content["rows"]))


def _errors(title: str, errors: dict[str, Any]) -> Grid:
    rows = tuple(
        (name, f"{one['count']:,}", f"{one['median']:.1%}", f"{one['p95']:.1%}", f"{one['bias']:+.1%}")
        for name, one in errors.items()
    )
    return Grid(title, ("what", "number", "median", "p95", "bias"), rows)


def _noise(noise: dict[str, Any]) -> Grid:
    return _errors(
        "Noise floor: a decode against itself", {name: one for name, one in noise.items() if one is not None}
    )


def _speedups(rows: Sequence[dict[str, Any]]) -> Grid:
    """Return the distribution of measured, predicted and ideal speed-ups, by nearest rank."""
    ranks = (0.1, 0.25, 0.5, 0.75, 0.9)
    columns = ("measured_speedup", "predicted_speedup", "ideal_speedup")
    ordered = {name: sorted(row[name] for row in rows) for name in columns}
    share = sorted(row["measured_speedup"] / row["ideal_speedup"] for row in rows)
    body = [
        (name.replace("_speedup", ""), *(f"{values[int(rank * (len(values) - 1))]:.2f}" for rank in ranks))
        for name, values in ordered.items()
    ]
    body.append(("measured / ideal", *(f"{share[int(rank * (len(share) - 1))]:.2f}" for rank in ranks)))
    return Grid("Speed-ups", ("speed-up", "p10", "p25", "p50", "p75", "p90"), tuple(body))


def _losses(factors: dict[str, dict[str, float]]) -> Grid:
    rows = tuple(
        (name.replace("_", " "), f"{factors['predicted'][name]:.3f}", f"{measured:.3f}")
        for name, measured in factors["measured"].items()
    )
    return Grid("Where the speed-up goes: mean factors", ("term", "predicted", "measured"), rows)


def _misses(rows: Sequence[dict[str, Any]]) -> Grid:
    """Return the documents that were predicted worst: at the profile's speed, where it is known."""
    worst = sorted(rows, key=lambda row: -abs(row.get("steady_latency_error") or row["latency_error"]))[:MOST_MISSES]
    body = tuple(
        (
            row["document"],
            f"{row['sequential_tokens']}",
            f"{row['branches']}",
            f"{row['measured_latency_s']:.2f}",
            f"{row['latency_error']:+.1%}",
            f"{row['measured_speedup']:.2f}",
            f"{row['speedup_error']:+.1%}",
            f"{row['slowdown']:.2f}" if row.get("slowdown") else "-",
            *(signed(row.get(key)) for key in ("steady_latency_error", "steady_speedup_error")),
        )
        for row in worst
    )
    plain = ("document", "tokens", "branches", "latency s", "error", "speed-up", "error")
    columns = (*plain, "slowdown", "steady error", "steady error of speed-up")
    return Grid("The worst misses", columns, body)


def _recorded(content: Any) -> Iterator[str]:
    yield "### Recorded decodes\n\nThe model decodes freely under the mask, and what it did is replayed.\n"
    if content is None:
        yield "Not measured.\n"
        return
    yield markdown_grid(_measures("Recorded decodes against their replays", {"found": content}, documents=""))


def _ablations(content: Any) -> Iterator[str]:
    if content is None:
        yield "### One thing changed at a time\n\nNot measured.\n"
        return
    yield markdown_grid(ablation_grid(content["rows"]))
    yield "Steady errors are those of decodes at the profile's speed.\n"


def _published(folder: Path) -> tuple[Published, ...]:
    return (*GPT_FAST, *VLLM, *read_splitwise(folder))


def _published_row(published: Published) -> dict[str, Any]:
    model = fitted_model(
        load_model(published.model), load_hardware(published.hardware), tensor_parallel=published.tensor_parallel
    )
    predicted = model.step_time(StepShape((published.context,) * published.num_lanes)).total_seconds
    return {"case": published.case, "predicted_s": predicted, "published_s": published.seconds}


def _published_section(content: Any) -> Iterator[str]:
    yield PUBLISHED_HEAD
    if content is None:
        yield "Not computed: `python -m tools.validation_page --traces FOLDER`.\n"
        return
    rows = tuple(
        (
            row["case"],
            f"{row['predicted_s'] * MILLISECONDS:.2f}",
            f"{row['published_s'] * MILLISECONDS:.2f}",
            f"{row['predicted_s'] / row['published_s'] - 1:+.1%}",
        )
        for row in content
    )
    yield markdown_grid(Grid("A decode step, ms", ("case", "predicted", "published", "error"), rows))


if __name__ == "__main__":
    main()
