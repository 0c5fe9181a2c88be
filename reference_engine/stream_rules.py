"""What a free thread may write, and what its tokens mean: a promise, a sync, its end. Knows no logits but as a row.

Two rules with one face: under the mask, where nothing ill-formed can be chosen, and without it, where text is taken as
it comes. Both refuse a token that no step could execute: one that closes a promise and begins another tag that the
scheduler must hear of, since the branch is to start between the two.
"""

import codecs
from collections.abc import Callable, Sequence
from copy import copy
from dataclasses import replace
from typing import NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from grammar import Promise
from pasta_toolkit.mask import ConstraintError, LimitedConstraint, Limits, TokenMask, Vocabulary
from reference_engine.tag_reader import TagReader

__all__ = ["BRANCH", "MAIN", "MaskedRule", "PlainRule", "StreamRule", "Taken"]

MAIN, BRANCH = "main", "branch"
PROMISE, SYNC, BRANCH_END = "PROMISE", "SYNC", "ASYNC_END"
Encode = Callable[[str], Sequence[int]]


class Taken(NamedTuple):
    """What a token that was taken has done: closed a promise, begun a sync for certain, ended the thread.

    An end token belongs to no answer.
    """

    promise: Promise | None = None
    begins_sync: bool = False
    ends: bool = False
    is_end_token: bool = False


END_TOKEN = Taken(ends=True, is_end_token=True)


class StreamRule(Protocol):
    """The rule of one thread."""

    @property
    def is_inside_sync(self) -> bool:
        """Whether the rest of a sync tag is still to come."""

    def forbid(self, logits: NDArray[np.float32]) -> None:
        """Set to minus infinity what may not come next."""

    def take(self, token: int) -> Taken | None:
        """Take a token; None, and nothing has changed, where it may not come next."""

    def forced(self) -> Sequence[int]:
        """Return the tokens that may follow without asking the model."""


class MaskedRule:
    """A stream under the mask. `most_tokens` may be taken, an end token not counted; by then it is complete."""

    def __init__(
        self, mask: TokenMask, limits: Limits, *, stream: str, most_tokens: int, encode: Encode | None = None
    ) -> None:
        self._stream = stream
        self._most_tokens = most_tokens
        self._encode = encode
        self._constraint = LimitedConstraint(mask, replace(limits, max_tokens=most_tokens + 1), stream=stream)
        self.is_inside_sync = False

    def forbid(self, logits: NDArray[np.float32]) -> None:
        """Apply the mask and its limits."""
        self._constraint.apply(logits)

    def take(self, token: int) -> Taken | None:
        """Take a legal token."""
        try:
            self._constraint.advance(token)
        except ConstraintError:
            return None
        if self._constraint.is_finished:
            return END_TOKEN
        promises, num_syncs = self._completed()
        if len(promises) + num_syncs > 1:
            self._constraint.rollback()
            return None
        self.is_inside_sync = self._constraint.inside == SYNC
        return Taken(promises[0] if promises else None, num_syncs > 0, self._ends())

    def forced(self) -> Sequence[int]:
        """Return what the mask leaves no choice about."""
        return [] if self._encode is None else self._constraint.forced_tokens(self._encode)

    def _completed(self) -> tuple[list[Promise], int]:
        """Return the promises that the newest token has closed, and how many syncs it is the first to show."""
        tags = self._constraint.completed
        num_syncs = sum(tag.terminal == SYNC for tag in tags) + (self._constraint.inside == SYNC) - self.is_inside_sync
        return [tag.promise for tag in tags if tag.promise is not None], num_syncs

    def _ends(self) -> bool:
        if not self._constraint.can_end:
            return False
        return self._stream == BRANCH or self._constraint.num_tokens >= self._most_tokens


class PlainRule:
    """A stream without a mask: canonical tags are recognised, everything else is text, sensible or not."""

    is_inside_sync = False  # a tag is known when it is complete, never before

    def __init__(self, vocabulary: Vocabulary, *, stream: str, most_tokens: int) -> None:
        self._vocabulary = vocabulary
        self._stream = stream
        self._left_tokens = most_tokens
        self._reader = TagReader()
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")

    def forbid(self, logits: NDArray[np.float32]) -> None:
        """Forbid nothing."""

    def take(self, token: int) -> Taken | None:
        """Take any token."""
        if token in self._vocabulary.ends:
            return END_TOKEN
        reader, decoder_state = copy(self._reader), self._decoder.getstate()
        content = self._vocabulary.tokens[token] if token < len(self._vocabulary.tokens) else b""
        taken = self._read(self._decoder.decode(content))
        if taken is None:
            self._reader = reader
            self._decoder.setstate(decoder_state)
        return taken

    def forced(self) -> Sequence[int]:
        """Return nothing: without a mask every token is the model's."""
        return ()

    def _read(self, text: str) -> Taken | None:
        pieces = self._reader.read(text)
        if self._stream == BRANCH:
            return self._counted(Taken(ends=any(piece.kind == BRANCH_END for piece in pieces)))
        promises = [piece.promise for piece in pieces if piece.kind == PROMISE]
        num_syncs = sum(piece.kind == SYNC for piece in pieces)
        if len(promises) + num_syncs > 1:
            return None
        return self._counted(Taken(promises[0] if promises else None, num_syncs > 0))

    def _counted(self, taken: Taken) -> Taken:
        self._left_tokens -= 1
        return taken if self._left_tokens > 0 else taken._replace(ends=True)
