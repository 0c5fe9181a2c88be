"""Writes literal reserved tags so that they are text, and reads them back.

A literal `<sync/>` is written `&lt;sync/>`; a literal `&lt;sync/>` is written `&amp;lt;sync/>`, and so on. Every other
`&` and `<` stands for itself, so ordinary text is never touched.
"""

import re
from functools import cache

from grammar.definition import reserved_pattern

__all__ = ["escape", "unescape"]

AMPERSAND_ENTITY = "amp;"


@cache
def _literal() -> re.Pattern[str]:
    return re.compile(f"<(?={reserved_pattern()})|&(?=(?:amp;)*lt;{reserved_pattern()})")


@cache
def _escaped() -> re.Pattern[str]:
    return re.compile(f"&(?:amp;)*lt;(?={reserved_pattern()})")


def escape(text: str) -> str:
    """Return a spelling of `text` that contains no tag: `unescape(escape(text)) == text` for every string.

    >>> escape("a <sync/> b < c")
    'a &lt;sync/> b < c'
    """
    if "<" not in text and "&" not in text:
        return text
    return _literal().sub(lambda match: "&lt;" if match[0] == "<" else "&amp;", text)


def unescape(text: str) -> str:
    """Undo `escape`.

    >>> unescape("a &lt;sync/> &lt;b>")
    'a <sync/> &lt;b>'
    """
    if "&" not in text:
        return text
    return _escaped().sub(_shortened, text)


def _shortened(match: re.Match[str]) -> str:
    written = match[0]
    return "<" if written == "&lt;" else written.replace(AMPERSAND_ENTITY, "", 1)
