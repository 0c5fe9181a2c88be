"""Compiled loops that apply sets of tokens to rows of logits, in place. Know arrays alone.

Every set of tokens has a strategy, the cheapest way to apply it: keep a few allowed ids (KEEP), fill a few ranges of
forbidden ids (FILL), or test one bit a token (BITS). Rows are copied number by number: the compiler makes vectors of
that, and of an assignment from a slice it does not. `spans[row]` is where the ids of KEEP or the bounds of FILL lie in
`numbers`, or which row of `bits` belongs to BITS.
"""

import numpy as np
from numba import njit

__all__ = [
    "BITS",
    "FILL",
    "KEEP",
    "apply_bits",
    "apply_fill",
    "apply_keep",
    "apply_rows",
    "best_of_bits",
    "best_of_ids",
]
__all__ += ["pack_rows"]

KEEP, FILL, BITS = 0, 1, 2

# mypy: disable-error-code="no-untyped-def, misc, untyped-decorator, no-untyped-call"


@njit(cache=True)
def apply_keep(logits, ids):  # pragma: no cover
    """Forbid everything but `ids`."""
    kept = np.empty(len(ids), dtype=logits.dtype)
    for place in range(len(ids)):
        kept[place] = logits[ids[place]]
    logits[:] = -np.inf
    for place in range(len(ids)):
        logits[ids[place]] = kept[place]


@njit(cache=True)
def apply_fill(logits, bounds):  # pragma: no cover
    """Forbid the ranges `bounds[0]` to `bounds[1]`, `bounds[2]` to `bounds[3]`, and so on."""
    for place in range(0, len(bounds), 2):
        for token in range(bounds[place], bounds[place + 1]):
            logits[token] = -np.inf


@njit(cache=True)
def apply_bits(logits, words):  # pragma: no cover
    """Forbid every token whose bit is not set."""
    num_whole = len(logits) >> 5
    for place in range(len(words)):
        word = words[place]
        if word == np.uint32(0xFFFFFFFF):
            continue
        first = place << 5
        width = 32 if place < num_whole else len(logits) - first
        for shift in range(width):
            if not (word >> np.uint32(shift)) & np.uint32(1):
                logits[first + shift] = -np.inf


@njit(cache=True)
def apply_rows(logits, rows, strategies, spans, numbers, bits):  # noqa: PLR0917  # pragma: no cover
    """Apply to each line of `logits` the set of tokens of its row number."""
    for line in range(len(rows)):
        row = rows[line]
        if strategies[row] == 0:
            apply_keep(logits[line], numbers[spans[row, 0] : spans[row, 1]])
        elif strategies[row] == 1:
            apply_fill(logits[line], numbers[spans[row, 0] : spans[row, 1]])
        else:
            apply_bits(logits[line], bits[spans[row, 2]])


@njit(cache=True)
def pack_rows(words, rows, strategies, spans, numbers, bits):  # noqa: PLR0917  # pragma: no cover
    """Write the packed bits of each row number to a line of `words`."""
    for line in range(len(rows)):
        row = rows[line]
        if strategies[row] == 0:
            words[line, :] = 0
            for place in range(spans[row, 0], spans[row, 1]):
                token = numbers[place]
                words[line, token >> 5] |= np.uint32(1) << np.uint32(token & 31)
        else:
            source, target = bits[spans[row, 2]], words[line]
            for word in range(len(source)):
                target[word] = source[word]


@njit(cache=True)
def best_of_ids(logits, ids):  # pragma: no cover
    """Return the id with the largest logit; the first of equals."""
    best = ids[0]
    for place in range(1, len(ids)):
        if logits[ids[place]] > logits[best]:
            best = ids[place]
    return best


@njit(cache=True)
def best_of_bits(logits, words):  # pragma: no cover
    """Return the token with the largest logit of those whose bit is set; the first of equals, -1 if there is none."""
    best = -1
    for token in range(len(logits)):
        if (words[token >> 5] >> np.uint32(token & 31)) & np.uint32(1) and (best < 0 or logits[token] > logits[best]):
            best = token
    return best
