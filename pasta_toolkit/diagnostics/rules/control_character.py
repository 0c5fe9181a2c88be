"""NUL and other control characters."""

from collections.abc import Iterator

from grammar import Span
from pasta_toolkit.diagnostics.characters import CONTROL_CHARACTERS, CONTROLS
from pasta_toolkit.diagnostics.diagnostic import Diagnostic, Severity
from pasta_toolkit.diagnostics.rule import TextRule
from pasta_toolkit.diagnostics.wording import counted

__all__ = ["RULE"]


def _check(text: str) -> Iterator[Diagnostic]:
    first = CONTROL_CHARACTERS.search(text)
    if first is not None:
        number = counted(sum(map(text.count, CONTROLS)), "control character")
        name = "NUL" if first[0] == "\0" else f"U+{ord(first[0]):04X}"
        yield RULE.diagnostic(f"{number} in the text, the first one here: {name}", Span(*first.span()))


RULE = TextRule(
    code="PA403",
    name="control-character",
    severity=Severity.WARNING,
    summary="The text holds a NUL or another control character.",
    why=(
        "A control character other than tab, line feed and carriage return is a trace of broken data: binary input, "
        "a terminal's colours, a wrong decoding. Many programs cut a text at a NUL. Reported once a document."
    ),
    example=(
        '<promise topic="fox" tokens="10"/><async>A fox.\0</async>\n'
        '<promise topic="owl" tokens="10"/><async>An owl.</async>\n'
        "<sync/>"
    ),
    good_example=(
        '<promise topic="fox" tokens="10"/><async>A fox.</async>\n'
        '<promise topic="owl" tokens="10"/><async>An owl.</async>\n'
        "<sync/>"
    ),
    fix="None: a repair changes no text.",
    check=_check,
)
