"""Measures the token mask beside xgrammar and llguidance: compile, step, apply, batch. One thread, the same documents.

    python benchmarks/mask.py --quick --json mask.json

Peers run in the fastest formulation found. xgrammar: a tag dispatch, which takes text at once; it does not know which
`<` are reserved, so it is given an easier language than ours. llguidance: greedy terminals that begin with their text,
and slices for text. Both are told which tokens write nothing. The exact exports of `pasta mask --export` are slower in
both; `tests/mask_room/test_export.py` holds them to our masks, state by state.

Times are the best of several passes over all documents, divided by the number of tokens.
"""

import argparse
import json
import os
import sys
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

os.environ.setdefault("OMP_NUM_THREADS", "1")
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import numpy as np
import torch

from pasta_toolkit.mask import TokenMask, Vocabulary, compile_mask, load_vocabulary
from tests.support.mask_peers import Llguidance, Peer, Xgrammar
from tests.support.mask_vocabularies import PACKAGED, source_of

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
BATCH = 64
SENTENCES = (
    "There are several things to weigh before you decide, and they hardly depend on each other.",
    "First of all, the price: it rose by 3 % last year, and it may rise again.",
    "* **Weight**: about 1.2 kg, which is less than most.\n* **Size**: fits a bag.",
    "Einige Wörter auf Deutsch, 漢字, and an emoji 🙂 for good measure.",
    "In short, x < y whenever `a <b> c` holds.",
)


@dataclass(frozen=True, slots=True)
class Row:
    """One measurement; `ratio` above 1 is better for us."""

    case: str
    metric: str
    unit: str
    ours: float
    peer: str
    theirs: float | None
    ratio: float | None


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
        length = next(length for length in range(min(24, len(content)), 0, -1) if content[:length] in ids)
        tokens.append(ids[content[:length]])
        content = content[length:]
    return tokens


def best_seconds(run: Callable[[], Any], passes: int) -> float:
    """Return the processor time of the fastest of several runs, which other programs disturb less than the clock."""
    shortest = float("inf")
    for _ in range(passes):
        begin = time.process_time()
        run()
        shortest = min(shortest, time.process_time() - begin)
    return shortest


def step_ours(mask: TokenMask, streams: list[list[int]]) -> None:
    """Take every token, with the mask looked up before each."""
    for tokens in streams:
        constraint = mask.start()
        for token in tokens:
            _ = constraint.allowed
            constraint.advance(token)


def apply_ours(mask: TokenMask, streams: list[list[int]], logits: np.ndarray) -> None:
    """The same, with the mask applied to a row of logits."""
    for tokens in streams:
        constraint = mask.start()
        for token in tokens:
            constraint.allowed.apply(logits)
            constraint.advance(token)


def step_theirs(peer: Peer, streams: list[list[int]], logits: torch.Tensor | None) -> None:
    """Take every token, with the mask computed, and applied if there are logits."""
    for tokens in streams:
        peer.reset()
        for token in tokens:
            peer.mask()
            if logits is not None:
                peer.apply(logits)
            if not peer.accept(token):
                raise ValueError(f"the peer refuses the token {token}")


def worst_mask_us(mask: TokenMask, streams: list[list[int]]) -> float:
    """Return the 99th percentile, over the states visited, of the time of one look-up of the mask."""
    states = set()
    for tokens in streams:
        constraint = mask.start()
        for token in tokens:
            constraint.advance(token)
            states.add(constraint.state)
    times = []
    for state in sorted(states | set(range(1, mask.automaton.num_states, 7))):
        constraint = mask.start()
        constraint._enter(state)
        times.append(best_seconds(lambda c=constraint: [c.allowed for _ in range(1000)], 3) / 1000)
    return float(np.percentile(times, 99)) * 1e6


