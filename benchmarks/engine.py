"""How fast is the engine on the CPU? SmolLM2, against transformers, llama.cpp and the engine itself in other layouts.

    pasta model fetch
    python -m benchmarks.engine [--quick] [--json FILE]

Steps are at context 256: each lane sees 224 tokens that all lanes share and 32 of its own. All competitors of a round
run one after the other, with as many threads as there are cores. "ours" is the step that the engine chooses by itself;
PyTorch's stands below it. What is to be reached: one lane 1.7 times as fast as transformers' `generate` with its
dynamic cache; a step of 16 lanes at most 1.4 times as long as one of 1 lane (a ratio of 0.71); 16 lanes 2.3 times as
fast as llama.cpp in bfloat16; a typical DAG 2.2 times as fast as its own tokens in one thread. llama.cpp is measured
where `llama-cpp-python` is installed; elsewhere its numbers are `nan`.
"""

import math
import os
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from statistics import median

os.environ.setdefault(
    "THP_MEM_ALLOC_ENABLE", "1"
)  # huge pages for large tensors; PyTorch reads it once, when it starts

import torch
from gguf import GGMLQuantizationType
from transformers import AutoModelForCausalLM, GenerationConfig, PreTrainedModel

from benchmarks.common import Plan, Row, medians, run_main
from benchmarks.engine_dag import TYPICAL, parallel_job, sequential_job
from benchmarks.engine_llama_cpp import LlamaCpp
from benchmarks.engine_steps import CONTEXT, copied_step, filled_pool, interleaved_step
from reference_engine import Engine, EngineOptions, Job, load_model
from reference_engine.model.known import known_folder
from reference_engine.step.batch import StepBatch
from reference_engine.step.choice import StepFunction, choose_step

MODEL = "smollm2"
LANES, QUICK_LANES = (1, 4, 8, 16, 32), (1, 16)
STEPS, QUICK_STEPS = 15, 5  # of a round; a round counts with its median
GENERATED, QUICK_GENERATED = 16, 8
NUM_SLOTS = 32 * CONTEXT
THREADS = os.cpu_count() or 1

Measure = Callable[[], float]


def benchmark(plan: Plan) -> Iterator[Row]:
    """Yield rows of steps, then of DAGs."""
    torch.set_num_threads(THREADS)
    yield from step_rows(plan)
    yield from dag_rows(plan)


def step_rows(plan: Plan) -> Iterator[Row]:
    """Yield the times of steps beside those of the peers."""
    lanes = QUICK_LANES if plan.is_quick else LANES
    with tempfile.TemporaryDirectory() as folder:
        llama_cpp = _llama_cpp(Path(folder))
        competitors = {**_our_steps(lanes, plan), **generate_ms(plan)}
        if llama_cpp is not None:
            steps = num_steps(plan)
            competitors |= {f"llama.cpp {n}": lambda n=n: llama_cpp.step_ms(n, steps) for n in lanes}
        found = medians(competitors, plan)
        if llama_cpp is not None:
            llama_cpp.close()
    yield from _rows_of_step("ours", lanes, found)
    most = lanes[-1]
    yield cost_row(f"{most} lanes", found[f"ours {most}"], "ours, caches copied", found[f"copied {most}"])
    yield cost_row(f"{most} lanes", found[f"ours {most}"], "ours, readable step", found[f"readable {most}"])
    yield from _rows_of_step("torch", lanes, found)
    yield cost_row("torch, 1 lane", found["torch 1"], "torch, float32", found["float32 1"])


def _rows_of_step(step: str, lanes: tuple[int, ...], found: dict[str, float]) -> Iterator[Row]:
    """Yield one step's times, against the peers and against its own one lane."""
    cases = {n: ("" if step == "ours" else f"{step}, ") + (f"{n} lanes" if n > 1 else "1 lane") for n in lanes}
    for peer in ("generate float32", "generate bfloat16"):
        yield cost_row(cases[1], found[f"{step} 1"], f"transformers {peer}", found[peer])
    for n in lanes:
        yield cost_row(cases[n], found[f"{step} {n}"], "llama.cpp BF16", found.get(f"llama.cpp {n}", math.nan))
    for n in lanes[1:]:
        yield cost_row(cases[n], found[f"{step} {n}"], f"{step}, 1 lane", found[f"{step} 1"])


