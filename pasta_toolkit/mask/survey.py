"""Finds out, in one walk for all states together, which states allow the same tokens. Knows bytes and numbers alone.

All tokens below one first byte and all states after that byte are one *part* each. A part is summed up by two sums of
64-bit random numbers, two numbers a token; parts with equal sums allow the same tokens (two different sets agree with a
chance of 2^-126). Two states allow the same tokens when their 256 parts agree.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

from pasta_toolkit.mask.trie import TokenTrie, follow_byte

__all__ = ["FAR", "Survey", "survey_states", "tokens_to"]

FAR = 1 << 30  # tokens to where no way leads

SEED = 20250714  # any constant does; it is fixed so that the same inputs give the same bytes


@dataclass(frozen=True, eq=False)
class Survey:
    """`row_of_state[state]` numbers the distinct sets of legal tokens, in the order of states.

    `leads_to[state, target]`: some token leads from one state to the other.
    """

    row_of_state: NDArray[np.int64]
    leads_to: NDArray[np.bool_]


def tokens_to(leads_to: NDArray[np.bool_], goals: Sequence[int] | NDArray[np.integer[Any]]) -> NDArray[np.int64]:
    """Return the least number of tokens from every state to one of the goals, FAR where no way leads."""
    least = np.full(len(leads_to), FAR, dtype=np.int64)
    least[goals] = 0
    newest = least == 0
    tokens = 0
    while newest.any():
        tokens += 1
        newest = leads_to[:, newest].any(axis=1) & (least == FAR)
        least[newest] = tokens
    return least


def survey_states(table: NDArray[np.uint16], trie: TokenTrie, num_tokens: int) -> Survey:
    """Compare all states of an automaton whose state 0 is dead."""
    part_of, num_parts = _number_parts(table)
    chances = np.random.default_rng(SEED).integers(0, 1 << 63, size=(num_tokens, 2), dtype=np.uint64)
    by_byte = np.ascontiguousarray(table.T)
    sums, reached = _survey(by_byte, part_of, num_parts, chances, *trie.arrays)
    contents = np.where(sums.any(axis=1), _numbered(sums) + 1, 0)  # a part without tokens is like none at all
    signatures = np.where(table == 0, 0, contents[part_of[np.arange(256), table]])
    return Survey(_numbered(signatures), _combined(table, part_of, reached))


def _numbered(lines: NDArray[Any]) -> NDArray[np.int64]:
    """Number the distinct lines of a matrix in the order of their first appearance."""
    numbers: dict[bytes, int] = {}
    packed = np.ascontiguousarray(lines)
    found = [numbers.setdefault(line.tobytes(), len(numbers)) for line in packed]
    return np.array(found, dtype=np.int64)


def _number_parts(table: NDArray[np.uint16]) -> tuple[NDArray[np.int32], int]:
    """Give a number to every pair of a first byte and the state it leads to; -1 where there is none."""
    part_of = np.full((256, len(table)), -1, dtype=np.int32)
    bytes_of_pairs = np.broadcast_to(np.arange(256), table.shape)
    part_of[bytes_of_pairs, table] = 0
    part_of[:, 0] = -1
    pairs = np.flatnonzero(part_of.reshape(-1) == 0)
    part_of.reshape(-1)[pairs] = np.arange(len(pairs), dtype=np.int32)
    return part_of, len(pairs)


@njit(cache=True)
def _survey(by_byte, part_of, num_parts, chances, node_bytes, depths, behind, token_starts, tokens):  # type: ignore[no-untyped-def]  # noqa: PLR0917  # pragma: no cover
    num_states = by_byte.shape[1]
    num_depths = depths.max() + 1
    sums = np.zeros((num_parts, 2), dtype=np.uint64)
    reached = np.zeros((num_parts, num_states), dtype=np.uint8)
    states = np.zeros((num_depths, num_states), dtype=np.uint32)
    parts = np.zeros((num_depths, num_states), dtype=np.uint32)
    num_live = np.zeros(num_depths, dtype=np.int64)
    node = 0
    while node < len(node_bytes):
        depth, byte = depths[node], node_bytes[node]
        if depth == 0:
            count = _begin(part_of[byte], states[0], parts[0])
        else:
            above = depth - 1
            count = follow_byte(
                by_byte[byte], num_live[above], states[above], parts[above], states[depth], parts[depth]
            )
        num_live[depth] = count
        if count == 0:
            node = behind[node]
            continue
        ending = tokens[token_starts[node] : token_starts[node + 1]]
        if len(ending) > 0:
            _add(ending, chances, states[depth, :count], parts[depth, :count], sums, reached)
        node += 1
    return sums, reached


@njit(cache=True)
def _add(ending, chances, states, parts, sums, reached):  # type: ignore[no-untyped-def]  # noqa: PLR0917  # pragma: no cover
    """Add tokens that end at a node to the parts in which it is alive, in the states they have come to."""
    first, second = np.uint64(0), np.uint64(0)
    for token in ending:
        first += chances[token, 0]
        second += chances[token, 1]
    for index in range(len(parts)):
        part = parts[index]
        sums[part, 0] += first
        sums[part, 1] += second
        reached[part, states[index]] = 1


@njit(cache=True)
def _begin(part_of_state, states, parts):  # type: ignore[no-untyped-def]  # pragma: no cover
    count = 0
    for state in range(1, len(part_of_state)):
        if part_of_state[state] >= 0:
            states[count], parts[count] = state, part_of_state[state]
            count += 1
    return count


@njit(cache=True)
def _combined(table, part_of, reached):  # type: ignore[no-untyped-def]  # pragma: no cover
    leads_to = np.zeros((len(table), len(table)), dtype=np.bool_)
    for state in range(1, len(table)):
        for byte in range(256):
            target = table[state, byte]
            if target != 0:
                part = part_of[byte, target]
                for index in range(len(table)):
                    leads_to[state, index] |= reached[part, index] != 0
    return leads_to
