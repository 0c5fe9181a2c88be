"""Where the lints draw their lines."""

from dataclasses import dataclass

__all__ = ["Thresholds"]


@dataclass(frozen=True, slots=True)
class Thresholds:
    """Where the lints draw their lines. In `[tool.pasta.thresholds]` each is written with hyphens.

    - `max_promises`: a document with more promises runs away. Source: ours; of 805 plans of a trained model nine in ten
      have at most 6 promises, and the two with more than a hundred are endless loops.
    - `max_tag_overhead`: the largest share of tags among all decoded tokens (estimated). Source: ours.
    - `min_tag_tokens`: below so many tag tokens the overhead is not worth a word.
    - `max_length_ratio`: how far a stated length may be from the estimated one, either way; at least 1. Source: ours;
      words x 1.3 is itself wrong by up to a factor of two for code and tables.
    - `min_length_error_tokens`: below so many tokens of difference a stated length is near enough.
    - `min_overlap_words`: a group of one promise pays if the main thread writes so many words meanwhile.
    """

    max_promises: int = 64
    max_tag_overhead: float = 0.4
    min_tag_tokens: int = 60
    max_length_ratio: float = 3.0
    min_length_error_tokens: int = 50
    min_overlap_words: int = 10
