"""The fast path: cuts a text at its tags and checks their order. Its patterns come from the Lark grammar.

The order of tags needs one counter, so it is checked on a string of one letter a tag: `p` promise, `a` async, `/` end
of async, `s` sync. Most documents share few such signatures, and a short signature is checked once.
"""

import re
from functools import cache, lru_cache
from operator import itemgetter

from grammar.definition import FORMS, reserved_pattern, terminal_patterns
from grammar.nodes import Form

__all__ = ["is_ordered", "is_valid", "scan", "signature", "split_at_tags"]

TAG_TERMINALS = ("PROMISE", "ASYNC", "ASYNC_END", "SYNC")
LONGEST_REMEMBERED_SIGNATURE = 256
SECOND_CHARACTER = itemgetter(1)


@cache
def _tags() -> re.Pattern[str]:
    canonical = "|".join(terminal_patterns()[name] for name in TAG_TERMINALS)
    return re.compile(f"({canonical}|<(?={reserved_pattern()}))")


def split_at_tags(text: str) -> list[str]:
    """Cut `text` into texts (even places) and canonical tags (odd places).

    A reserved opening that is no canonical tag stands as a bare `<` among the tags.

    >>> split_at_tags("a<sync/>b")
    ['a', '<sync/>', 'b']
    """
    return _tags().split(text)


def signature(parts: list[str]) -> str | None:
    """Return one letter a tag, or None where a bare `<` shows that some tag is not canonical."""
    try:
        return "".join(map(SECOND_CHARACTER, parts[1::2]))
    except IndexError:
        return None


def scan(text: str, *, form: Form = "response") -> list[str] | None:
    """Return the texts and tags of a valid document, as `split_at_tags` does, or None where Lark would refuse it."""
    parts = split_at_tags(text)
    letters = signature(parts)
    if letters is None or not is_ordered(letters, form) or (form == "branch" and parts[-1]):
        return None
    return parts


def is_valid(text: str, *, form: Form = "response") -> bool:
    """Say whether Lark would accept the text, about a hundred times faster."""
    return scan(text, form=form) is not None


def is_ordered(letters: str, form: Form) -> bool:
    """Say whether tags of a form may stand in this order.

    Raises:
        ValueError: there is no such form.
    """
    if len(letters) <= LONGEST_REMEMBERED_SIGNATURE:
        return _is_ordered_remembered(letters, form)
    return _is_ordered(letters, form)


def _is_ordered(letters: str, form: Form) -> bool:
    if form == "response":
        return _is_ordered_response(letters)
    if form == "main":
        return _is_ordered_main(letters)
    if form == "branch":
        return letters == "/"
    raise ValueError(f"unknown form {form!r}: one of {', '.join(FORMS)}")


@lru_cache(maxsize=4096)
def _is_ordered_remembered(letters: str, form: Form) -> bool:
    return _is_ordered(letters, form)


def _is_ordered_response(letters: str) -> bool:
    blocks_closed = letters.replace("a/", "b")
    if "a" in blocks_closed or "/" in blocks_closed:
        return False
    outstanding, promised = 0, False
    for letter in blocks_closed:
        if letter == "p":
            outstanding, promised = outstanding + 1, True
        elif letter == "b":
            outstanding -= 1
            if outstanding < 0:
                return False
        elif outstanding or not promised:
            return False
        else:
            promised = False
    return outstanding == 0


def _is_ordered_main(letters: str) -> bool:
    return "a" not in letters and "/" not in letters and not letters.startswith("s") and "ss" not in letters
