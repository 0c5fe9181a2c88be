"""Cuts the piece of a line around a place and draws marks under it. Knows no diagnostics and no colours."""

import unicodedata
from dataclasses import dataclass

from grammar import Source, Span

__all__ = ["Snippet", "display_width", "printable", "snippet_at"]

COLUMNS_BEFORE = 32  # columns of a long line shown before the place, and in all: a terminal has 80 to 120
COLUMNS_SHOWN = 100
TAB = "    "
CUT_MARK = "…"
# Characters that a terminal would obey instead of showing: controls, marks of direction, separators of lines.
OBEYED_CATEGORIES = frozenset({"Cc", "Cs", "Zl", "Zp"})
DIRECTION_MARKS = frozenset("\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
ZERO_WIDTH_CATEGORIES = frozenset({"Mn", "Me", "Cf"})
WIDE = frozenset({"W", "F"})  # East Asian wide and full-width (Unicode Standard Annex 11)
CONTROL_PICTURES = 0x2400
NUM_C0_CONTROLS = 0x20
DELETE = 0x7F
DELETE_PICTURE = "\u2421"


@dataclass(frozen=True, slots=True)
class Snippet:
    """A piece of line `line_number` as it is shown, and what it covers of the text."""

    line_number: int
    span: Span
    shown: str
    starts_late: bool
    characters: str

    def marks(self, span: Span, mark: str) -> tuple[str, str]:
        """Return the indent and the marks under the part of `span` that is shown, at least one mark."""
        start = min(max(span.start, self.span.start), self.span.end) - self.span.start
        end = min(max(span.end, self.span.start), self.span.end) - self.span.start
        indent = (len(CUT_MARK) if self.starts_late else 0) + display_width(self.characters[:start])
        return " " * indent, mark * max(1, display_width(self.characters[start:end]))

    def shows(self, offset: int) -> bool:
        """Say whether a place lies in the piece or right behind it."""
        return self.span.start <= offset <= self.span.end


def snippet_at(source: Source, offset: int) -> Snippet:
    """Cut out the line of an offset, around the offset if the line is long; the work does not grow with the line."""
    text, position = source.text, source.position(offset)
    line_start = offset - position.column + 1
    start = line_start if _fits(text, line_start) else _start_before(text, line_start, offset)
    end, is_cut = _end_after(text, start)
    characters = text[start:end]
    shown = f"{CUT_MARK if start > line_start else ''}{printable(characters)}{CUT_MARK if is_cut else ''}"
    return Snippet(position.line, Span(start, end), shown, start > line_start, characters)


def _fits(text: str, line_start: int) -> bool:
    return not _end_after(text, line_start)[1]


def _start_before(text: str, line_start: int, offset: int) -> int:
    """Go back from the place as far as the columns before it allow."""
    start, num_columns = offset, 0
    while start > line_start:
        num_columns += display_width(text[start - 1])
        if num_columns > COLUMNS_BEFORE:
            break
        start -= 1
    return start


def _end_after(text: str, start: int) -> tuple[int, bool]:
    """Return where the shown piece ends, and whether the line goes on behind it."""
    newline = text.find("\n", start, start + COLUMNS_SHOWN + 2)
    line_end = newline if newline >= 0 else len(text)
    if newline > start and text[newline - 1] == "\r":
        line_end -= 1
    end, num_columns = start, 0
    while end < line_end:
        num_columns += display_width(text[end])
        if num_columns > COLUMNS_SHOWN:
            return end, True
        end += 1
    return end, False


def printable(text: str) -> str:
    """Return text as a terminal can show it on one line: controls as pictures, marks of direction as U+FFFD."""
    return text if text.isascii() and text.isprintable() else "".join(map(_shown, text))


def display_width(text: str) -> int:
    """Return how many columns of a terminal the printable form of a text takes.

    >>> display_width("a中\u0301")
    3
    """
    return len(text) if text.isascii() and text.isprintable() else sum(map(_width, printable(text)))


def _shown(character: str) -> str:
    if character == "\t":
        return TAB
    code_point = ord(character)
    if code_point < NUM_C0_CONTROLS:
        return chr(CONTROL_PICTURES + code_point)
    if code_point == DELETE:
        return DELETE_PICTURE
    is_obeyed = character in DIRECTION_MARKS or unicodedata.category(character) in OBEYED_CATEGORIES
    return "\ufffd" if is_obeyed else character


def _width(character: str) -> int:
    if unicodedata.category(character) in ZERO_WIDTH_CATEGORIES:
        return 0
    return 2 if unicodedata.east_asian_width(character) in WIDE else 1
