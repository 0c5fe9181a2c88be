"""From the last hidden rows to logits in float32, with the weights' own type doing the work. Knows no layers before it.

A product in bfloat16 is rounded to 8 bits: logits around 20 fall on multiples of 1/8, and the largest is often tied.
What ties is computed once more in float32. Rounding keeps order, so no other logit can have been the largest.
"""

import math

import torch

from reference_engine.step.packed_linear import linear_of

__all__ = ["OutputLayer"]

SEGMENT = 128  # ours: logits whose maximum is taken first, so that what ties is looked for in a few of them only
MOST_TIES = 64  # a row, on average: beyond that the model tells nothing, and its ties are not worth their memory


class OutputLayer:
    """The layer from hidden rows to the vocabulary."""

    __slots__ = ("_cap", "_weight", "linear")

    def __init__(self, weight: torch.Tensor, *, softcap: float | None) -> None:
        self._weight = weight
        self.linear = linear_of(weight)
        self._cap = softcap

    def __call__(self, rows: torch.Tensor) -> torch.Tensor:
        """Return logits (rows, vocabulary) float32 for float32 rows (rows, hidden)."""
        logits = self.linear(rows.to(self._weight.dtype)).float()
        if self._weight.dtype != torch.float32:
            self._break_ties(logits, rows)
        return logits if self._cap is None else logits.div_(self._cap).tanh_().mul_(self._cap)

    def _break_ties(self, logits: torch.Tensor, rows: torch.Tensor) -> None:
        """Compute the largest logits of each row again where several are equal."""
        row, token = _largest(logits)
        if len(logits) < len(row) <= MOST_TIES * len(logits):
            logits[row, token] = (rows[row] * self._weight[token].float()).sum(dim=-1)


def _largest(logits: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Return the rows and the columns of all numbers (rows, columns) that equal the largest of their row."""
    size = math.gcd(logits.shape[1], SEGMENT)
    segments = logits.view(len(logits), logits.shape[1] // size, size)
    peaks = segments.amax(dim=-1)
    largest = peaks.amax(dim=-1, keepdim=True)
    row, segment = (peaks == largest).nonzero().unbind(1)
    which, place = (segments[row, segment] == largest[row]).nonzero().unbind(1)
    return row[which], segment[which] * size + place
