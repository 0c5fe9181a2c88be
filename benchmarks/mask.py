"""Measures the token mask beside xgrammar and llguidance: compile, step, apply, batch. One thread, the same documents.

    python -m benchmarks.mask --json benchmarks/results/mask.json

Peers run in the fastest formulation found. xgrammar: a tag dispatch, which takes text at once; it does not know which
`<` are reserved, so it is given an easier language than ours. llguidance: greedy terminals that begin with their text,
and slices for text. Both are told which tokens write nothing. The exact exports of `pasta mask --export` are slower in
both: `benchmarks.mask_exports`.

Processor times, medians of rounds in which the competitors take turns, divided by the number of tokens. `--quick` takes
SmolLM2's vocabulary alone.
"""

import os
import statistics
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np
import torch

from benchmarks.common import Plan, Row, cpu_seconds_of, medians, run_main
from pasta_toolkit.mask import (
    LimitedConstraint,
    Limits,
    TokenMask,
    Vocabulary,
    compile_limited_mask,
    compile_mask,
    load_vocabulary,
)
from tests.support.mask_peers import Llguidance, Peer, Xgrammar
from tests.support.mask_vocabularies import source_of

TOPIC = r'[^"<>\x00-\x1f\x7f-\x9f]{1,80}'
EBNF_TOPIC = r'[^"<>\u0000-\u001F\u007F-\u009F]{1,80}'
XGRAMMAR_DISPATCH = f"""root ::= TagDispatch(
  ("<promise topic=\\"", promise), ("<sync/>", nothing), loop_after_dispatch=true)
nothing ::= ""
promise ::= {EBNF_TOPIC} "\\" tokens=\\"" [1-9] [0-9]{{0,2}} "0\\"/>"
"""
LLGUIDANCE_GREEDY = rf"""start: (PROMISE | SYNC)* TEXT
PROMISE: TEXT /<promise topic="{TOPIC}" tokens="[1-9][0-9]{{0,2}}0"\/>/
SYNC: TEXT /<sync\/>/
TEXT: /([^<]|<[^\/aps])*/
"""
GOAL = "the goal"
COMPILE_GOAL_S, CACHE_GOAL_MS, SIZE_GOAL_MB, LOOK_UP_GOAL_US = 1.0, 20.0, 4.0, 0.5
NUM_BATCH = 64
NUM_BATCH_REPEATS, NUM_LOOK_UPS = 5, 2000
NUM_LLGUIDANCE_DOCUMENTS = 2  # it is slow
LONGEST_TOKEN = 24  # bytes
LIMITS = Limits(max_tokens=2000, max_promises=8, distinct_topics=True, require_sync=True)
SENTENCES = (
    "There are several things to weigh before you decide, and they hardly depend on each other.",
    "First of all, the price: it rose by 3 % last year, and it may rise again.",
    "* **Weight**: about 1.2 kg, which is less than most.\n* **Size**: fits a bag.",
    "Einige Wörter auf Deutsch, 漢字, and an emoji 🙂 for good measure.",
    "In short, x < y whenever `a <b> c` holds.",
)


def documents(num_documents: int) -> list[str]:
    """Return annotated main streams like those of a model: prose, groups of two to four promises, a sync."""
    texts = []
    for number in range(num_documents):
        parts = list(SENTENCES[number % 2 :]) * 3
        for place in range(2 + number % 3):
            parts.append(f'<promise topic="aspect {place} of it" tokens="{(place + 3) * 10}"/>')
        texts.append(" ".join([*parts, "<sync/>", *SENTENCES]))
    return texts


def tokenise(vocabulary: Vocabulary, text: str) -> list[int]:
    """Cut a text greedily into the longest tokens, the same cut for everyone."""
    ids = {content: token for token, content in enumerate(vocabulary.tokens) if content}
    content, tokens = text.encode(), []
    while content:
        length = next(length for length in range(min(LONGEST_TOKEN, len(content)), 0, -1) if content[:length] in ids)
        tokens.append(ids[content[:length]])
        content = content[length:]
    return tokens


def step_ours(mask: TokenMask, streams: Sequence[list[int]], logits: np.ndarray | None) -> None:
    """Take every token, with the mask looked up before each, and applied if there are logits."""
    for tokens in streams:
        constraint = mask.start()
        for token in tokens:
            allowed = constraint.allowed
            if logits is not None:
                allowed.apply(logits)
            constraint.advance(token)


