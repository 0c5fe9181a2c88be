"""What an annotation assumes and aims at: frozen options. Knows no text."""

from dataclasses import dataclass
from typing import Literal, TypeAlias, get_args

__all__ = ["FEWEST_BRANCHES", "MOST_BRANCHES", "AnnotationPolicy", "Waits"]

Waits: TypeAlias = Literal["nothing", "conclusions", "remarks"]

FEWEST_BRANCHES = 2
MOST_BRANCHES = 64  # ours: a bound on the work; sixteen already gain nothing over eight


@dataclass(frozen=True, slots=True)
class AnnotationPolicy:
    """Say what stays sequential and when splitting pays.

    `max_branches`: branches of one group. `min_speedup`: a smaller ideal speed-up leaves the answer as it is.
    `keeps_introduction`: the opening block stays in the main thread, so that every branch sees it.
    `waits`: what is decoded only where it sees all that it may draw on, in the same branch or behind a sync: nothing;
    conclusions, known by their first words; or remarks too, paragraphs behind a list, a table, a quote or HTML.
    `cuts_prose`: a branch may begin at a paragraph of running prose, not at sections and list items only.
    `max_topic_words`, `max_topic_tokens`: a topic has as many words as keep to both, and one at least.

    Raises:
        ValueError: a number is out of its range.
    """

    max_branches: int = 8
    min_speedup: float = 1.1
    keeps_introduction: bool = True
    waits: Waits = "conclusions"
    cuts_prose: bool = True
    max_topic_words: int = 3
    max_topic_tokens: int = 3

    def __post_init__(self) -> None:
        """Refuse numbers that no plan could meet."""
        if not FEWEST_BRANCHES <= self.max_branches <= MOST_BRANCHES:
            raise ValueError(
                f"max_branches is between {FEWEST_BRANCHES} and {MOST_BRANCHES}, found {self.max_branches}"
            )
        if not self.min_speedup >= 1:
            raise ValueError(f"min_speedup is at least 1, found {self.min_speedup}")
        if self.waits not in get_args(Waits):
            raise ValueError(f"waits is one of {', '.join(get_args(Waits))}, found {self.waits!r}")
        if self.max_topic_words < 1 or self.max_topic_tokens < 1:
            raise ValueError("a topic has at least one word and one token: max_topic_words, max_topic_tokens")
