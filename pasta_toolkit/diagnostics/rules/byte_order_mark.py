"""A byte order mark, at the start of the text or inside it."""

from collections.abc import Iterator

from grammar import Span
from pasta_toolkit.diagnostics.characters import BYTE_ORDER_MARK
from pasta_toolkit.diagnostics.diagnostic import Diagnostic, Severity
from pasta_toolkit.diagnostics.rule import TextRule

__all__ = ["RULE"]


def _check(text: str) -> Iterator[Diagnostic]:
    place = text.find(BYTE_ORDER_MARK)
    if place >= 0:
        where = "at the start of the text" if place == 0 else "inside the text, where files were put together"
        yield RULE.diagnostic(f"a byte order mark (U+FEFF) stands {where}", Span(place, place + 1))


RULE = TextRule(
    code="PA404",
    name="byte-order-mark",
    severity=Severity.WARNING,
    summary="The text holds a byte order mark.",
    why=(
        "In UTF-8 the mark says nothing, and it is no part of the answer; but it is a character, so it becomes "
        "tokens. Reported once a document."
    ),
    example=(
        '\ufeff<promise topic="fox" tokens="10"/><async>A fox.</async>\n'
        '<promise topic="owl" tokens="10"/><async>An owl.</async>\n'
        "<sync/>"
    ),
    good_example=(
        '<promise topic="fox" tokens="10"/><async>A fox.</async>\n'
        '<promise topic="owl" tokens="10"/><async>An owl.</async>\n'
        "<sync/>"
    ),
    fix="None: a repair changes no text. Save the file without the mark.",
    check=_check,
)
