"""What all benchmarks share: rounds taken in turn, medians, children with their peak memory, a table and a JSON file.

A benchmark is a function that takes a `Plan` and yields rows. Competitors run one after the other within a round, so
that a slow minute of the machine hits all of them; the first round warms up and is not counted.
"""

import argparse
import json
import os
import platform
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

__all__ = ["PASTA", "Child", "Plan", "Row", "cpu_seconds_of", "medians", "run_child", "run_main"]

PASTA = (sys.executable, "-c", "from pasta_toolkit.cli import main; main()")
LAUNCHER = Path(__file__).with_name("launcher.py")
NUM_ROUNDS = 5
NUM_QUICK_ROUNDS = 3


@dataclass(frozen=True, slots=True)
class Plan:
    """How much to measure; `is_quick` means under a minute for the whole script."""

    is_quick: bool
    num_rounds: int


@dataclass(frozen=True, slots=True)
class Row:
    """One comparison. `ratio` is above 1 where ours is better, whether more or less of the metric is good."""

    case: str
    metric: str
    unit: str
    ours: float
    peer: str
    theirs: float
    ratio: float

    @classmethod
    def of(
        cls, case: str, metric: str, *, unit: str, ours: float, peer: str, theirs: float, is_cost: bool = False
    ) -> "Row":
        """Make a row; `is_cost` says that less of the metric is better."""
        ratio = theirs / ours if is_cost else ours / theirs
        return cls(case, metric, unit, ours, peer, theirs, ratio)


@dataclass(frozen=True, slots=True)
class Child:
    """What a finished program took; `cpu_s` is the processor time of all its processes."""

    wall_s: float
    cpu_s: float
    peak_memory_bytes: int


def run_child(arguments: Sequence[str]) -> Child:
    """Run a program to its end, its output thrown away, and measure it.

    Raises:
        RuntimeError: it ended with another code than 0.
    """
    launched = subprocess.run([sys.executable, "-S", LAUNCHER, *arguments], capture_output=True, check=True)
    took = json.loads(launched.stdout)
    if took.pop("exit_code") != 0:
        raise RuntimeError(f"{' '.join(arguments)} did not end with 0")
    return Child(**took)


def cpu_seconds_of(function: Callable[[], object]) -> float:
    """Return the processor time of a call, which other programs on the machine disturb less than they do the clock."""
    begin = time.process_time()
    function()
    return time.process_time() - begin


def medians(competitors: Mapping[str, Callable[[], float]], plan: Plan) -> dict[str, float]:
    """Let competitors measure themselves in turn, round by round, and return each one's median."""
    measured: dict[str, list[float]] = {name: [] for name in competitors}
    for round_index in range(plan.num_rounds + 1):
        for name, measure in competitors.items():
            value = measure()
            if round_index:
                measured[name].append(value)
    return {name: statistics.median(values) for name, values in measured.items()}


def run_main(description: str, benchmark: Callable[..., Iterable[Row]], *, takes: str | None = None) -> None:
    """Parse `--quick` and `--json FILE`, run a benchmark, print its table and write its rows.

    A benchmark that `takes` a file, as it is called in the usage, is given its path before the plan.
    """
    parser = argparse.ArgumentParser(description=description)
    if takes is not None:
        parser.add_argument("path", metavar=takes, type=Path)
    parser.add_argument("--quick", action="store_true", help="less data and fewer rounds, under a minute")
    parser.add_argument("--json", metavar="FILE", help="also write the rows to this file")
    arguments = parser.parse_args()
    plan = Plan(arguments.quick, NUM_QUICK_ROUNDS if arguments.quick else NUM_ROUNDS)
    rows = []
    for row in benchmark(*([] if takes is None else [arguments.path]), plan):
        print(_line(row), flush=True)
        rows.append(row)
    if arguments.json:
        document = {"machine": _machine(), "quick": plan.is_quick, "rows": [asdict(row) for row in rows]}
        Path(arguments.json).write_text(json.dumps(document, indent=2) + "\n", encoding="utf-8")


def _line(row: Row) -> str:
    compared = f"{row.ours:>10.4g} {row.unit:<5} against {row.theirs:>10.4g} {row.peer:<32}"
    return f"{row.case:<28} {row.metric:<14} {compared} ratio {row.ratio:.3g}"


def _machine() -> dict[str, str | int | None]:
    return {"python": platform.python_version(), "machine": platform.machine(), "cores": os.cpu_count()}