def dag_rows(plan: Plan) -> Iterator[Row]:
    """Yield the whole time of a typical DAG against as many tokens in one thread, and its share of the ideal."""
    model = load_model(MODEL, dtype=torch.bfloat16)
    for case, kind in {"typical DAG": "auto", "torch, typical DAG": "cpu"}.items():
        engine = Engine(model, options=EngineOptions(step=kind))
        jobs = {"parallel": parallel_job, "sequential": sequential_job}
        found = medians(
            {name: lambda make=make, engine=engine: latency_s(engine, make("job")) for name, make in jobs.items()}, plan
        )
        parallel, sequential = found["parallel"], found["sequential"]
        yield Row.of(case, "latency", unit="s", ours=parallel, peer="its one thread", theirs=sequential, is_cost=True)
        yield Row.of(case, "speed-up", unit="x", ours=sequential / parallel, peer="ideal", theirs=TYPICAL.ideal)


def _our_steps(lanes: tuple[int, ...], plan: Plan) -> dict[str, Measure]:
    """Return competitors of ours: by lanes, and by what is different from the fast step over one pool."""
    narrow, wide = (load_model(MODEL, dtype=dtype) for dtype in (torch.bfloat16, torch.float32))
    (fast, sentence), (torch_step, _), (torch_wide, _), (readable, _) = (
        choose_step(narrow),
        choose_step(narrow, kind="cpu"),
        choose_step(wide, kind="cpu"),
        choose_step(narrow, kind="readable"),
    )
    print(sentence, file=sys.stderr)
    pools = {
        dtype: filled_pool(narrow.config, num_slots=NUM_SLOTS, dtype=dtype) for dtype in (narrow.dtype, wide.dtype)
    }

    def timed(step: StepFunction, batch: StepBatch, dtype: torch.dtype = narrow.dtype) -> Measure:
        return lambda: step_ms(lambda: step(pools[dtype], batch), num_steps(plan))

    config, most = narrow.config, lanes[-1]
    return {
        **{f"ours {n}": timed(fast, interleaved_step(config, n)) for n in lanes},
        **{f"torch {n}": timed(torch_step, interleaved_step(config, n)) for n in lanes},
        f"copied {most}": timed(fast, copied_step(config, most)),
        f"readable {most}": timed(readable, interleaved_step(config, most)),
        "float32 1": timed(torch_wide, interleaved_step(config, 1), wide.dtype),
    }


def generate_ms(plan: Plan) -> dict[str, Measure]:
    """Return transformers' own greedy decoding, at the same context, in both types."""
    num_tokens = QUICK_GENERATED if plan.is_quick else GENERATED
    prompt = torch.arange(1000, 1000 + CONTEXT - num_tokens // 2)[None]

    def timed(dtype: torch.dtype) -> Measure:
        peer = AutoModelForCausalLM.from_pretrained(known_folder(MODEL), dtype=dtype).eval()
        return lambda: _generated_ms(peer, prompt, num_tokens)

    return {"generate float32": timed(torch.float32), "generate bfloat16": timed(torch.bfloat16)}


def _generated_ms(peer: PreTrainedModel, prompt: torch.Tensor, num_tokens: int) -> float:
    """Return the time of a decoded token: that of many less that of one, which bears the prefill."""

    def seconds(count: int) -> float:
        options = GenerationConfig(max_new_tokens=count, min_new_tokens=count, do_sample=False, pad_token_id=2)
        begin = time.perf_counter()
        peer.generate(prompt, attention_mask=torch.ones_like(prompt), generation_config=options)
        return time.perf_counter() - begin

    return (seconds(1 + num_tokens) - seconds(1)) / num_tokens * 1e3


def step_ms(run: Callable[[], object], num_steps: int) -> float:
    """Return the median time of a call, in milliseconds."""
    taken = []
    for _ in range(num_steps):
        begin = time.perf_counter()
        run()
        taken.append((time.perf_counter() - begin) * 1e3)
    return median(taken)


def latency_s(engine: Engine, job: Job) -> float:
    """Return how long a request takes."""
    recording = engine.decode([job])[0]
    assert recording.error is None, recording.error
    return recording.latency_ns / 1e9


def _llama_cpp(folder: Path) -> LlamaCpp | None:
    if not LlamaCpp.is_installed():
        return None
    return LlamaCpp.of(load_model(MODEL), folder, kind=GGMLQuantizationType.BF16, num_threads=THREADS)


def num_steps(plan: Plan) -> int:
    """Return how many steps a round has."""
    return QUICK_STEPS if plan.is_quick else STEPS


def cost_row(case: str, ours: float, peer: str, theirs: float) -> Row:
    """Return a row of step times."""
    return Row.of(case, "step time", unit="ms", ours=ours, peer=peer, theirs=theirs, is_cost=True)


if __name__ == "__main__":
    run_main("Steps and DAGs of the engine on the CPU.", benchmark)
