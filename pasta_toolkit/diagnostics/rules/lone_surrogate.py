"""Half of a surrogate pair: no character, and not encodable."""

from collections.abc import Iterator

from grammar import Span
from pasta_toolkit.diagnostics.characters import LONE_SURROGATES
from pasta_toolkit.diagnostics.diagnostic import Diagnostic, Severity
from pasta_toolkit.diagnostics.rule import TextRule

__all__ = ["RULE"]


def _check(text: str) -> Iterator[Diagnostic]:
    first = LONE_SURROGATES.search(text)
    if first is not None:
        message = (
            f"half of a surrogate pair, U+{ord(first[0]):04X}, is no character; the text cannot be written as UTF-8"
        )
        yield RULE.diagnostic(message, Span(*first.span()))


RULE = TextRule(
    code="PA405",
    name="lone-surrogate",
    severity=Severity.WARNING,
    summary="The text holds half of a surrogate pair.",
    why=(
        "JSON can write `\\ud83d` without its second half, which happens where a text was cut in the middle of an "
        "emoji. Such a text cannot be encoded, so most programs fail on it later. Reported once a document. A "
        "warning, since the grammar itself has nothing to say about characters of text."
    ),
    example=(
        '<promise topic="fox" tokens="10"/><async>A fox.\ud83d</async>\n'
        '<promise topic="owl" tokens="10"/><async>An owl.</async>\n'
        "<sync/>"
    ),
    good_example=(
        '<promise topic="fox" tokens="10"/><async>A fox.\U0001f98a</async>\n'
        '<promise topic="owl" tokens="10"/><async>An owl.</async>\n'
        "<sync/>"
    ),
    fix="None: a repair changes no text.",
    check=_check,
)
