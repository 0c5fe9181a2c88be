"""The tokens as a tree of bytes, and the compiled walks of an automaton over it. Knows bytes and numbers alone.

The tree lies in one array in preorder. Where the automaton dies, a walk jumps behind the whole subtree. A walk from
many states at once is several times faster than one after the other: a processor follows them independently.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

__all__ = ["TokenTrie", "build_trie", "follow_byte", "mark_tokens", "next_states"]

SORTED_BYTES = 16  # tokens are sorted by so many bytes only; a longer shared beginning merely shares less


@dataclass(frozen=True, eq=False)
class TokenTrie:
    """The nodes in preorder: each one's byte, its depth, and the first node behind its subtree.

    The tokens that end at node i are `tokens[token_starts[i] : token_starts[i + 1]]`.
    """

    node_bytes: NDArray[np.uint8]
    depths: NDArray[np.int32]
    behind: NDArray[np.int32]
    token_starts: NDArray[np.int32]
    tokens: NDArray[np.int32]

    @property
    def arrays(self) -> tuple[NDArray[Any], ...]:
        """All of it, in the order in which compiled walks take it."""
        return self.node_bytes, self.depths, self.behind, self.token_starts, self.tokens


def build_trie(tokens: Sequence[bytes]) -> TokenTrie:
    """Build the tree of the tokens that write something."""
    lengths = np.fromiter(map(len, tokens), dtype=np.int64, count=len(tokens))
    starts = np.concatenate([np.zeros(1, dtype=np.int64), np.cumsum(lengths)])
    content = np.frombuffer(b"".join(tokens) + bytes(SORTED_BYTES), dtype=np.uint8)
    ids = np.flatnonzero(lengths).astype(np.int32)
    keys = _sort_keys(content, starts, ids)
    order = ids[np.lexsort((keys[:, 1], keys[:, 0]))]
    return TokenTrie(*_build(content, starts, order))


@njit(cache=True)
def _sort_keys(content, starts, ids):  # type: ignore[no-untyped-def]  # pragma: no cover
    keys = np.zeros((len(ids), 2), dtype=np.uint64)
    for place in range(len(ids)):
        start, stop = starts[ids[place]], starts[ids[place] + 1]
        for index in range(min(stop - start, 16)):
            keys[place, index >> 3] |= np.uint64(content[start + index]) << np.uint64(8 * (7 - (index & 7)))
    return keys


@njit(cache=True)
def _build(content, starts, order):  # type: ignore[no-untyped-def]  # pragma: no cover
    shared = _shared_lengths(content, starts, order)
    num_nodes, longest = 0, 0
    for place in range(len(order)):
        length = starts[order[place] + 1] - starts[order[place]]
        num_nodes += length - shared[place]
        longest = max(longest, length)
    node_bytes, depths, behind, last_nodes = _nodes(content, starts, order, shared, num_nodes, longest)
    token_starts = np.zeros(num_nodes + 1, dtype=np.int32)
    for node in last_nodes:
        token_starts[node + 1] += 1
    token_starts = np.cumsum(token_starts).astype(np.int32)
    return node_bytes, depths, behind, token_starts, _grouped(order, last_nodes, token_starts)


@njit(cache=True)
def _shared_lengths(content, starts, order):  # type: ignore[no-untyped-def]  # pragma: no cover
    """Count the bytes that each token begins with like the one before it."""
    shared = np.zeros(len(order), dtype=np.int32)
    for place in range(1, len(order)):
        start, stop = starts[order[place]], starts[order[place] + 1]
        before, end = starts[order[place - 1]], starts[order[place - 1] + 1]
        most = min(stop - start, end - before)
        while shared[place] < most and content[start + shared[place]] == content[before + shared[place]]:
            shared[place] += 1
    return shared


@njit(cache=True)
def _nodes(content, starts, order, shared, num_nodes, longest):  # type: ignore[no-untyped-def]  # noqa: PLR0917  # pragma: no cover
    """Lay the nodes out in preorder; the last array is the node at which each token ends."""
    node_bytes = np.empty(num_nodes, dtype=np.uint8)
    depths = np.empty(num_nodes, dtype=np.int32)
    behind = np.full(num_nodes, num_nodes, dtype=np.int32)
    last_nodes = np.empty(len(order), dtype=np.int32)
    path = np.full(longest + 1, -1, dtype=np.int32)
    node, depth_now = 0, 0
    for place in range(len(order)):
        start, stop = starts[order[place]], starts[order[place] + 1]
        for depth in range(shared[place], depth_now):
            behind[path[depth]] = node
        for depth in range(shared[place], stop - start):
            node_bytes[node], depths[node] = content[start + depth], depth
            path[depth] = node
            node += 1
        depth_now = stop - start
        last_nodes[place] = path[depth_now - 1]
    return node_bytes, depths, behind, last_nodes


@njit(cache=True)
def _grouped(order, last_nodes, token_starts):  # type: ignore[no-untyped-def]  # pragma: no cover
    """Sort the tokens by the nodes at which they end."""
    filled = token_starts[:-1].copy()
    tokens = np.empty(len(order), dtype=np.int32)
    for place in range(len(order)):
        tokens[filled[last_nodes[place]]] = order[place]
        filled[last_nodes[place]] += 1
    return tokens


def next_states(table: NDArray[np.uint16], state: int, trie: TokenTrie, num_tokens: int) -> NDArray[np.uint16]:
    """Return for every token the state that it leads to from `state`, 0 where that is the dead one."""
    following = np.zeros(num_tokens, dtype=np.uint16)
    _walk(table, state, following, *trie.arrays)
    return following


@njit(cache=True)
def _walk(table, state, following, node_bytes, depths, behind, token_starts, tokens):  # type: ignore[no-untyped-def]  # noqa: PLR0917  # pragma: no cover
    path = np.zeros(depths.max() + 2, dtype=np.uint16)
    path[0] = state
    node = 0
    while node < len(node_bytes):
        depth = depths[node]
        reached = table[path[depth], node_bytes[node]]
        if reached == 0:
            node = behind[node]
            continue
        path[depth + 1] = reached
        for place in range(token_starts[node], token_starts[node + 1]):
            following[tokens[place]] = reached
        node += 1


def mark_tokens(
    table: NDArray[np.uint16], states: NDArray[np.integer[Any]], trie: TokenTrie, num_words: int
) -> NDArray[np.uint32]:
    """Return the packed bits of the tokens that lead from each of the states to a live one: (states, words)."""
    by_byte = np.ascontiguousarray(table.T)
    bits: NDArray[np.uint32] = _mark_tokens(by_byte, states.astype(np.uint32), num_words, *trie.arrays)
    return bits


@njit(cache=True)
def follow_byte(targets, num_live, states, names, next_states, next_names):  # type: ignore[no-untyped-def]  # noqa: PLR0917  # pragma: no cover
    """Write the live states that one byte leads to, and each one's name, one behind the other; count them."""
    count = 0
    for index in range(num_live):
        reached = targets[states[index]]
        next_states[count], next_names[count] = reached, names[index]
        count += reached != 0
    return count


