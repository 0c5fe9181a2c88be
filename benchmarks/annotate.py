"""How fast annotated answers may be decoded, and what each assumption costs: `python -m benchmarks.annotate --quick`.

Ideal speed-up is sequential tokens / critical-path tokens, counted with SmolLM2's tokenizer; averages are geometric
means over all answers of a model that have any text, those left sequential included. The answers are the 1,200 real
ones of AlpacaEval's development part, which lie beside the repository (`../shared/data`), not in it. The last rows say
what annotating takes, against tokenising the same answers once.
"""

import json
import sys
from collections import defaultdict
from collections.abc import Iterator, Mapping
from functools import partial
from pathlib import Path

from benchmarks.common import Plan, Row, cpu_seconds_of, medians, run_main
from pasta_toolkit.annotate import AnnotationPolicy, Method, annotate
from pasta_toolkit.dag.statistics import geometric_mean
from pasta_toolkit.tokens import TokenCounter, load_counter

ANSWERS = Path(__file__).parents[2] / "shared" / "data" / "alpaca_eval_dev.jsonl"
# What a quick prototype reached that counted words x 1.3 for tokens; it is to be beaten.
PROTOTYPE = {"gemma-2b-it": 1.50, "gemma-7b-it": 1.51, "gpt4_1106_preview": 1.82}
BASELINES: tuple[Method, ...] = ("sot", "apar-lists")
ALTERNATIVES = {
    "introduction in a branch too": AnnotationPolicy(keeps_introduction=False),
    "nothing waits": AnnotationPolicy(waits="nothing"),
    "remarks wait too": AnnotationPolicy(waits="remarks"),
    "neither": AnnotationPolicy(keeps_introduction=False, waits="nothing"),
    "prose kept whole": AnnotationPolicy(cuts_prose=False),
    "4 branches at most": AnnotationPolicy(max_branches=4),
    "16 branches at most": AnnotationPolicy(max_branches=16),
    "topics of one word": AnnotationPolicy(max_topic_words=1),
    "topics of three words always": AnnotationPolicy(max_topic_tokens=99),
    "any speed-up above 1": AnnotationPolicy(min_speedup=1.0),
}
NUM_QUICK_ANSWERS = 300

Answers = Mapping[str, list[str]]


def benchmark(plan: Plan) -> Iterator[Row]:
    """Compare speed-ups by model, then the time that annotating takes."""
    counter = load_counter()
    answers = _answers()
    ours = _speedups(answers, counter)
    peers = {"prototype": PROTOTYPE, **{name: _speedups(answers, counter, method=name) for name in BASELINES}}
    if not plan.is_quick:
        peers |= {name: _speedups(answers, counter, policy=policy) for name, policy in ALTERNATIVES.items()}
    for peer, theirs in peers.items():
        for model, speedup in ours.items():
            yield Row.of(model, "ideal speed-up", unit="x", ours=speedup, peer=peer, theirs=theirs[model])
    yield _duration(plan, [text for texts in answers.values() for text in texts], counter)


def _answers() -> Answers:
    if not ANSWERS.is_file():
        sys.exit(f"the answers are not here: {ANSWERS} (their licence keeps them out of the repository)")
    answers = defaultdict(list)
    for record in map(json.loads, ANSWERS.read_text(encoding="utf-8").splitlines()):
        answers[record["model"]].append(record["output"])
    return answers


def _speedups(
    answers: Answers, counter: TokenCounter, *, method: Method = "structure", policy: AnnotationPolicy | None = None
) -> dict[str, float]:
    """Return the mean speed-up of each model's answers."""
    policy = policy or AnnotationPolicy()
    means = {}
    for model, texts in answers.items():
        measured = [annotate(text, counter=counter, method=method, policy=policy).measures for text in texts]
        means[model] = geometric_mean([item.ideal_speedup for item in measured if not item.is_empty])
    return means


def _duration(plan: Plan, texts: list[str], counter: TokenCounter) -> Row:
    texts = texts[:: len(texts) // NUM_QUICK_ANSWERS] if plan.is_quick else texts
    durations_s = medians(
        {
            "ours": partial(cpu_seconds_of, lambda: [annotate(text, counter=counter) for text in texts]),
            "tokenising": partial(cpu_seconds_of, lambda: [counter.count(text) for text in texts]),
        },
        plan,
    )
    return Row.of(
        f"{len(texts):,} answers",
        "processor time",
        unit="s",
        ours=durations_s["ours"],
        peer="tokenising them once",
        theirs=durations_s["tokenising"],
        is_cost=True,
    )


if __name__ == "__main__":
    run_main(__doc__ or "", benchmark)
