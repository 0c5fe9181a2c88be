"""Writes a plan into a text: promises, async blocks and syncs. Every character of the text stays, in its order."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from grammar import AsyncBlock, Document, Node, Promise, Sync, Text, escape
from pasta_toolkit.annotate.costs import rounded_tokens
from pasta_toolkit.annotate.topics import distinct_topics
from pasta_toolkit.tokens import TokenCounter

__all__ = ["Part", "assemble"]


@dataclass(frozen=True, slots=True)
class Part:
    """A piece of the text; of a branch with the topics it may have, the best first, of the main thread with none."""

    content: str
    topics: tuple[str, ...] = ()

    @property
    def is_branch(self) -> bool:
        """Whether a branch decodes it."""
        return bool(self.topics)


def assemble(groups: Sequence[Sequence[Part]], counter: TokenCounter) -> Document:
    """Build a document from groups of parts, with a sync between two groups.

    Law: rendering it gives the contents of all parts in a row.
    """
    pieces = [escape(part.content) for group in groups for part in group]
    lengths = iter(counter.count_batch(pieces))
    return Document.of(_nodes(groups, lengths))


def _nodes(groups: Sequence[Sequence[Part]], lengths: Iterator[int]) -> Iterator[Node]:
    for index, group in enumerate(groups):
        if index:
            yield Sync()
        topics = iter(distinct_topics([part.topics for part in group if part.is_branch]))
        for part in group:
            num_tokens = next(lengths)
            if part.is_branch:
                yield Promise(next(topics), rounded_tokens(num_tokens))
                yield AsyncBlock(part.content)
            else:
                yield Text(part.content)
