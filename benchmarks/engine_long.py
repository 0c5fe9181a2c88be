"""Does the engine lose memory or slots in a long run? SmolLM2, 10,000 steps, requests that come and go all the time.

    pasta model fetch
    python -m benchmarks.engine_long [--quick] [--json FILE]

Requests are DAGs of random size, up to eight at once in a pool that is too small for them, so that some are preempted;
every twentieth cannot fit and fails alone. The process's memory is looked at after the first tenth of the steps and at
the end; `--quick` takes 500 steps. The native step runs where it can.
"""

import os
import random
import sys
from collections.abc import Iterator
from itertools import count
from pathlib import Path

import torch

from benchmarks.common import Plan, Row, run_main
from benchmarks.engine_dag import Shape, parallel_job
from pasta_toolkit.runtime import EventKind, Limits
from reference_engine import Engine, EngineOptions, Job, load_model

STEPS, QUICK_STEPS = 10_000, 500
NUM_SLOTS, MOST_REQUESTS = 1200, 8
TOO_LONG = Shape(40, 2, NUM_SLOTS, 20)
EVERY = 20
JOBS_OF_A_RUN = 40


def long_run(plan: Plan) -> Iterator[Row]:
    """Yield what grew."""
    options = EngineOptions(step="native", num_slots=NUM_SLOTS, limits=Limits(max_requests=MOST_REQUESTS))
    engine = Engine(load_model("smollm2", dtype=torch.bfloat16), options=options)
    print(engine.step_sentence, file=sys.stderr)
    wanted = QUICK_STEPS if plan.is_quick else STEPS
    generator, numbers = random.Random(0), count()
    num_steps = num_done = num_failed = num_preempted = 0
    early = None
    while num_steps < wanted:
        jobs = [_job(next(numbers), generator) for _ in range(JOBS_OF_A_RUN)]
        for served in engine.serve(jobs):
            num_steps += served.step is not None
            num_done += len(served.ended)
            num_failed += sum(recording.error is not None for recording in served.ended)
            num_preempted += sum(change.kind is EventKind.PREEMPTION for change in served.changes)
            if early is None and num_steps >= wanted // 10:
                early = _resident_mib()
        print(f"{num_steps:,} steps, {num_done:,} requests, {_resident_mib():.0f} MiB", file=sys.stderr)
    case = f"{num_steps:,} steps, {num_done:,} requests"
    late = _resident_mib()
    yield Row.of(
        case, "memory", unit="MiB", ours=late, peer="after a tenth of them", theirs=early or late, is_cost=True
    )
    yield Row.of(case, "free slots", unit="", ours=engine.pool.num_free, peer="all", theirs=engine.pool.num_slots)
    yield Row.of(case, "failed alone", unit="", ours=num_failed, peer="cannot fit", theirs=num_done // EVERY)
    yield Row.of(case, "preempted", unit="", ours=num_preempted, peer="requests", theirs=num_done)


def _job(number: int, generator: random.Random) -> Job:
    if number % EVERY == 0:
        return parallel_job(f"request {number}", TOO_LONG)
    branches = generator.randint(1, 6)
    shape = Shape(branches + 1 + generator.randint(1, 20), branches, generator.randint(3, 60), generator.randint(1, 20))
    return parallel_job(f"request {number}", shape)


def _resident_mib() -> float:
    resident = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    return resident * os.sysconf("SC_PAGE_SIZE") / 2**20


if __name__ == "__main__":
    run_main("Memory and slots in a long run.", long_run)
