"""How long the simulator takes, start-up included: `python -m benchmarks.simulate --quick`.

One answer after another alone on the device, with each cost model, beside the goal of 10 s for 1,200 answers and beside
`pasta stats`, which reads, parses and counts the same answers and simulates nothing. Then loads, beside the time that
they would take in earnest. The answers are the 1,200 real ones of AlpacaEval's development part, annotated here; they
and the log lie beside the repository (`../shared/data`), not in it.
"""

import csv
import sys
import tempfile
from collections.abc import Iterator
from functools import partial
from pathlib import Path

from benchmarks.common import PASTA, Child, Plan, Row, medians, run_child, run_main

DATA = Path(__file__).parents[2] / "shared" / "data"
ANSWERS = DATA / "alpaca_eval_dev.jsonl"
LOG = DATA / "traces" / "vllm019_rtx4090_llama31_8b_requests.csv"
LAYERS = DATA / "traces" / "vllm019_rtx4090_llama31_8b_kernels"
GOAL_S = 10.0
NUM_QUICK_ANSWERS = 200
REQUESTS, RATE_PER_S = 1_000, 16

VARIANTS = {
    "fitted": (),
    "table": ("--cost", "table"),
    "jump-forward": ("--jump-forward",),
}


def benchmark(plan: Plan) -> Iterator[Row]:
    """Compare the time of answers alone with the goal and with reading them, then loads with real time."""
    for path in (ANSWERS, LOG):
        if not path.is_file():
            sys.exit(f"this is not here: {path} (its licence or size keeps it out of the repository)")
    with tempfile.TemporaryDirectory() as folder:
        annotated = _annotated(Path(folder), plan)
        yield from _alone(plan, annotated)
        if not plan.is_quick:
            yield _load(plan, annotated)
    yield _replay(plan)


def _annotated(folder: Path, plan: Plan) -> Path:
    lines = ANSWERS.read_text(encoding="utf-8").splitlines(keepends=True)
    chosen = lines[:: len(lines) // NUM_QUICK_ANSWERS] if plan.is_quick else lines
    plain, annotated = folder / "plain.jsonl", folder / "annotated.jsonl"
    plain.write_text("".join(chosen), encoding="utf-8")
    _pasta("annotate", str(plain), "--field", "output", "--output", str(annotated))
    return annotated


def _alone(plan: Plan, annotated: Path) -> Iterator[Row]:
    num_answers = len(annotated.read_text(encoding="utf-8").splitlines())
    commands = {name: ("simulate", str(annotated), *options) for name, options in VARIANTS.items()}
    commands["reading"] = ("stats", str(annotated))
    took = medians({name: partial(_seconds, command) for name, command in commands.items()}, plan)
    peers = {"pasta stats, no simulation": took["reading"]} | ({} if plan.is_quick else {"the goal": GOAL_S})
    for name in VARIANTS:
        case = f"{num_answers:,} answers, {name}"
        for peer, theirs in peers.items():
            yield Row.of(case, "wall time", unit="s", ours=took[name], peer=peer, theirs=theirs, is_cost=True)
    peak_mb = _pasta(*commands["fitted"]).peak_memory_bytes / 1e6
    stats_mb = _pasta(*commands["reading"]).peak_memory_bytes / 1e6
    case, peer = f"{num_answers:,} answers, fitted", "pasta stats, no simulation"
    yield Row.of(case, "peak memory", unit="MB", ours=peak_mb, peer=peer, theirs=stats_mb, is_cost=True)


def _load(plan: Plan, annotated: Path) -> Row:
    command = ("simulate", str(annotated), "--rate", str(RATE_PER_S), "--requests", str(REQUESTS))
    took = medians({"ours": partial(_seconds, command)}, plan)
    real_s = 2 * REQUESTS / RATE_PER_S  # two strategies
    case = f"{REQUESTS:,} requests, {RATE_PER_S} a second"
    return Row.of(case, "wall time", unit="s", ours=took["ours"], peer="real time, twice", theirs=real_s, is_cost=True)


def _replay(plan: Plan) -> Row:
    options = ("--model", "llama-3.1-8b", "--hardware", "rtx-4090", "--kernel-tables", str(LAYERS), "--speed-from", "0")
    took = medians({"ours": partial(_seconds, ("replay", str(LOG), *options, "--kv-slots", "41408"))}, plan)
    with LOG.open(encoding="utf-8", newline="") as file:
        real_s = max(float(row["last_token_s"]) for row in csv.DictReader(file))
    case = "300 requests of a log, layers"
    return Row.of(case, "wall time", unit="s", ours=took["ours"], peer="the real engine", theirs=real_s, is_cost=True)


def _seconds(command: tuple[str, ...]) -> float:
    return _pasta(*command).wall_s


def _pasta(*arguments: str) -> Child:
    return run_child([*PASTA, *arguments])


if __name__ == "__main__":
    run_main(__doc__ or "", benchmark)
