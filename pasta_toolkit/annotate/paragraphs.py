"""Reads what writers put into paragraphs without Markdown: titles, and lists whose items are bare lines."""

import re
from collections.abc import Sequence

__all__ = ["BOLD_LINE", "has_list_lines", "is_formula", "is_speech", "is_title_line", "is_verse"]

FEWEST_LIST_LINES = 3
FEWEST_VERSE_LINES = 3
LONGEST_VERSE_LINE = 64  # characters; a line of prose is wrapped later, if at all
LONGEST_TITLE = 60  # characters
LONGEST_LABEL = 40  # characters

BOLD_LINE = re.compile(r"(\*\*|__)(?=\S)(?:(?!\1).)+\1[ \t]*[:\uff1a]?[ \t]*")
# A line that ends like this is a sentence or leads to what follows, and is no title.
NO_TITLE_END = tuple(".!?,;:\u2026\u3002\uff01\uff1f\uff0c\uff1b\uff1a\u3001")

FORMULA_STARTS = ("$$", "\\[", "\\begin{")
FORMULA_ENDS = ("$$", "\\]", "}")
SPEECH = re.compile(r"[\"“«][^\"“”«»]+[,.!?…][\"”»]")

LABEL = re.compile(rf"(?:\*\*)?(\w[^:\uff1a\n]{{0,{LONGEST_LABEL - 1}}})[:\uff1a](?:\*\*)?(?:\s|$)")
# The ways in which bare lines can be items: numbers, bullets and emoji, bold words, steps, hash tags. All lines of a
# list are items in the same way.
ITEM_FORMS = (
    re.compile(r"\(?(?:\d{1,3}|[A-Za-z]|[ivx]{1,4})[.)]\s"),
    re.compile(
        r"[\u2022\u2023\u2013\u00b7\u2190-\u2bff\U0001f000-\U0001faff][\ufe0f\u200d\u2190-\u2bff\U0001f000-\U0001faff]*\s*\S"
    ),
    re.compile(r"\*\*[^*]+\*\*"),
    re.compile(r"(?:[Ss]tep|[Dd]ay|[Ww]eek|[Pp]art)\s+\d+\b"),
    re.compile(r"#\w+"),
)


def is_title_line(line: str) -> bool:
    """Say whether a line that stands alone reads like a title: short, and not ended like a sentence.

    >>> is_title_line("Day 273 since the storm"), is_title_line("Paris is large.")
    (True, False)
    """
    return 0 < len(line) <= LONGEST_TITLE and not line.endswith(NO_TITLE_END)


def is_verse(lines: Sequence[str]) -> bool:
    """Say whether a paragraph is broken into short lines, as a stanza or an address is."""
    return len(lines) >= FEWEST_VERSE_LINES and all(len(line) <= LONGEST_VERSE_LINE for line in lines)


def is_formula(lines: Sequence[str]) -> bool:
    r"""Say whether a paragraph is a displayed formula in TeX.

    >>> is_formula([r"\[ a + b \]"])
    True
    """
    return lines[0].lstrip().startswith(FORMULA_STARTS) and lines[-1].rstrip().endswith(FORMULA_ENDS)


def is_speech(paragraph: str) -> bool:
    """Say whether somebody speaks in a paragraph: a quotation that ends inside with the mark of a clause.

    >>> is_speech('"Come in," said the fox.'), is_speech('The "best" one.')
    (True, False)
    """
    return SPEECH.search(paragraph) is not None


def has_list_lines(lines: Sequence[str]) -> bool:
    """Say whether the lines of a paragraph, the first perhaps excepted, are items of a list without Markdown.

    >>> has_list_lines(["Name: Ada", "Born: 1815", "Died: 1852"])
    True
    """
    if len(lines) < FEWEST_LIST_LINES:
        return False
    items = [line.lstrip() for line in lines[1:]]
    return any(all(map(form.match, items)) for form in ITEM_FORMS) or _has_distinct_labels(items)


def _has_distinct_labels(items: Sequence[str]) -> bool:
    """Speakers of a dialogue are labels too, but they come again."""
    labels = [match[1] for match in map(LABEL.match, items) if match]
    return len(labels) == len(items) == len(set(labels))
