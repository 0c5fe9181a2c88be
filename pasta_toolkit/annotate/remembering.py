"""Counts each text once: the pieces of a plan are counted while planning, by the DAG, and for the promise tags."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from pasta_toolkit.tokens import TokenCounter

__all__ = ["RememberingCounter"]


@dataclass(frozen=True, slots=True)
class RememberingCounter:
    """A token counter that keeps the counts it has made; for the texts of one document."""

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
        self.counts.update(zip(new, self.counter.count_batch(new), strict=True))
        return [self.counts[text] for text in texts]
