"""What a user gains: annotated answers decoded in parallel by us, their plain texts by llama.cpp, one after the other.

    pasta model fetch
    pasta annotate ANSWERS.jsonl --field output --output annotated.jsonl
    python -m benchmarks.engine_answers annotated.jsonl [--quick] [--json FILE]

The first 100 answers with a branch and at most 300 tokens (30 with `--quick`), SmolLM2, the native step in bfloat16 and
with 8-bit weights; llama.cpp in bfloat16 and Q4_0, one thread of decoding, the same number of tokens. All decode an
answer in turn. The rows are geometric means. To be reached: 2.2 times llama.cpp in bfloat16. It needs
`llama-cpp-python`.
"""

import os
import sys
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack
from itertools import islice
from pathlib import Path
from statistics import mean

os.environ.setdefault("THP_MEM_ALLOC_ENABLE", "1")  # huge pages for large tensors

import torch
from gguf import GGMLQuantizationType

from benchmarks.common import Plan, Row, run_main
from benchmarks.engine import MODEL, THREADS, latency_s
from benchmarks.engine_llama_cpp import LlamaCpp
from grammar import render
from pasta_toolkit.cli.task_input import Task, TaskReader
from pasta_toolkit.dag.statistics import geometric_mean
from reference_engine import Engine, EngineOptions, load_model, load_tokenizer

NUM_ANSWERS, NUM_QUICK_ANSWERS = 100, 30
MOST_TOKENS = 300
STEPS = {"native": "native", "int8": "native-int8"}
FORMATS = (GGMLQuantizationType.BF16, GGMLQuantizationType.Q4_0)


def answers(path: Path, plan: Plan) -> Iterator[Row]:
    """Yield the ratios of each of our steps to each peer, and to its own sequential decode."""
    torch.set_num_threads(THREADS)
    tokenizer, model = load_tokenizer(MODEL), load_model(MODEL, dtype=torch.bfloat16)
    engines = {
        name: Engine(model, tokenizer=tokenizer, options=EngineOptions(step=kind)) for name, kind in STEPS.items()
    }
    seconds: dict[str, list[float]] = {}
    with tempfile.TemporaryDirectory() as folder, ExitStack() as stack:
        peers = {}
        for kind in FORMATS:
            name = f"llama.cpp {kind.name}"
            peers[name] = LlamaCpp.of(load_model(MODEL), Path(folder), kind=kind, num_threads=THREADS)
            stack.callback(peers[name].close)
        chosen = islice(_chosen(engines["native"], path), NUM_QUICK_ANSWERS if plan.is_quick else NUM_ANSWERS)
        for number, (task, num_tokens) in enumerate(chosen):
            prompt = tokenizer.chat([{"role": "user", "content": task.prompt or ""}])
            took = {name: peer.sequence_s(len(prompt), num_tokens) for name, peer in peers.items()}
            for name, engine in engines.items():
                assert task.document is not None
                took[f"{name}, one thread"] = latency_s(engine, engine.sequential("s", prompt, task.document))
                took[name] = latency_s(engine, engine.forced("p", prompt, task.document))
            if number:  # the first one warms up
                for name, value in took.items():
                    seconds.setdefault(name, []).append(value)
            print(f"{number + 1}: {task.name}, {num_tokens} tokens", file=sys.stderr)
    for name in engines:
        for peer in (*peers, f"{name}, one thread"):
            ours, theirs = seconds[name], seconds[peer]
            ratio = geometric_mean(b / a for a, b in zip(ours, theirs, strict=True))
            assert ratio is not None
            yield Row(f"{name}, {len(ours)} answers", "latency", "s", mean(ours), peer, mean(theirs), ratio)


def _chosen(engine: Engine, path: Path) -> Iterator[tuple[Task, int]]:
    for task in TaskReader("instruction").documents([str(path)], field="response"):
        if task.document is None or not task.document.promises:
            continue
        num_tokens = len(engine.tokenizer.encode(render(task.document)))
        if 0 < num_tokens <= MOST_TOKENS:
            yield task, num_tokens


if __name__ == "__main__":
    run_main("Annotated answers in parallel against llama.cpp in one thread.", answers, takes="ANNOTATED.jsonl")
