"""What each token id writes, as bytes. Knows neither files nor the grammar."""

import hashlib
import marshal
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import cached_property

from pasta_toolkit.mask.errors import VocabularyError

__all__ = ["Vocabulary"]

MARSHAL_VERSION = 2  # plain values one after the other, the same bytes in every version of Python


@dataclass(frozen=True, eq=False)
class Vocabulary:
    """The tokens of a model.

    `tokens[id]` is what the token writes; nothing for a control token and an id that no token has: never legal in a
    text. `ends` are the ids that end a stream. `num_logits` is the length of a row of logits, padding included.
    """

    tokens: tuple[bytes, ...] = field(repr=False)
    ends: tuple[int, ...]
    num_logits: int

    @classmethod
    def of(cls, tokens: Sequence[bytes | None], *, ends: Iterable[int], num_logits: int | None = None) -> "Vocabulary":
        """Check and freeze a list of tokens; ends write nothing, and an empty token is no token.

        Raises:
            VocabularyError: no end token, an end that is no id, fewer logits than tokens.
        """
        last = len(tokens)
        num_logits = last if num_logits is None else num_logits
        ending = tuple(sorted(set(ends)))
        if not ending:
            raise VocabularyError("the vocabulary has no end-of-sequence token: name its id or ids (ends, or --end)")
        if num_logits < last:
            raise VocabularyError(f"a row of {num_logits} logits is shorter than the vocabulary of {last} tokens")
        if not 0 <= ending[0] <= ending[-1] < num_logits:
            raise VocabularyError(f"the end tokens {ending} are not all ids: ids run from 0 to {num_logits - 1}")
        strange = next((token for token in tokens if token is not None and not isinstance(token, bytes)), None)
        if strange is not None:
            raise VocabularyError(f"a token is the bytes that it writes, or None; found {strange!r}")
        content = [*(token or b"" for token in tokens), *[b""] * (num_logits - last)]
        for end in ending:
            content[end] = b""
        return cls(tuple(content), ending, num_logits)

    @cached_property
    def digest(self) -> str:
        """A digest of everything that masks depend on."""
        content = hashlib.sha256(f"{self.num_logits};{self.ends};".encode())
        content.update(marshal.dumps(self.tokens, MARSHAL_VERSION))
        return content.hexdigest()

    def describe(self, token: int) -> str:
        """Name a token for a person."""
        if not 0 <= token < self.num_logits:
            return f"{token} (no id: ids run from 0 to {self.num_logits - 1})"
        if token in self.ends:
            return f"{token} (the end of the sequence)"
        content = self.tokens[token]
        return f"{token} (a control token or an unused id)" if not content else f"{token} {content!r}"
