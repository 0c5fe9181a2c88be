"""The mistakes of spec files, names and placements that a user can mend.

PastaError
+-- SpecError      a spec that is unknown, unreadable, wrong, or does not suit what is asked of it
"""

from collections.abc import Iterable
from difflib import get_close_matches

from grammar import PastaError

__all__ = ["SpecError", "did_you_mean"]

CLOSENESS = 0.5  # ours: catches swapped, missing and doubled letters, and the short names of long ones


class SpecError(PastaError):
    """Report a spec that is unknown, unreadable, wrong, or unsuitable for what is asked of it."""


def did_you_mean(word: str, candidates: Iterable[str]) -> str:
    """Return `; did you mean 'x'?` for the nearest candidate, or nothing when none is near.

    >>> did_you_mean("num_layer", ["num_layers", "hidden_size"])
    "; did you mean 'num_layers'?"
    """
    by_lower_case = {candidate.lower(): candidate for candidate in candidates}
    close = get_close_matches(word.lower(), by_lower_case, n=1, cutoff=CLOSENESS)
    return f"; did you mean {by_lower_case[close[0]]!r}?" if close else ""
