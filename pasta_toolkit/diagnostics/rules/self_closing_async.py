"""An `<async/>`: an empty block, or a mistyped `</async>`."""

from collections.abc import Iterator

from pasta_toolkit.diagnostics.diagnostic import Diagnostic, Safety, Severity
from pasta_toolkit.diagnostics.rule import TagRule
from pasta_toolkit.diagnostics.spelling import TagReading, guess_fix, guessed_spelling
from pasta_toolkit.diagnostics.wording import tag_shown

__all__ = ["RULE"]


def _check(reading: TagReading) -> Iterator[Diagnostic]:
    tag = reading.tag
    if tag.name == "async" and tag.is_self_closing and not tag.is_end and not tag.is_miscased:
        message = (
            f"{tag_shown(reading.source)} neither starts nor ends a block; write `{guessed_spelling(reading)}` "
            "if that is what it stands for"
        )
        yield RULE.diagnostic(message, tag.span, fix=guess_fix(reading))


RULE = TagRule(
    code="PA111",
    name="self-closing-async",
    severity=Severity.ERROR,
    summary="An `<async/>` is neither the start nor the end of a block.",
    why=(
        "`<sync/>` has a slash and `<async>` has none, so models mix them up. Inside a block it is taken for "
        "`</async>`, elsewhere for a block without content."
    ),
    example=(
        '<promise topic="fox" tokens="10"/><async>A fox.<async/>\n'
        '<promise topic="owl" tokens="10"/><async>An owl.</async>\n'
        "<sync/>"
    ),
    good_example=(
        '<promise topic="fox" tokens="10"/><async>A fox.</async>\n'
        '<promise topic="owl" tokens="10"/><async>An owl.</async>\n'
        "<sync/>"
    ),
    fix="Writes `</async>` inside a block and `<async></async>` elsewhere.",
    fix_safety=(Safety.UNSAFE,),
    check=_check,
)
