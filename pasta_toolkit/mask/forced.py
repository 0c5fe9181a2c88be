"""Which tokens an engine may append without asking the model. Knows a mask and `encode`, no stream's past.

Bytes may be forced while their tokens are not: after `topic="` the tokenizer may prefer a token that holds the quote
and what follows. Law: the tokens returned are a prefix of what the tokenizer writes for the forced bytes followed by
any legal continuation. Whatever follows, some token of that whole begins at or before the end of the forced bytes and
ends at or behind it. It begins where a legal token reaches beyond the forced bytes, or at their end. What stands before
it is written as it would be alone, because a byte-pair tokenizer's output up to one of its own borders depends on
nothing behind it. So only tokens that all these possible beginnings have in common are certain.
"""

from collections.abc import Callable, Iterator, Sequence
from itertools import takewhile
from typing import TYPE_CHECKING, TypeAlias

from pasta_toolkit.mask.automaton import DEAD

if TYPE_CHECKING:
    from pasta_toolkit.mask.token_mask import TokenMask

__all__ = ["Encode", "forced_tokens"]

Encode: TypeAlias = Callable[[str], Sequence[int]]


def forced_tokens(mask: "TokenMask", state: int, forced: bytes, *, encode: Encode, written: str = "") -> list[int]:
    """Return the tokens that begin every canonical continuation of `written`, at a state where `forced` is forced."""
    certain: list[int] | None = None
    for cut in _possible_borders(mask, state, forced):
        tokens = _encoded(mask, forced[:cut], encode, written)
        if certain is None:
            certain = tokens
        else:
            certain = [
                first for first, other in takewhile(lambda pair: pair[0] == pair[1], zip(certain, tokens, strict=False))
            ]
    return certain or []


def _possible_borders(mask: "TokenMask", state: int, forced: bytes) -> Iterator[int]:
    """Yield where a token may begin that ends at or behind the end of the forced bytes."""
    yield len(forced)
    for cut in range(len(forced)):
        rest = forced[cut:]
        at_cut = mask.automaton.walk(state, forced[:cut])
        if any(
            len(token) > len(rest) and mask.automaton.walk(at_cut, token) != DEAD
            for token in mask.tokens_beginning_with(rest)
        ):
            yield cut


def _encoded(mask: "TokenMask", content: bytes, encode: Encode, written: str) -> list[int]:
    """Encode bytes behind what is written; nothing where they have no tokens of their own."""
    try:
        text = content.decode("utf-8")
    except UnicodeDecodeError:
        return []
    before, whole = list(encode(written)) if written else [], list(encode(written + text))
    tokens = whole[len(before) :] if whole[: len(before)] == before else list(encode(text))
    is_faithful = b"".join(mask.vocabulary.tokens[token] for token in tokens) == content
    return tokens if is_faithful else []