@njit(cache=True)
def _mark_tokens(by_byte, begins, num_words, node_bytes, depths, behind, token_starts, tokens):  # type: ignore[no-untyped-def]  # noqa: PLR0917  # pragma: no cover
    num_begins, num_depths = len(begins), depths.max() + 2
    bits = np.zeros((num_begins, num_words), dtype=np.uint32)
    states = np.zeros((num_depths, num_begins), dtype=np.uint32)
    lines = np.zeros((num_depths, num_begins), dtype=np.uint32)
    num_live = np.zeros(num_depths, dtype=np.int64)
    states[0], lines[0], num_live[0] = begins, np.arange(num_begins), num_begins
    node = 0
    while node < len(node_bytes):
        above, depth, targets = depths[node], depths[node] + 1, by_byte[node_bytes[node]]
        count = follow_byte(targets, num_live[above], states[above], lines[above], states[depth], lines[depth])
        num_live[depth] = count
        if count == 0:
            node = behind[node]
            continue
        marked = lines[depth]
        for token in tokens[token_starts[node] : token_starts[node + 1]]:
            word, bit = np.uint32(token) >> np.uint32(5), np.uint32(1) << (np.uint32(token) & np.uint32(31))
            for index in range(count):
                bits[marked[index], word] |= bit
        node += 1
    return bits
