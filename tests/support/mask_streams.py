"""Streams for the tests of the mask: random tokenisations, and what their bytes hold."""

import random

from pasta_toolkit.mask import Vocabulary

__all__ = ["any_tokenisation"]

LONGEST_PIECE = 12  # bytes


def any_tokenisation(vocabulary: Vocabulary, content: bytes, rng: random.Random) -> list[int]:
    """Cut bytes into random tokens."""
    ids = {token: number for number, token in enumerate(vocabulary.tokens) if token}
    tokens = []
    while content:
        lengths = [length for length in range(1, min(LONGEST_PIECE, len(content)) + 1) if content[:length] in ids]
        length = rng.choice(lengths)
        tokens.append(ids[content[:length]])
        content = content[length:]
    return tokens
