"""How many tokens a stream needs at least: to its end, behind its first promise, out of a topic that is taken.

Knows states and which of them tokens connect, no stream in progress. Every number belongs to a way that no limit can
bar, so a stream that leaves itself so many tokens never gets stuck.
"""

from collections.abc import Collection
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pasta_toolkit.mask.automaton import DEAD, Automaton
from pasta_toolkit.mask.errors import ConstraintError
from pasta_toolkit.mask.names import MAIN, PROMISE, QUOTE
from pasta_toolkit.mask.survey import FAR, tokens_to

__all__ = ["Budget", "TopicBudget", "make_budget", "make_topic_budget"]

LONGEST_CHARACTER = 4  # bytes of UTF-8


@dataclass(frozen=True, eq=False)
class Budget:
    """The least number of tokens from every state: to the end, the end token included, and behind a promise tag.

    `behind_promise_to_end` is what the first promise leaves to do.
    """

    to_end: NDArray[np.int64]
    to_promise: NDArray[np.int64]
    behind_promise_to_end: int


@dataclass(frozen=True, eq=False)
class TopicBudget:
    """The same to the end where no topic may be repeated.

    Out of a topic the way leads by letters and a quote that are tokens of their own: as long as fewer than
    `num_letters` topics are taken, one letter more makes any of them a new one.
    """

    to_end: NDArray[np.int64]
    num_letters: int


def make_budget(automaton: Automaton, to_end: NDArray[np.int64], leads_to: NDArray[np.bool_]) -> Budget:
    """Count for a mask whose streams are those of limits."""
    behind = automaton.after[MAIN, PROMISE]
    return Budget(to_end, tokens_to(leads_to, [behind]), int(to_end[behind]))


def make_topic_budget(
    automaton: Automaton, to_end: NDArray[np.int64], *, leads_to: NDArray[np.bool_], single_bytes: Collection[int]
) -> TopicBudget:
    """Count for distinct topics; `single_bytes` are the bytes that are tokens of their own.

    Raises:
        ConstraintError: the quote is no token of its own, or no letter is.
    """
    begin = _topic_begin(automaton)
    inside = _inside_topics(automaton, begin)
    singles = sorted(single_bytes)
    letters = [byte for byte in singles if automaton.table[int(automaton.table[begin, byte]), QUOTE[0]] != DEAD]
    if QUOTE[0] not in singles or not letters:
        raise ConstraintError("distinct topics need a vocabulary with tokens for the quote and for letters alone")
    least = to_end.copy()
    least[inside] = _out_of_topics(
        automaton, to_end, inside=inside, letters=[byte for byte in singles if byte != QUOTE[0]]
    )
    before = [state for state in range(automaton.num_states) if _must_reach(automaton, state, begin)]
    least[before] = tokens_to(leads_to, [begin])[before] + least[begin]
    return TopicBudget(least, len(letters))


def _topic_begin(automaton: Automaton) -> int:
    """Return the state in front of a topic's first letter: behind the quote that a promise tag must write."""
    state = _first_inside_promise(automaton)
    while True:
        (byte,) = automaton.table[state].nonzero()[0].tolist()
        state = int(automaton.table[state, byte])
        if byte == QUOTE[0]:
            return state


def _first_inside_promise(automaton: Automaton) -> int:
    waiting = [automaton.begins[MAIN]]
    seen = set(waiting)
    for state in waiting:  # grows while it is read: nearest states first
        if automaton.labels[state] == PROMISE:
            return state
        following = set(automaton.table[state].tolist()) - seen - {DEAD}
        waiting += sorted(following)
        seen |= following
    raise ConstraintError("limits on topics need a grammar with promises")


def _inside_topics(automaton: Automaton, begin: int) -> list[int]:
    """Return the states of a topic that is open, between the bytes of a character too."""
    found, waiting = {begin}, [begin]
    while waiting:
        row = automaton.table[waiting.pop()].copy()
        row[QUOTE[0]] = DEAD
        following = set(row.tolist()) - found - {DEAD}
        found |= following
        waiting += following
    return sorted(found)


def _out_of_topics(
    automaton: Automaton, to_end: NDArray[np.int64], *, inside: list[int], letters: list[int]
) -> NDArray[np.int64]:
    """Return the tokens to the end from each state of a topic by single letters and a single quote."""
    closed = automaton.table[inside, QUOTE[0]]
    by_quote = np.where(closed == DEAD, FAR, 1 + to_end[closed])
    least = np.full(automaton.num_states, FAR, dtype=np.int64)
    least[inside] = by_quote
    for _ in range(LONGEST_CHARACTER):
        least[inside] = np.minimum(by_quote, 1 + least[automaton.table[inside][:, letters]].min(axis=1))
    return least[inside]


def _must_reach(automaton: Automaton, state: int, goal: int) -> bool:
    """Say whether a state of a promise tag has bytes forced up to another."""
    while state != goal and automaton.labels[state] == PROMISE:
        live = automaton.table[state].nonzero()[0]
        if len(live) != 1:
            return False
        state = int(automaton.table[state, live[0]])
    return state == goal
