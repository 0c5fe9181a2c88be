"""Reads what writers put into paragraphs without Markdown: titles, and lists whose items are bare lines."""

import re
from collections.abc import Sequence

__all__ = ["BOLD_LINE", "has_list_lines", "is_title_line"]

FEWEST_LIST_LINES = 3
LONGEST_TITLE = 60  # characters
LONGEST_LABEL = 40  # characters

BOLD_LINE = re.compile(r"(\*\*|__)(?=\S)(?:(?!\1).)+\1[ \t]*[:：]?[ \t]*")
# A line that ends like this is a sentence or leads to what follows, and is no title.
NO_TITLE_END = tuple(".!?,;:…。！？，；：、")

LABEL = re.compile(rf"(?:\*\*)?(\w[^:：\n]{{0,{LONGEST_LABEL - 1}}})[:：](?:\*\*)?(?:\s|$)")
# The ways in which bare lines can be items: numbers, bullets and emoji, bold words, steps, hash tags. All lines of a
# list are items in the same way.
ITEM_FORMS = (
    re.compile(r"\(?(?:\d{1,3}|[A-Za-z]|[ivx]{1,4})[.)]\s"),
    re.compile(r"[\u2022\u2023\u2013\u00b7\u2190-\u2bff\U0001f000-\U0001faff][\ufe0f\u200d\u2190-\u2bff\U0001f000-\U0001faff]*\s*\S"),
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
