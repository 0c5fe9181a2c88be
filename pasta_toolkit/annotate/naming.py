"""Chooses the topics that branches may bear: how many words are worth their tokens. Knows no plans."""

from collections.abc import Iterable, Sequence

from pasta_toolkit.annotate.blocks import Block
from pasta_toolkit.annotate.policy import AnnotationPolicy
from pasta_toolkit.annotate.topics import topic_options, topic_words
from pasta_toolkit.tokens import TokenCounter

__all__ = ["find_topics"]


def find_topics(
    text: str, blocks: Iterable[Block], counter: TokenCounter, *, policy: AnnotationPolicy
) -> tuple[tuple[str, ...], ...]:
    """Return the topics of a branch that begins at each block, the best first.

    The best one has as many words as the policy has tokens for; longer ones follow, for a group in which it is taken.
    """
    options = [topic_options(topic_words(text, block, most_words=policy.max_topic_words)) for block in blocks]
    counts = iter(counter.count_batch([topic for topics in options for topic in topics]))
    return tuple(
        _best_first(topics, [next(counts) for _ in topics], most_tokens=policy.max_topic_tokens) for topics in options
    )


def _best_first(topics: Sequence[str], num_tokens: Sequence[int], *, most_tokens: int) -> tuple[str, ...]:
    num_affordable = sum(tokens <= most_tokens for tokens in num_tokens)
    return tuple(topics[max(num_affordable - 1, 0) :])
