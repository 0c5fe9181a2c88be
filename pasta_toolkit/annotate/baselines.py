"""Cuts answers in the manner of other systems, as baselines. They do not ask whether a branch pays.

Source: Skeleton-of-Thought (Ning et al., ICLR 2024): one request for each point of a list. APAR (Liu et al., 2024,
arXiv 2401.06761): the summary of each list item, or the first sentence of each paragraph, is a root in the main thread,
and its detail a child beside it, which nobody waits for.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace

from pasta_toolkit.annotate.assembly import Part
from pasta_toolkit.annotate.blocks import Block, BlockKind, cut_blocks
from pasta_toolkit.annotate.naming import find_topics
from pasta_toolkit.annotate.policy import AnnotationPolicy
from pasta_toolkit.tokens import TokenCounter

__all__ = ["plan_like_apar", "plan_like_sot"]

FEWEST_POINTS = 2  # a list of one has nothing to be decoded beside it
FEWEST_FORKS = 3  # APAR's data: shorter lists and fewer paragraphs are left sequential
SHORTEST_DETAIL = 10  # characters; APAR's data: lists with a shorter detail are no outline

ITEM_SUMMARY = re.compile(r"\s*(?:[-*+]|\d{1,9}[.)])\s+[^:：\n]+[:：](?:\*\*|__)?")
FIRST_SENTENCE = re.compile(r"[^\n]*?(?:\. |。)")


def plan_like_sot(text: str, counter: TokenCounter, policy: AnnotationPolicy) -> Sequence[Sequence[Part]]:
    """Make each item of a list a branch, and wait for the whole list before going on."""
    blocks = cut_blocks(text)
    topics = find_topics(text, blocks, counter, policy=policy)
    groups: list[list[Part]] = [[]]
    for run in _runs(blocks):
        if len(run) < FEWEST_POINTS:
            groups[-1] += [Part(block.of(text)) for block in run]
            continue
        if any(part.is_branch for part in groups[-1]):
            groups.append([])
        groups[-1] += [Part(item.of(text), topics[blocks.index(item)]) for item in run]
    return groups


def plan_like_apar(text: str, counter: TokenCounter, policy: AnnotationPolicy) -> Sequence[Sequence[Part]]:
    """Keep the summary of each item or paragraph in the main thread, and make its detail a branch; never wait."""
    blocks = cut_blocks(text)
    for kind, pattern in ((BlockKind.ITEM, ITEM_SUMMARY), (BlockKind.PARAGRAPH, FIRST_SENTENCE)):
        details = {index: _detail(text, block, pattern) for index, block in enumerate(blocks) if block.kind is kind}
"""
"""
