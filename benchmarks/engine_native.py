"""How fast is the native step? SmolLM2, against transformers, llama.cpp in three formats, and the torch step.

    pasta model fetch
    python -m benchmarks.engine_native [--quick] [--json FILE]

Steps are those of `benchmarks.engine`. All competitors of a round run one after the other, with as many threads as
there are cores. What is to be reached: one lane 3 times as fast as transformers' `generate` with its dynamic cache and
1.4 times as llama.cpp in bfloat16; 16 lanes 4 times as fast as llama.cpp in bfloat16 and 2.5 times as in Q4_0; a
typical DAG 2.65 times as fast as its own tokens in one thread and 2.8 times as llama.cpp's in Q4_1; a wide DAG 8 times.
It needs `llama-cpp-python`.
"""

import os
import sys
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

os.environ.setdefault("THP_MEM_ALLOC_ENABLE", "1")  # huge pages for large tensors

import torch
from gguf import GGMLQuantizationType

from benchmarks.common import Plan, Row, medians, run_main
from benchmarks.engine import MODEL, NUM_SLOTS, THREADS, Measure, cost_row, generate_ms, latency_s, num_steps, step_ms
from benchmarks.engine_dag import PROMPT_TOKENS, TYPICAL, WIDE, Shape, parallel_job, sequential_job
from benchmarks.engine_llama_cpp import LlamaCpp
from benchmarks.engine_steps import filled_pool, interleaved_step
from reference_engine import Engine, EngineOptions, load_model
from reference_engine.step.batch import StepBatch
from reference_engine.step.choice import StepFunction, choose_step

LANES, QUICK_LANES = (1, 4, 8, 16, 32), (1, 16)
KINDS = {"native": "native", "int8": "native-int8", "torch": "cpu"}
FORMATS = (GGMLQuantizationType.BF16, GGMLQuantizationType.Q4_0, GGMLQuantizationType.Q4_1)


def benchmark(plan: Plan) -> Iterator[Row]:
    """Yield rows of steps, then of DAGs."""
    torch.set_num_threads(THREADS)
    with tempfile.TemporaryDirectory() as folder, ExitStack() as stack:
        peers = {}
        for kind in FORMATS:
            peers[kind.name] = LlamaCpp.of(load_model(MODEL), Path(folder), kind=kind, num_threads=THREADS)
            stack.callback(peers[kind.name].close)
        yield from step_rows(peers, plan)
        yield from dag_rows("typical DAG", TYPICAL, peers, plan)
    yield from dag_rows("wide DAG", WIDE, {}, plan)


def step_rows(peers: dict[str, LlamaCpp], plan: Plan) -> Iterator[Row]:
    """Yield the times of steps beside those of the peers."""
    lanes, steps = QUICK_LANES if plan.is_quick else LANES, num_steps(plan)
    competitors = {**_our_steps(lanes, plan), **generate_ms(plan)}
    for peer, llama_cpp in peers.items():
        competitors |= {f"{peer} {n}": lambda n=n, peer=llama_cpp: peer.step_ms(n, steps) for n in lanes}
    found = medians(competitors, plan)
    for kind in ("native", "int8"):
        for peer in ("generate float32", "generate bfloat16"):
            yield cost_row(f"{kind}, 1 lane", found[f"{kind} 1"], f"transformers {peer}", found[peer])
        for n in lanes:
            case = f"{kind}, {n} lanes" if n > 1 else f"{kind}, 1 lane"
            for peer in peers:
                yield cost_row(case, found[f"{kind} {n}"], f"llama.cpp {peer}", found[f"{peer} {n}"])
            yield cost_row(case, found[f"{kind} {n}"], "the torch step", found[f"torch {n}"])


def _our_steps(lanes: tuple[int, ...], plan: Plan) -> dict[str, Measure]:
    model = load_model(MODEL, dtype=torch.bfloat16)
    pool = filled_pool(model.config, num_slots=NUM_SLOTS, dtype=model.dtype)

    def timed(step: StepFunction, batch: StepBatch) -> Measure:
        return lambda: step_ms(lambda: step(pool, batch), num_steps(plan))

    competitors = {}
    for name, kind in KINDS.items():
        step, sentence = choose_step(model, kind=kind)
        print(sentence, file=sys.stderr)
        competitors |= {f"{name} {n}": timed(step, interleaved_step(model.config, n)) for n in lanes}
    return competitors


def dag_rows(name: str, shape: Shape, peers: dict[str, LlamaCpp], plan: Plan) -> Iterator[Row]:
    """Yield the whole time of a DAG, against as many tokens in one thread, ours and llama.cpp's."""
    competitors: dict[str, Measure] = {}
    for kind in ("native", "native-int8"):
        engine = Engine(load_model(MODEL, dtype=torch.bfloat16), options=EngineOptions(step=kind))
        competitors[f"{kind} parallel"] = lambda engine=engine: latency_s(engine, parallel_job("job", shape))
        competitors[f"{kind} sequential"] = lambda engine=engine: latency_s(engine, sequential_job("job", shape))
    for peer, llama_cpp in peers.items():
        competitors[peer] = lambda peer=llama_cpp: peer.sequence_s(PROMPT_TOKENS, shape.num_tokens)
    found = medians(competitors, plan)
    for kind in ("native", "native-int8"):
        parallel, sequential = found[f"{kind} parallel"], found[f"{kind} sequential"]
        for peer, seconds in {
            "ours, one thread": sequential,
            **{f"llama.cpp {peer}, one thread": found[peer] for peer in peers},
        }.items():
            yield Row.of(f"{name}, {kind}", "latency", unit="s", ours=parallel, peer=peer, theirs=seconds, is_cost=True)
        yield Row.of(
            f"{name}, {kind}", "speed-up", unit="x", ours=sequential / parallel, peer="ideal", theirs=shape.ideal
        )


if __name__ == "__main__":
    run_main("The native step on the CPU.", benchmark)