def rows_of(name: str, mask: TokenMask, streams: list[list[int]], passes: int) -> list[Row]:
    """Measure one vocabulary."""
    num_tokens = sum(map(len, streams))
    logits = np.random.default_rng(0).normal(size=mask.vocabulary.num_logits).astype(np.float32)
    step_ours(mask, streams), apply_ours(mask, streams[:1], logits)
    step = best_seconds(lambda: step_ours(mask, streams), passes) / num_tokens * 1e6
    applied = best_seconds(lambda: apply_ours(mask, streams, logits), passes) / num_tokens * 1e6
    rows = [Row(name, "mask look-up, p99 over states", "us", worst_mask_us(mask, streams), "", None, None)]
    peers = {
        "xgrammar": lambda: Xgrammar(mask.vocabulary, XGRAMMAR_DISPATCH),
        "llguidance": lambda: Llguidance(mask.vocabulary, LLGUIDANCE_GREEDY),
    }
    for peer_name, make in peers.items():
        begin = time.perf_counter()
        peer = make()
        print(f"{name}: {peer_name} compiled in {time.perf_counter() - begin:.1f} s", file=sys.stderr)
        few = streams[: 2 if peer_name == "llguidance" else len(streams)]
        count = sum(map(len, few))
        step_theirs(peer, few, None)
        theirs = best_seconds(lambda p=peer, f=few: step_theirs(p, f, None), passes) / count * 1e6
        row = torch.from_numpy(logits.copy())
        both = best_seconds(lambda p=peer, f=few, r=row: step_theirs(p, f, r), passes) / count * 1e6
        rows.append(Row(name, "mask + accept", "us", step, peer_name, theirs, theirs / step))
        rows.append(Row(name, "mask + apply + accept", "us", applied, peer_name, both, both / applied))
        if peer_name == "xgrammar":
            rows.append(batch_row(name, mask, streams, peer, passes))
    return rows


def batch_row(name: str, mask: TokenMask, streams: list[list[int]], peer: Any, passes: int) -> Row:
    """Measure the masks of 64 streams in different states, written as packed bits."""
    constraint, states = mask.start(), []
    for token in streams[0]:
        states.append(constraint.state)
        constraint.advance(token)
    chosen = np.array([states[place * len(states) // BATCH] for place in range(BATCH)])
    words = np.empty((BATCH, -(-mask.vocabulary.num_logits // 32)), dtype=np.uint32)
    mask.fill_bitmask(words, chosen)
    ours = best_seconds(lambda: mask.fill_bitmask(words, chosen), passes * 20) * 1e6
    matchers = []
    for place in range(BATCH):
        matcher = peer.library.GrammarMatcher(peer.compiled)
        for token in streams[0][: place * len(states) // BATCH]:
            matcher.accept_token(token)
        matchers.append(matcher)
    bitmask = peer.library.allocate_token_bitmask(BATCH, mask.vocabulary.num_logits)

    def fill() -> None:
        for place, matcher in enumerate(matchers):
            matcher.fill_next_token_bitmask(bitmask, place)

    fill()
    theirs = best_seconds(fill, passes * 20) * 1e6
    return Row(name, f"masks of {BATCH} streams", "us", ours, "xgrammar", theirs, theirs / ours)


def compile_rows(name: str, vocabulary: Vocabulary) -> tuple[TokenMask, list[Row]]:
    """Measure compilation from raw bytes, reading from the cache, and the size, each with a fresh vocabulary."""

    def fresh() -> Vocabulary:
        return Vocabulary.of(vocabulary.tokens, ends=vocabulary.ends)

    mask = compile_mask(fresh())  # the first one also loads compiled code
    copies = iter([fresh() for _ in range(6)])
    compiled = best_seconds(lambda: compile_mask(next(copies)), 3)
    with TemporaryDirectory() as folder:
        compile_mask(fresh(), cache=Path(folder))
        cached = best_seconds(lambda: compile_mask(next(copies), cache=Path(folder)), 3)
    rows = [
        Row(name, "compile from raw bytes", "s", compiled, "", None, None),
        Row(name, "read from the cache", "ms", cached * 1e3, "", None, None),
        Row(name, "size of the masks", "MB", mask.table.num_bytes / 1e6, "", None, None),
    ]
    return mask, rows


def main() -> None:
    """Run all cases and print a table; `--json` writes the rows as well."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="SmolLM2's vocabulary alone, few passes")
    parser.add_argument("--json", metavar="FILE", help="write the rows to a file")
    options = parser.parse_args()
    torch.set_num_threads(1)
    rows: list[Row] = []
    for name in ("smollm2",) if options.quick else ("smollm2", "gemma3"):
        vocabulary = load_vocabulary(source_of(name) if name in PACKAGED else name)
        mask, compiled = compile_rows(name, vocabulary)
        streams = [tokenise(vocabulary, text) for text in documents(6 if options.quick else 12)]
        rows += compiled + rows_of(name, mask, streams, 3 if options.quick else 7)
    for row in rows:
        beside = f" {row.peer:>10} {row.theirs:12.2f} {row.ratio:8.1f}x" if row.theirs and row.ratio else ""
        print(f"{row.case:8} {row.metric:30} {row.ours:10.3f} {row.unit:3}{beside}")
    if options.json:
        Path(options.json).write_text(json.dumps({"rows": [asdict(row) for row in rows]}, indent=2))


if __name__ == "__main__":
    main()
