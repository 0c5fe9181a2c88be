"""Counts what plans are made of: tokens of blocks and of tags, given once for an outline. Knows no plans.

The tokens of two texts together are not always the sum of both. What a seam adds or saves is counted on the
few characters around it; tokenizers look no further but in odd texts, so that sums with seams are nearly always exact.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate, islice, pairwise

from grammar import Promise, escape, print_promise
from pasta_toolkit.annotate.outline import Outline
from pasta_toolkit.tokens import TokenCounter

__all__ = ["Costs", "TagCosts", "count_costs", "rounded_tokens"]

ASYNC, ASYNC_END, SYNC = "<async>", "</async>", "<sync/>"
SAMPLE_TOPIC = "Topic"
SEAM_CHARACTERS = 8  # on each side of a seam: what tokenizers merge there is short
FEWEST_TOKENS, MOST_TOKENS, TOKEN_STEP = 10, 9990, 10  # what the grammar allows in `tokens`


def rounded_tokens(num_tokens: int) -> int:
    """Round a branch's length to the nearest ten, halves up, within what the grammar allows.

    Source: PASTA, Pred-10X.

    >>> rounded_tokens(0), rounded_tokens(14), rounded_tokens(15), rounded_tokens(123456)
    (10, 10, 20, 9990)
    """
    nearest = (num_tokens + TOKEN_STEP // 2) // TOKEN_STEP * TOKEN_STEP
    return min(max(nearest, FEWEST_TOKENS), MOST_TOKENS)


@dataclass(frozen=True, slots=True)
class TagCosts:
    """Tokens of tags. `promise` are those of a promise tag without its topic, for numbers of 2, 3 and 4 digits."""

    promise: tuple[int, ...]
    branch: int  # <async> and </async>
    sync: int


@dataclass(frozen=True, slots=True)
class Costs:
    """Tokens of the blocks of an outline.

    `blocks` and `seams` are running sums: `blocks[i]` of the blocks before i, `seams[i]` of the seams before block i.
    `topics[i]` are the tokens of the topic of a branch that begins at block i.
    """

    blocks: tuple[int, ...]
    seams: tuple[int, ...]
    topics: tuple[int, ...]
    tags: TagCosts

    @property
    def num_blocks(self) -> int:
        """The number of blocks."""
        return len(self.topics)

    def content(self, start: int, end: int) -> int:
        """Return the tokens of blocks `start` to `end - 1` in one piece."""
        if start == end:
            return 0
        return self.blocks[end] - self.blocks[start] + self.seams[end - 1] - self.seams[start]

    def least_content(self, start: int, end: int) -> int:
        """Return a bound below the tokens of blocks `start` to `end - 1`, cut anywhere: only seams that save count."""
        savings = sum(min(0, self.seam(index)) for index in range(start + 1, end))
        return self.blocks[end] - self.blocks[start] + savings

    def seam(self, index: int) -> int:
        """Return what joining block `index` to the block before it adds."""
        return self.seams[index] - self.seams[index - 1]

    def promise(self, start: int, num_tokens: int) -> int:
        """Return the tokens of the promise tag of a branch that begins at a block."""
        return self.tags.promise[len(str(rounded_tokens(num_tokens))) - 2] + self.topics[start]


def count_costs(text: str, outline: Outline, counter: TokenCounter, *, topics: Sequence[str]) -> Costs:
    """Count an outline's tokens in one batch; `topics[i]` is the topic of a branch that would begin at block i."""
    contents = [escape(block.of(text)) for block in outline.blocks]
    sides = [(before[-SEAM_CHARACTERS:], behind[:SEAM_CHARACTERS]) for before, behind in pairwise(contents)]
    seam_texts = [seam for before, behind in sides for seam in (before + behind, before, behind)]
    counts = iter(counter.count_batch([*contents, *seam_texts, *topics, *_sample_tags(), SAMPLE_TOPIC]))
    blocks = list(islice(counts, len(contents)))
    seams = [next(counts) - next(counts) - next(counts) for _ in sides]
    topic_tokens = tuple(islice(counts, len(topics)))
    return Costs(
        blocks=tuple(accumulate(blocks, initial=0)),
        seams=tuple(accumulate(seams, initial=0)),
        topics=topic_tokens,
        tags=_tag_costs(list(counts)),
    )


def _sample_tags() -> list[str]:
    """Return the fixed tags, and promise tags with numbers of two, three and four digits."""
    numbers = (FEWEST_TOKENS, 10 * FEWEST_TOKENS, 100 * FEWEST_TOKENS)
    return [ASYNC, ASYNC_END, SYNC, *(print_promise(Promise(SAMPLE_TOPIC, number)) for number in numbers)]


def _tag_costs(counts: Sequence[int]) -> TagCosts:
    opening, closing, sync, *promises, topic = counts
    return TagCosts(tuple(promise - topic for promise in promises), opening + closing, sync)
