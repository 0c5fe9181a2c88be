"""Places in a text: spans, lines and columns. Knows no syntax."""

import re
from bisect import bisect_right
from dataclasses import dataclass, field

__all__ = ["Position", "Source", "Span", "shown"]

CONTEXT_WIDTH = 76  # characters of a line that a caret context shows at the most
UNSHOWABLE = re.compile("[\x00-\x08\x0a-\x1f\x7f-\x9f\ud800-\udfff]")  # would steer a terminal or break an encoder


def shown(text: str) -> str:
    r"""Return a text that a terminal can show in one line, code point for code point.

    >>> shown("a\tb\x1b[2J")
    'a b\ufffd[2J'
    """
    return UNSHOWABLE.sub("\ufffd", text).replace("\t", " ")


@dataclass(frozen=True, slots=True, order=True)
class Span:
    """A half-open range of code points, `text[start:end]`."""

    start: int
    end: int

    def of(self, text: str) -> str:
        """Cut the span out of its text."""
        return text[self.start : self.end]


@dataclass(frozen=True, slots=True, order=True)
class Position:
    """A line and a column, both counted from 1; columns count code points. Lines end with a line feed."""

    line: int
    column: int


@dataclass(frozen=True)
class Source:
    """A text that can say on which line and in which column an offset lies."""

    text: str
    _line_starts: list[int] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        """Find the line starts once, so that each look-up is a bisection."""
        starts = [0]
        find = self.text.find
        newline = find("\n")
        while newline >= 0:
            starts.append(newline + 1)
            newline = find("\n", newline + 1)
        object.__setattr__(self, "_line_starts", starts)

    def position(self, offset: int) -> Position:
        r"""Turn a code-point offset into a line and a column.

        >>> Source("one\ntwo").position(5)
        Position(line=2, column=2)
        """
        line = bisect_right(self._line_starts, offset)
        return Position(line, offset - self._line_starts[line - 1] + 1)

    def line(self, number: int) -> str:
        """Return a line, counted from 1, without its line end."""
        start = self._line_starts[number - 1]
        end = self._line_starts[number] - 1 if number < len(self._line_starts) else len(self.text)
        return self.text[start:end].removesuffix("\r")

    def context(self, offset: int) -> str:
        """Show the line of an offset with a caret under it; a long line is cut around the caret."""
        position = self.position(offset)
        line = self.line(position.line)
        first = max(0, min(position.column - 1 - CONTEXT_WIDTH // 2, len(line) - CONTEXT_WIDTH))
        cut = line[first : first + CONTEXT_WIDTH]
        return f"{shown(cut)}\n{' ' * (position.column - 1 - first)}^"
