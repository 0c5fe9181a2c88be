"""Words that several messages share. Keeps every message short, whatever the document holds."""

from grammar import LooseTag

__all__ = ["CANONICAL_PROMISE", "canonical_form", "counted", "shown", "tag_shown", "visible"]

CANONICAL_PROMISE = '<promise topic="..." tokens="N"/>'
TOPIC_WIDTH = 40
TAG_WIDTH = 60


def shown(text: str, *, width: int = TOPIC_WIDTH) -> str:
    r"""Return a text for a message: on one line, in single quotes, cut to a width.

    >>> print(shown("risks\nand more", width=8))
    'risks\na...'
    """
    return f"'{_cut(text, width)}'"


def tag_shown(source: str) -> str:
    """Return a tag for a message: on one line, in backticks, cut to a width."""
    return f"`{_cut(source, TAG_WIDTH)}`"


def visible(text: str) -> str:
    r"""Write every character that cannot be printed as an escape.

    >>> print(visible("a\0b"))
    a\x00b
    """
    return text if text.isprintable() else "".join(c if c.isprintable() else repr(c)[1:-1] for c in text)


def _cut(text: str, width: int) -> str:
    return visible(text if len(text) <= width else f"{text[: width - 1]}...")


def counted(number: int, noun: str) -> str:
    """Return a number with its noun.

    >>> counted(1, "promise"), counted(2, "promise")
    ('1 promise', '2 promises')
    """
    return f"{number} {noun}{'' if number == 1 else 's'}"


def canonical_form(tag: LooseTag) -> str:
    """Return how a tag of this name is written."""
    if tag.name == "promise":
        return CANONICAL_PROMISE
    if tag.name == "sync":
        return "<sync/>"
    return "</async>" if tag.is_end else "<async>"
