"""One set of legal tokens and the cheapest way to apply it to a row of logits. Knows no automaton."""

from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pasta_toolkit.mask.kernels import BITS, FILL, KEEP, apply_bits, apply_fill, apply_keep, best_of_bits, best_of_ids

__all__ = ["TokenSet"]


@dataclass(frozen=True, eq=False)
class TokenSet:
    """The tokens that may come next.

    `numbers` are the allowed ids (strategy KEEP) or the bounds of the forbidden ranges (FILL); `words` are the packed
    bits of FILL and BITS, bit `token % 32` of word `token // 32`.
    """

    num_logits: int
    strategy: int
    numbers: NDArray[np.int32] = field(repr=False)
    words: NDArray[np.uint32] | None = field(repr=False)
    on_device: dict[str, Any] = field(default_factory=dict, repr=False)  # copies that `torch_rows` keeps

    def __contains__(self, token: int) -> bool:
        """Say whether a token is legal."""
        if not 0 <= token < self.num_logits:
            return False
        if self.words is None:
            place = int(np.searchsorted(self.numbers, token))
            return place < len(self.numbers) and bool(self.numbers[place] == token)
        return bool(int(self.words[token >> 5]) >> (token & 31) & 1)

    def __len__(self) -> int:
        """Count the legal tokens."""
        return len(self.numbers) if self.strategy == KEEP else int(self.is_legal.sum())

    @cached_property
    def is_legal(self) -> NDArray[np.bool_]:
        """One truth value a logit."""
        if self.words is None:
            legal = np.zeros(self.num_logits, dtype=np.bool_)
            legal[self.numbers] = True
            return legal
        return np.unpackbits(self.words.view(np.uint8), bitorder="little")[: self.num_logits].astype(np.bool_)

    def ids(self) -> NDArray[np.int64]:
        """Return the legal ids in order."""
        return np.flatnonzero(self.is_legal)

    def apply(self, logits: Any) -> None:
        """Set the logits of all other tokens to minus infinity, in place: one row of numpy or torch, on any device.

        Raises:
            ValueError: the row is not as long as the vocabulary with its padding.
        """
        if type(logits) is not np.ndarray:
            from pasta_toolkit.mask.torch_rows import apply_set  # noqa: PLC0415

            apply_set(self, logits)
            return
        if logits.shape != (self.num_logits,):
            raise ValueError(f"a row of {self.num_logits} logits is needed, found the shape {logits.shape}")
        if self.strategy == FILL:
            apply_fill(logits, self.numbers)
        elif self.strategy == BITS:
            apply_bits(logits, self.words)
        else:
            apply_keep(logits, self.numbers)

    def best(self, logits: NDArray[Any]) -> int:
        """Return the legal token with the largest logit, the lowest id of equals; a narrow set reads its own alone.

        Raises:
            ValueError: no token is legal, as after the end.
        """
        if self.words is not None:
            return int(best_of_bits(logits, self.words))
        if not len(self.numbers):
            raise ValueError("no token is legal here: the stream has ended")
        return int(best_of_ids(logits, self.numbers))
