"""Finds the tokens that limits must look at one by one. Knows an automaton and what tokens write, no stream's past."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from pasta_toolkit.mask.automaton import DEAD, Automaton
from pasta_toolkit.mask.names import PROMISE, QUOTE
from pasta_toolkit.mask.tags import read_to_tag

__all__ = ["closing_tokens", "delicate_tokens"]


def closing_tokens(automaton: Automaton, tokens: Sequence[bytes]) -> NDArray[np.int64]:
    """Return the tokens that hold a byte with which some tag ends."""
    last_bytes = _last_bytes(automaton)
    found = [token for token, content in enumerate(tokens) if any(byte in content for byte in last_bytes)]
    return np.array(found, dtype=np.int64)


def _last_bytes(automaton: Automaton) -> list[bytes]:
    """Return the bytes with which some tag ends, tried from one example of what leads to each state."""
    found = set()
    examples = dict.fromkeys(automaton.borders, b"")
    waiting = list(examples)
    for state in waiting:  # grows while it is read
        for byte in automaton.table[state].nonzero()[0].tolist():
            target, content = int(automaton.table[state, byte]), examples[state] + bytes([byte])
            if target in automaton.borders:
                if len(content) > 1 and automaton.tag_named(content):
                    found.add(bytes([byte]))
            elif target not in examples:
                examples[target] = content
                waiting.append(target)
    return sorted(found)


def delicate_tokens(
    automaton: Automaton,
    state: int,
    *,
    following: NDArray[np.uint16],
    tokens: Sequence[bytes],
    closing: NDArray[np.int64],
    forced: bytes,
) -> NDArray[np.int64]:
    """Return the tokens that complete a tag from a state, lead into a promise tag, or within one up to its topic.

    `following` is the state behind every token, DEAD where it is not legal; `closing` are the `closing_tokens`, and
    `forced` is what must follow.
    """
    completing = [
        token
        for token in closing[following[closing] != DEAD].tolist()
        if read_to_tag(automaton, state, opened=b"", content=tokens[token]).tag is not None
    ]
    if automaton.labels[state] != PROMISE:
        is_promise = np.array([label == PROMISE for label in automaton.labels])
        entering = is_promise[following].nonzero()[0]
    elif QUOTE in forced:
        entering = np.array(
            [token for token in following.nonzero()[0].tolist() if QUOTE in tokens[token]], dtype=np.int64
        )
    else:
        entering = np.zeros(0, dtype=np.int64)
    return np.union1d(np.array(completing, dtype=np.int64), entering)