def step_limited(mask: TokenMask, streams: Sequence[list[int]], logits: np.ndarray) -> None:
    """Do the same under limits."""
    for tokens in streams:
        constraint = LimitedConstraint(mask, LIMITS)
        for token in tokens:
            constraint.apply(logits)
            constraint.advance(token)


def step_theirs(peer: Peer, streams: Sequence[list[int]], logits: torch.Tensor | None) -> None:
    """Do the same under a peer's mask."""
    for tokens in streams:
        peer.reset()
        for token in tokens:
            peer.mask()
            if logits is not None:
                peer.apply(logits)
            if not peer.accept(token):
                raise ValueError(f"the peer refuses the token {token}")


def us_a_token(run: Callable[[Sequence[list[int]]], None], streams: Sequence[list[int]]) -> Callable[[], float]:
    """Return a measurement of the microseconds that a run over streams takes for each token."""
    num_tokens = sum(map(len, streams))
    return lambda: cpu_seconds_of(lambda: run(streams)) / num_tokens * 1e6


def step_rows(name: str, mask: TokenMask, peers: dict[str, Peer], plan: Plan) -> Iterator[Row]:
    """Measure steps over the documents: the mask alone, applied to logits, and ours under limits."""
    streams = [tokenise(mask.vocabulary, text) for text in documents(6 if plan.is_quick else 12)]
    shown = {"xgrammar": streams, "llguidance": streams[:NUM_LLGUIDANCE_DOCUMENTS]}
    row = np.random.default_rng(0).normal(size=mask.vocabulary.num_logits).astype(np.float32)
    tensor = torch.from_numpy(row.copy())
    limited = compile_limited_mask(mask.vocabulary, LIMITS)
    ways: dict[str, tuple[Callable[..., None], torch.Tensor | None]] = {
        "mask + accept": (lambda part: step_ours(mask, part, None), None),
        "mask + apply + accept": (lambda part: step_ours(mask, part, row), tensor),
        "the same under limits": (lambda part: step_limited(limited, part, row), tensor),
    }
    for metric, (ours, theirs) in ways.items():
        competitors = {"ours": us_a_token(ours, streams)}
        for peer_name, peer in peers.items():
            competitors[peer_name] = us_a_token(
                lambda part, peer=peer, theirs=theirs: step_theirs(peer, part, theirs),  # type: ignore[misc]
                shown[peer_name],
            )
        measured = medians(competitors, plan)
        for peer_name in peers:
            us = measured[peer_name]
            yield Row.of(name, metric, unit="us", ours=measured["ours"], peer=peer_name, theirs=us, is_cost=True)


def look_up_row(name: str, mask: TokenMask) -> Row:
    """Measure one look-up of the mask in every state, and take the 99th percentile."""
    times = []
    constraint = mask.start()
    for state in range(1, mask.automaton.num_states):
        constraint._enter(state)
        runs = [cpu_seconds_of(lambda: [constraint.allowed for _ in range(NUM_LOOK_UPS)]) for _ in range(3)]
        times.append(statistics.median(runs) / NUM_LOOK_UPS * 1e6)
    p99 = float(np.percentile(times, 99))
    return Row.of(name, "look-up, p99 of states", unit="us", ours=p99, peer=GOAL, theirs=LOOK_UP_GOAL_US, is_cost=True)


