"""Cuts answers in the manner of other systems, as baselines. They do not ask whether a branch pays.

Source: Skeleton-of-Thought (Ning et al., ICLR 2024): one request for each point of a list. APAR (Liu et al., 2024,
arXiv 2401.06761): the summary of each list item, or the first sentence of each paragraph, is a root in the main thread,
and its detail a child beside it, which nobody waits for.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import groupby

from pasta_toolkit.annotate.assembly import Part
from pasta_toolkit.annotate.blocks import Block, BlockKind, cut_blocks, next_in_list
from pasta_toolkit.annotate.naming import find_topics
from pasta_toolkit.annotate.policy import AnnotationPolicy
from pasta_toolkit.tokens import TokenCounter

__all__ = ["plan_like_apar", "plan_like_sot"]

FEWEST_POINTS = 2  # a list of one has nothing to be decoded beside it
FEWEST_FORKS = 3  # as APAR's data has it: shorter lists and fewer paragraphs are left sequential
SHORTEST_DETAIL = 10  # characters, as APAR's data has it

SUMMARIES = {
    BlockKind.ITEM: re.compile(r"\s*(?:[-*+]|\d{1,9}[.)])\s+[^:\uff1a\n]+[:\uff1a](?:\*\*|__)?"),
    BlockKind.PARAGRAPH: re.compile(r"\s*[^\n]*?(?:\. |\u3002)"),
}


def plan_like_sot(text: str, counter: TokenCounter, policy: AnnotationPolicy) -> Sequence[Sequence[Part]]:
    """Make each item of a list a branch, and wait for the whole list before going on."""
    points = tuple(_points(cut_blocks(text)))
    topics = dict(zip(points, find_topics(text, points, counter, policy=policy), strict=True))
    groups: list[list[Part]] = [[]]
    for _, run in groupby(points, key=lambda point: point.list_index):
        if any(part.is_branch for part in groups[-1]):
            groups.append([])
        members = list(run)
        is_list = members[0].list_index is not None and len(members) >= FEWEST_POINTS
        groups[-1] += [Part(point.of(text), topics[point] if is_list else ()) for point in members]
    return groups


def _points(blocks: Sequence[Block]) -> Iterator[Block]:
    """Yield the blocks; what stands between two numbers of one list belongs to the item before it."""
    following = next_in_list(blocks)
    index = 0
    while index < len(blocks):
        end = following.get(index, index + 1)
        yield replace(blocks[index], end=blocks[end - 1].end)
        index = end


def plan_like_apar(text: str, counter: TokenCounter, policy: AnnotationPolicy) -> Sequence[Sequence[Part]]:
    """Keep the summary of each item, or else of each paragraph, in the main thread; make its detail a branch."""
    blocks = cut_blocks(text)
    for kind, pattern in SUMMARIES.items():
        cuts = {block: cut for block in blocks if block.kind is kind and (cut := _cut(text, block, pattern))}
        if len(cuts) >= FEWEST_FORKS:
            topics = dict(zip(cuts, find_topics(text, cuts, counter, policy=policy), strict=True))
            return [[part for block in blocks for part in _parts(text, block, cuts.get(block), topics.get(block, ()))]]
    return [[Part(text)]]


def _cut(text: str, block: Block, pattern: re.Pattern[str]) -> int | None:
    """Return where the summary of a block ends and its detail begins, None where it has no such parts."""
    found = pattern.match(text, block.start, block.end)
    if found is None or len(text[found.end() : block.end].strip()) < SHORTEST_DETAIL:
        return None
    return found.end()


def _parts(text: str, block: Block, cut: int | None, topics: tuple[str, ...]) -> Iterator[Part]:
    yield Part(text[block.start : cut or block.end])
    if cut is not None:
        yield Part(text[cut : block.end], topics)
