"""Counts each text once: the pieces of a plan are counted while planning, for the promise tags and by the DAG."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from pasta_toolkit.tokens import TokenCounter

__all__ = ["RememberingCounter"]

LONGEST_COUNTED_WHOLE = 1_000_000  # characters; a tokenizer holds a hundred times as much memory while it counts


@dataclass(frozen=True, slots=True)
class RememberingCounter:
    """A token counter that keeps the counts it has made; for the texts of one document.

    A text beyond a million characters is counted in slices that end with a line, to keep memory in bounds; then the
    sum may be off by a token for each slice.
    """

    counter: TokenCounter
    counts: dict[str, int] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """The name of the counter that counts."""
        return self.counter.name

    @property
    def is_exact(self) -> bool:
        """Whether that counter is exact."""
        return self.counter.is_exact

    def count(self, text: str) -> int:
        """Return the number of tokens of a text."""
        return self.count_batch((text,))[0]

    def count_batch(self, texts: Sequence[str]) -> list[int]:
        """Return the number of tokens of each text."""
        new = [text for text in dict.fromkeys(texts) if text not in self.counts]
        usual = [text for text in new if len(text) <= LONGEST_COUNTED_WHOLE]
        self.counts.update(zip(usual, self.counter.count_batch(usual), strict=True))
        for text in new:
            if text not in self.counts:
                self.counts[text] = sum(map(self.counter.count, _slices(text)))
        return [self.counts[text] for text in texts]


def _slices(text: str) -> Iterator[str]:
    start = 0
    while start < len(text):
        end = text.rfind("\n", start, start + LONGEST_COUNTED_WHOLE) + 1 or start + LONGEST_COUNTED_WHOLE
        yield text[start:end]
        start = end
