"""Carriage returns, alone or before line feeds."""

from collections.abc import Iterator

from grammar import Span
from pasta_toolkit.diagnostics.diagnostic import Diagnostic, Severity
from pasta_toolkit.diagnostics.rule import TextRule
from pasta_toolkit.diagnostics.wording import counted

__all__ = ["RULE"]


def _check(text: str) -> Iterator[Diagnostic]:
    place = text.find("\r")
    if place >= 0:
        number = text.count("\r")
        message = (
            f"{counted(number, 'carriage return')} in the text, the first one here; lines end with a line feed alone"
        )
        yield RULE.diagnostic(message, Span(place, place + 1))


RULE = TextRule(
    code="PA402",
    name="carriage-return",
    severity=Severity.WARNING,
    summary="The text holds carriage returns, as files from Windows do.",
    why=(
        "Tokenizers have other tokens for `\\r\\n` than for `\\n`, so a model learns from such a document what it "
        "sees in no other. Reported once a document. Line numbers count line feeds."
    ),
    example=(
        '<promise topic="fox" tokens="10"/><async>A fox.\r\n'
        "</async>\n"
        '<promise topic="owl" tokens="10"/><async>An owl.\r\n'
        "</async>\n"
        "<sync/>"
    ),
    good_example=(
        '<promise topic="fox" tokens="10"/><async>A fox.\n'
        "</async>\n"
        '<promise topic="owl" tokens="10"/><async>An owl.\n'
        "</async>\n"
        "<sync/>"
    ),
    fix="None: a repair changes no text. Convert the file's line ends.",
    check=_check,
)
