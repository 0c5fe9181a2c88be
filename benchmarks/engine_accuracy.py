"""Do the fast steps pick the tokens that float32 picks? SmolLM2 over answers, against the readable step in float32.

    pasta model fetch
    python -m benchmarks.engine_accuracy ANSWERS.jsonl [--quick] [--json FILE]

Answers (field `output`) are fed to one lane, 16 rows a step, until 20,000 tokens have been seen; `--quick` takes 2,000.
"argmax" is the share of tokens behind which both pick the same; "lost" is by how much the float32 logit of what is
picked falls short of the largest one, on average; "logits" is the mean difference of all logits, which spread over 40.
"""

import json
import sys
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import torch

from benchmarks.common import Plan, Row, run_main
from reference_engine import load_model, load_tokenizer
from reference_engine.step.choice import choose_step
from reference_engine.step.readable import readable_step
from tests.support.cpu_steps import fed_logits

if TYPE_CHECKING:
    from reference_engine.step.batch import StepFunction

MODEL = "smollm2"
NUM_TOKENS, NUM_QUICK_TOKENS = 20_000, 2_000
MOST_OF_AN_ANSWER = 512  # tokens
KINDS = ("native", "native-int8", "cpu", "readable")
ROWS, ORACLE_ROWS = 16, 128


def accuracy(path: Path, plan: Plan) -> Iterator[Row]:
    """Yield three rows for each step."""
    narrow, wide = (load_model(MODEL, dtype=dtype) for dtype in (torch.bfloat16, torch.float32))
    steps: dict[str, StepFunction] = {}
    for kind in KINDS:
        steps[kind], sentence = choose_step(narrow, kind=kind)
        print(sentence, file=sys.stderr)
    found: dict[str, list[torch.Tensor]] = {kind: [] for kind in steps}
    num_tokens = 0
    for tokens in _answers(path, NUM_QUICK_TOKENS if plan.is_quick else NUM_TOKENS):
        num_tokens += len(tokens)
        exact = fed_logits(partial(readable_step, wide), wide, tokens, chunk=ORACLE_ROWS)
        for kind, step in steps.items():
            found[kind].append(_compared(fed_logits(step, narrow, tokens, chunk=ROWS), exact))
        print(f"{num_tokens:,} tokens", file=sys.stderr)
    for kind, compared in found.items():
        agreement, lost, difference = torch.cat(compared).mean(dim=0).tolist()
        case = f"{kind}, {num_tokens:,} tokens"
        yield Row.of(case, "argmax", unit="", ours=agreement, peer="float32", theirs=1.0)
        yield Row.of(case, "lost", unit="", ours=lost, peer="float32", theirs=0.0, is_cost=True)
        yield Row.of(case, "logits", unit="", ours=difference, peer="float32", theirs=0.0, is_cost=True)


def _answers(path: Path, most: int) -> Iterator[list[int]]:
    tokenizer = load_tokenizer(MODEL)
    with path.open(encoding="utf-8") as lines:
        for line in lines:
            tokens = tokenizer.encode(json.loads(line)["output"])[: min(MOST_OF_AN_ANSWER, most)]
            if not most:
                return
            most -= len(tokens)
            if tokens:
                yield tokens


def _compared(ours: torch.Tensor, exact: torch.Tensor) -> torch.Tensor:
    """Return for each token (tokens, 3): whether both pick the same, what is lost, and the mean difference."""
    picked, wanted = ours.argmax(dim=-1), exact.argmax(dim=-1)
    lost = exact.gather(1, wanted[:, None]) - exact.gather(1, picked[:, None])
    return torch.stack(((picked == wanted).float(), lost[:, 0], (ours - exact).abs().mean(dim=-1)), dim=1)


if __name__ == "__main__":
    run_main("Argmaxes and logits of the fast steps against float32.", accuracy, takes="ANSWERS.jsonl")
