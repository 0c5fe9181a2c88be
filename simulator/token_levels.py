"""Critical paths of a DAG as it would be if tags were free or branches balanced. Knows tokens only, no time.

Four lengths, each at least the one before: all threads share the text of a group evenly; the main thread does its own,
branches share theirs evenly; each branch its own; and the same with tags, which is the critical path of the DAG.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from pasta_toolkit.dag import Chunk, ChunkKind, Dag

__all__ = ["TokenLevels", "token_levels"]

# (starts of the branches, their tokens, the main thread's end) -> when all of it is done
_Joining: TypeAlias = Callable[[Sequence[int], Sequence[int], int], int]


@dataclass(frozen=True, slots=True)
class TokenLevels:
    """Critical paths in tokens, from perfect to real."""

    all_share: int
    branches_share: int
    without_tags: int
    critical_path: int


def token_levels(dag: Dag) -> TokenLevels:
    """Measure the four critical paths of a DAG."""
    return TokenLevels(
        all_share=_walk(dag, _all_share, has_tags=False),
        branches_share=_walk(dag, _branches_share, has_tags=False),
        without_tags=_walk(dag, _each_its_own, has_tags=False),
        critical_path=_walk(dag, _each_its_own, has_tags=True),
    )


def _walk(dag: Dag, joining: _Joining, *, has_tags: bool) -> int:
    """Follow the main thread; at a join, ask when the branches are done."""
    now = 0
    starts: list[int] = []
    lengths: list[int] = []
    for chunk in dag.chunks:
        tokens = _tokens(chunk, has_tags=has_tags)
        if chunk.kind is ChunkKind.BRANCH:
            starts.append(now)
            lengths.append(tokens)
            continue
        if chunk.kind is ChunkKind.JOIN:
            now = joining(starts, lengths, now)
            starts, lengths = [], []
        now += tokens
    return joining(starts, lengths, now)


def _tokens(chunk: Chunk, *, has_tags: bool) -> int:
    return chunk.text_tokens + (chunk.tag_tokens if has_tags else 0)


def _each_its_own(starts: Sequence[int], lengths: Sequence[int], main_end: int) -> int:
    return max([main_end, *map(int.__add__, starts, lengths)])


def _branches_share(starts: Sequence[int], lengths: Sequence[int], main_end: int) -> int:
    return max(main_end, _level(starts, sum(lengths)))


def _all_share(starts: Sequence[int], lengths: Sequence[int], main_end: int) -> int:
    return max(main_end, _level([*starts, main_end], sum(lengths)))


def _level(starts: Sequence[int], work: int) -> int:
    """Return the least time by which threads that start then have done so much together; 0 if there are none."""
    done_by = 0
    begun: list[int] = []
    for start in sorted(starts):
        if begun and sum(start - other for other in begun) >= work:
            break
        begun.append(start)
    if begun:
        done_by = -(-(work + sum(begun)) // len(begun))
    return done_by
