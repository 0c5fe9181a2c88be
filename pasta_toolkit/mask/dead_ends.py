"""Says what a vocabulary cannot write. Knows an automaton, which states tokens connect, and what tokens write."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from pasta_toolkit.mask.automaton import DEAD, Automaton
from pasta_toolkit.mask.errors import VocabularyError

__all__ = ["refuse_dead_ends"]

NUM_SHOWN = 40  # bytes of an example


def refuse_dead_ends(
    automaton: Automaton, leads_to: NDArray[np.bool_], *, can_end: NDArray[np.bool_], tokens: Sequence[bytes]
) -> None:
    """Refuse a vocabulary with which some stream runs into a dead end or some tag cannot be written.

    `can_end[state]`: tokens lead from there to an end.

    Raises:
        VocabularyError: it names an example, and the bytes that no token holds.
    """
    for stream, begin in automaton.begins.items():
        reached = _reached(leads_to, begin)
        stuck = (reached & ~can_end).nonzero()[0]
        if len(stuck):
            raise VocabularyError(_dead_end(automaton, leads_to, stream, stuck) + _missing(automaton, tokens))
        for (owner, terminal), state in automaton.after.items():
            if owner == stream and state != DEAD and not reached[state] and _way(automaton, begin, state) is not None:
                message = f"no tokens of the vocabulary write the tag {terminal} in the stream {stream!r}"
                raise VocabularyError(message + _missing(automaton, tokens))


def _dead_end(automaton: Automaton, leads_to: NDArray[np.bool_], stream: str, stuck: NDArray[np.int64]) -> str:
    """Describe the dead end that is reached soonest, one without any token if there is such a state."""
    without = [state for state in stuck.tolist() if not leads_to[state].any()] or stuck.tolist()
    ways = {state: _way(automaton, automaton.begins[stream], state) or b"" for state in without}
    state = min(without, key=lambda state: (len(ways[state]), state))
    needed = bytes(automaton.table[state].nonzero()[0].tolist())
    return (
        f"the vocabulary leads into dead ends: in the stream {stream!r}, behind {ways[state][-NUM_SHOWN:]!r}, "
        f"no token goes on to an end with {needed[:NUM_SHOWN]!r}"
    )


def _missing(automaton: Automaton, tokens: Sequence[bytes]) -> str:
    """Name the bytes that the streams need and no token holds."""
    needed = (automaton.table != DEAD).any(axis=0).nonzero()[0].tolist()
    missing = bytes(sorted(set(needed) - set(b"".join(tokens))))
    return f"; no token holds any of the bytes {missing[:NUM_SHOWN]!r}" if missing else ""


def _reached(leads_to: NDArray[np.bool_], begin: int) -> NDArray[np.bool_]:
    reached = np.zeros(len(leads_to), dtype=np.bool_)
    reached[begin] = True
    newest = reached.copy()
    while newest.any():
        newest = leads_to[newest].any(axis=0) & ~reached
        reached |= newest
    return reached


def _way(automaton: Automaton, begin: int, goal: int) -> bytes | None:
    """Return the fewest bytes that lead from one state to another, None where no bytes do."""
    ways = {begin: b""}
    for state in (waiting := [begin]):  # grows while it is read
        if state == goal:
            return ways[state]
        for byte in automaton.table[state].nonzero()[0].tolist():
            target = int(automaton.table[state, byte])
            if target not in ways:
                ways[target] = ways[state] + bytes([byte])
                waiting.append(target)
    return None
