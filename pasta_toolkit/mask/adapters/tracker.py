"""Follows streams that an engine shows as growing lists of token ids. Knows no engine."""

from collections.abc import Sequence
from typing import Any

from pasta_toolkit.mask.constraint import Constraint
from pasta_toolkit.mask.limited import LimitedConstraint
from pasta_toolkit.mask.limits import Limits
from pasta_toolkit.mask.token_mask import TokenMask

__all__ = ["StreamTracker"]


class StreamTracker:
    """The constraint of one stream, brought up to date from the ids written so far.

    Engines that drop tokens (beams, speculative decoding) simply show a list that differs: the tracker takes back what
    they dropped.
    """

    def __init__(self, mask: TokenMask, *, stream: str = "main", limits: Limits | None = None) -> None:
        self.constraint: Constraint | LimitedConstraint = (
            mask.start(stream) if limits is None else LimitedConstraint(mask, limits, stream=stream)
        )
        self._taken: list[int] = []

    def update(self, written: Sequence[int]) -> Constraint | LimitedConstraint:
        """Bring the constraint to the state behind `written`; ids behind an end token are padding, and are not read.

        Raises:
            ConstraintError: a token that the mask forbids was written without asking it.
        """
        common = self._num_common(written)
        self.constraint.rollback(len(self._taken) - common)
        del self._taken[common:]
        for token in written[common:]:
            if self.constraint.is_finished:
                break
            self.constraint.advance(int(token))
            self._taken.append(int(token))
        return self.constraint

    def _num_common(self, written: Sequence[int]) -> int:
        """Count the ids that have been taken and are still there."""
        if list(written[: len(self._taken)]) == self._taken:
            return len(self._taken)
        for place, (old, new) in enumerate(zip(self._taken, written, strict=False)):
            if old != new:
                return place
        return min(len(self._taken), len(written))

    def apply(self, written: Sequence[int], logits: Any) -> None:
        """Forbid in a row of logits, in place, what may not follow `written`; an ended stream repeats its end."""
        constraint = self.update(written)
        if constraint.is_finished:
            end = constraint.mask.vocabulary.ends[0]
            logits[:] = float("-inf")
            logits[end] = 0.0
        else:
            constraint.apply(logits)
