"""What follows a decoded token: the seam between the executor and its modes, forced and free. Knows no slots."""

from collections.abc import Sequence
from typing import NamedTuple, Protocol

import torch

from pasta_toolkit.runtime import Progress

__all__ = ["Decoded", "Decoder"]


class Decoded(NamedTuple):
    """What a lane decoded: its progress, and the tokens that became known with it."""

    progress: Progress
    tokens: Sequence[int]


class Decoder(Protocol):
    """Decodes one request: says what its threads begin with, and what follows what they have fed."""

    @property
    def prompt(self) -> Sequence[int]:
        """The tokens that the main thread begins with."""

    def first_tokens(self, branch: int) -> Sequence[int]:
        """Return the tokens that are forced on a branch."""

    def decoded_threads(self) -> Sequence[Sequence[int]]:
        """Return the tokens that each thread has decoded so far, the main thread's first, forced ones included."""

    @property
    def agreement(self) -> float | None:
        """The share of decoded tokens that the model would have picked; None where it did pick them."""

    @property
    def response(self) -> str | None:
        """What has been written so far as one annotated response; None where a document was given."""

    def decode(self, thread: int, logits: torch.Tensor, *, pick: int) -> Decoded:
        """Return what a thread decodes next.

        `logits` is (vocabulary,) float32, in the engine's keeping; `pick` is the token with the largest of them.

        Raises:
            EngineError: the request cannot go on.
        """
