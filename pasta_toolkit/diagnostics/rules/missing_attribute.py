"""A promise without a topic or without a number of tokens."""

from collections.abc import Iterator

from pasta_toolkit.diagnostics.diagnostic import Diagnostic, Safety, Severity
from pasta_toolkit.diagnostics.rule import TagRule
from pasta_toolkit.diagnostics.spelling import ATTRIBUTES, TagReading, guess_fix
from pasta_toolkit.diagnostics.wording import CANONICAL_PROMISE, tag_shown

__all__ = ["RULE"]


def _check(reading: TagReading) -> Iterator[Diagnostic]:
    tag = reading.tag
    if tag.name != "promise" or tag.is_end or not tag.is_readable or tag.is_miscased:
        return
    for name in ATTRIBUTES:
        if not reading.values(name):
            message = f"{tag_shown(reading.source)} has no attribute '{name}'; write `{CANONICAL_PROMISE}`"
            yield RULE.diagnostic(message, tag.span, fix=guess_fix(reading))


RULE = TagRule(
    code="PA104",
    name="missing-attribute",
    severity=Severity.ERROR,
    summary="A promise has no topic or no number of tokens.",
    why=(
        "The topic tells the branch what to write about; it is all that sets it apart from its siblings. The number "
        "of tokens reserves the positions after which the main thread goes on."
    ),
    example=(
        '<promise topic="fox"/><async>A fox.</async>\n<promise topic="owl" tokens="10"/><async>An owl.</async>\n<sync/>'
    ),
    good_example=(
        '<promise topic="fox" tokens="10"/><async>A fox.</async>\n'
        '<promise topic="owl" tokens="10"/><async>An owl.</async>\n'
        "<sync/>"
    ),
    fix="Estimates the number from the length of the block (words x 1.3), and numbers a promise without a topic.",
    fix_safety=(Safety.UNSAFE,),
    check=_check,
)
