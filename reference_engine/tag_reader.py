"""Cuts text that comes in pieces into texts and tags, and gives out each text as soon as it is final.

Knows neither tokens nor threads, nor whether the tags stand in an order that makes sense. What is final: text that no
continuation can turn into a tag, or into the escape of one.
"""

import re
from functools import cache
from typing import NamedTuple

from grammar import Promise, parse, reserved_pattern, terminal_patterns, unescape

__all__ = ["TEXT", "Piece", "TagReader"]

TEXT = "TEXT"
TAGS = ("PROMISE", "ASYNC", "ASYNC_END", "SYNC")
MOST_OPEN_CHARACTERS = 128  # a promise tag has at most 113; what is longer has become text
RESERVED_NAME = re.compile(r"<\W*?([a-z]+)")


class Piece(NamedTuple):
    """A text, unescaped, or a whole tag as it was written; `kind` is TEXT or the tag's name in the grammar."""

    kind: str
    content: str

    @property
    def promise(self) -> Promise | None:
        """The promise with its topic and tokens, None for anything else."""
        return parse(self.content, form="main").promises[0] if self.kind == "PROMISE" else None


class TagReader:
    """Reads one thread's text. Law: the texts that it gives, joined, are those of the whole text read at once."""

    def __init__(self) -> None:
        self._held = ""

    def read(self, text: str) -> list[Piece]:
        """Take more text, return what is certain by now."""
        self._held += text
        pieces = self._tags() if ">" in text else []
        tail = _undecided().search(self._held)
        pieces += self._text(len(self._held) if tail is None else tail.start())
        return pieces

    def finish(self) -> list[Piece]:
        """Return what was held back: nothing follows it any more."""
        return [*self._tags(), *self._text(len(self._held))]

    def _tags(self) -> list[Piece]:
        pieces: list[Piece] = []
        while tag := _tag().search(self._held):
            pieces += self._text(tag.start())
            pieces.append(Piece(tag.lastgroup or TEXT, tag[0]))
            self._held = self._held[len(tag[0]) :]
        return pieces

    def _text(self, end: int) -> list[Piece]:
        text, self._held = self._held[:end], self._held[end:]
        return [Piece(TEXT, unescape(text))] if text else []


@cache
def _tag() -> re.Pattern[str]:
    patterns = terminal_patterns()
    return re.compile("|".join(f"(?P<{name}>{patterns[name]})" for name in TAGS))


@cache
def _undecided() -> re.Pattern[str]:
    """Return the expression for an end of text that may still become a tag or an escape, or belongs to an open tag."""
    names = sorted({name for tag in TAGS for name in RESERVED_NAME.findall(terminal_patterns()[tag])})
    opening = "/?(?:" + "|".join(name[:length] for name in names for length in range(len(name) + 1)) + ")"
    open_tag = f"<(?={reserved_pattern()})[^<>]{{0,{MOST_OPEN_CHARACTERS}}}"
    return re.compile(rf"(?:{open_tag}|(?:<|&(?:amp;)*lt;){opening}|&(?:amp;)*(?:a|am|amp|l|lt)?)\Z")
