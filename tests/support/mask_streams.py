"""Streams for the tests of the mask: random tokenisations, and the shortest way of tokens to every state."""

import random
from functools import cache

import numpy as np

from pasta_toolkit.mask import DEAD, TokenMask, Vocabulary

__all__ = ["any_tokenisation", "shortest_ways"]

LONGEST_PIECE = 12  # bytes


def any_tokenisation(vocabulary: Vocabulary, content: bytes, rng: random.Random) -> list[int]:
    """Cut bytes into random tokens."""
    ids = _ids(vocabulary)
    tokens = []
    while content:
        lengths = [length for length in range(1, min(LONGEST_PIECE, len(content)) + 1) if content[:length] in ids]
        length = rng.choice(lengths)
        tokens.append(ids[content[:length]])
        content = content[length:]
    return tokens


@cache
def _ids(vocabulary: Vocabulary) -> dict[bytes, int]:
    return {token: number for number, token in enumerate(vocabulary.tokens) if token}


def shortest_ways(mask: TokenMask, stream: str) -> dict[int, tuple[int, ...]]:
    """Return for every state that tokens reach the fewest tokens that reach it, the lowest ids of equals."""
    begin = mask.automaton.begins[stream]
    ways: dict[int, tuple[int, ...]] = {begin: ()}
    waiting = [begin]
    for state in waiting:  # grows while it is read
        following = mask.next_states(state)
        targets, tokens = np.unique(following, return_index=True)
        for target, token in zip(targets.tolist(), tokens.tolist(), strict=True):
            if target != DEAD and target not in ways:
                ways[target] = (*ways[state], token)
                waiting.append(target)
    return ways
