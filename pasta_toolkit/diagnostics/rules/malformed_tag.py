"""A tag that has no end, or that cannot be read."""

from collections.abc import Iterator

from pasta_toolkit.diagnostics.diagnostic import Diagnostic, Safety, Severity
from pasta_toolkit.diagnostics.rule import TagRule
from pasta_toolkit.diagnostics.rules.stray_closing_tag import is_stray_closing_tag
from pasta_toolkit.diagnostics.spelling import TagReading, guess_fix
from pasta_toolkit.diagnostics.wording import canonical_form, tag_shown

__all__ = ["RULE"]


def _check(reading: TagReading) -> Iterator[Diagnostic]:
    tag = reading.tag
    if tag.is_readable or is_stray_closing_tag(tag):
        return
    fault = "cannot be read" if tag.is_complete else "has no `>` at its end"
    message = f"{tag_shown(reading.source)} {fault}; write `{canonical_form(tag)}`, or `&lt;` for a `<` that is text"
    yield RULE.diagnostic(message, tag.span, fix=guess_fix(reading))


RULE = TagRule(
    code="PA101",
    name="malformed-tag",
    severity=Severity.ERROR,
    summary="A tag has no end, or what stands in it cannot be read.",
    why=(
        "A `<` that opens a reserved name is never text, so an interpreter that meets it waits for the rest of a tag "
        "that does not come. A quote that was not closed and a decode that was cut off are the usual causes."
    ),
    example=(
        '<promise topic="fox tokens="10"/><async>A fox.</async>\n'
        '<promise topic="owl" tokens="10"/><async>An owl.</async>\n'
        "<sync/>"
    ),
    good_example=(
        '<promise topic="fox" tokens="10"/><async>A fox.</async>\n'
        '<promise topic="owl" tokens="10"/><async>An owl.</async>\n'
        "<sync/>"
    ),
    fix="Completes the tag from what can be read of it; drops an unfinished promise that no block waits for.",
    fix_safety=(Safety.UNSAFE,),
    check=_check,
)