def batch_rows(name: str, mask: TokenMask, peer: Xgrammar, plan: Plan) -> Iterator[Row]:
    """Measure the masks of 64 streams, spread over one document: as packed bits, and applied to logits."""
    tokens = tokenise(mask.vocabulary, documents(1)[0])
    places = [place * len(tokens) // NUM_BATCH for place in range(NUM_BATCH)]
    states = np.array(
        [mask.automaton.walk(mask.automaton.begins["main"], written(mask, tokens[:place])) for place in places]
    )
    words = np.empty((NUM_BATCH, -(-mask.vocabulary.num_logits // 32)), dtype=np.uint32)
    logits = np.zeros((NUM_BATCH, mask.vocabulary.num_logits), dtype=np.float32)
    fill, apply = batch_of_xgrammar(peer, tokens, places)
    fill_bits = {"ours": lambda: mask.fill_bitmask(words, states), "theirs": fill}
    applied = {"ours": lambda: mask.apply_batch(logits, states), "theirs": apply}
    for metric, calls in ((f"masks of {NUM_BATCH} streams", fill_bits), (f"{NUM_BATCH} streams applied", applied)):
        competitors = {who: repeated_us(call) for who, call in calls.items()}
        measured = medians(competitors, Plan(plan.is_quick, plan.num_rounds * NUM_BATCH_REPEATS))
        ours, theirs = measured["ours"], measured["theirs"]
        yield Row.of(name, metric, unit="us", ours=ours, peer="xgrammar", theirs=theirs, is_cost=True)


def repeated_us(call: Callable[[], None]) -> Callable[[], float]:
    """Return a measurement of the microseconds that one of a few calls takes."""
    return lambda: cpu_seconds_of(lambda: [call() for _ in range(NUM_BATCH_REPEATS)]) / NUM_BATCH_REPEATS * 1e6


def written(mask: TokenMask, tokens: Sequence[int]) -> bytes:
    """Return what tokens write."""
    return b"".join(mask.vocabulary.tokens[token] for token in tokens)


def batch_of_xgrammar(
    peer: Xgrammar, tokens: Sequence[int], places: Sequence[int]
) -> tuple[Callable[[], None], Callable[[], None]]:
    """Return how xgrammar fills the masks of matchers that stand at some places of a document, and applies them."""
    matchers = [peer.library.GrammarMatcher(peer.compiled) for _ in places]
    for matcher, place in zip(matchers, places, strict=True):
        for token in tokens[:place]:
            matcher.accept_token(token)
    batch = peer.library.BatchGrammarMatcher(1)
    words = peer.library.allocate_token_bitmask(len(places), peer.num_logits)
    logits = torch.zeros((len(places), peer.num_logits))

    def fill() -> None:
        batch.batch_fill_next_token_bitmask(matchers, words)

    def apply() -> None:
        fill()
        peer.library.apply_token_bitmask_inplace(logits, words)

    return fill, apply


def compile_rows(name: str, vocabulary: Vocabulary, plan: Plan) -> Iterator[Row]:
    """Measure compilation from raw bytes, reading from the cache, and the size, each with a fresh vocabulary."""

    def seconds(cache: Path | None) -> float:
        fresh = Vocabulary.of(vocabulary.tokens, ends=vocabulary.ends)
        return cpu_seconds_of(lambda: compile_mask(fresh, cache=cache))

    with TemporaryDirectory() as folder:
        seconds(Path(folder))  # fills the cache
        measured = medians({"compile": lambda: seconds(None), "read": lambda: seconds(Path(folder))}, plan)
    num_bytes = compile_mask(vocabulary).table.num_bytes
    yield goal(name, "compile from raw bytes", "s", measured["compile"], COMPILE_GOAL_S)
    yield goal(name, "read from the cache", "ms", measured["read"] * 1e3, CACHE_GOAL_MS)
    yield goal(name, "size of the masks", "MB", num_bytes / 1e6, SIZE_GOAL_MB)


def goal(name: str, metric: str, unit: str, ours: float, theirs: float) -> Row:
    """Return a row that is compared with what was asked for."""
    return Row.of(name, metric, unit=unit, ours=ours, peer=GOAL, theirs=theirs, is_cost=True)


def benchmark(plan: Plan) -> Iterator[Row]:
    """Measure SmolLM2's vocabulary and, unless in a hurry, Gemma's."""
    torch.set_num_threads(1)
    for name in ("smollm2",) if plan.is_quick else ("smollm2", "gemma3"):
        vocabulary = load_vocabulary(source_of(name))
        yield from compile_rows(name, vocabulary, plan)
        mask = compile_mask(vocabulary)
        yield look_up_row(name, mask)
        xgrammar = Xgrammar(vocabulary, XGRAMMAR_DISPATCH)
        peers: dict[str, Any] = {"xgrammar": xgrammar, "llguidance": Llguidance(vocabulary, LLGUIDANCE_GREEDY)}
        yield from step_rows(name, mask, peers, plan)
        yield from batch_rows(name, mask, xgrammar, plan)


if __name__ == "__main__":
    run_main(__doc__ or "", benchmark)
