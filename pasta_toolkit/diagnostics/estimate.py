"""Estimates tokens without a tokenizer: words x 1.3, and only where characters / 4 gives cause for it.

A character of a script that is written without spaces (Chinese, Japanese, Thai, Lao, Burmese, Khmer) counts as a word.
"""

import math
import re

__all__ = [
    "CHARACTERS_PER_TOKEN",
    "FEWEST_TOKENS",
    "HOW_ESTIMATED",
    "MOST_TOKENS",
    "TAG_TOKENS",
    "count_words",
    "round_to_tens",
    "tokens_of_words",
]

TOKENS_PER_WORD = (
    1.3  # Source: ours, the same as pasta_toolkit.tokens; English prose, vocabularies of 32k to 256k entries
)
CHARACTERS_PER_TOKEN = 4  # Source: the usual rule of thumb for English; costs nothing to apply
HOW_ESTIMATED = "words x 1.3"
# Source: SmolLM2's tokenizer, as embedded in pasta_toolkit.tokens, for a topic of one or two words.
TAG_TOKENS = {"p": 13, "a": 3, "/": 3, "s": 3}
FEWEST_TOKENS, MOST_TOKENS = 10, 9990  # what the grammar's TOKENS allows, in tens

SLICE_WIDTH = 1 << 16  # characters that are split at once, so that memory stays small
UNSPACED = re.compile(
    "[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff]"
)


def count_words(text: str) -> int:
    """Count words in slices; a slice may cut a word in two, which only ever adds one to an estimate.

    >>> count_words("two words"), count_words("\u4f60\u597d")
    (2, 2)
    """
    return sum(_words(text[start : start + SLICE_WIDTH]) for start in range(0, len(text), SLICE_WIDTH))


def tokens_of_words(num_words: int) -> int:
    """Return the tokens that so many words have, rounded up."""
    return math.ceil(round(num_words * TOKENS_PER_WORD, 1))


def round_to_tens(num_tokens: float) -> int:
    """Return the nearest number that a promise may state.

    >>> round_to_tens(44), round_to_tens(3), round_to_tens(20000)
    (40, 10, 9990)
    """
    return min(max(10 * math.floor(num_tokens / 10 + 0.5), FEWEST_TOKENS), MOST_TOKENS)


def _words(text: str) -> int:
    if text.isascii():
        return len(text.split())
    spaced, num_unspaced = UNSPACED.subn(" ", text)
    return len(spaced.split()) + num_unspaced
