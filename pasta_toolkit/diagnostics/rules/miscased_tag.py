"""A tag whose name is not in lower case: to the grammar it is text."""

from collections.abc import Iterator

from pasta_toolkit.diagnostics.diagnostic import Diagnostic, Safety, Severity
from pasta_toolkit.diagnostics.rule import TagRule
from pasta_toolkit.diagnostics.spelling import TagReading, canonical_respelling, respell_fix
from pasta_toolkit.diagnostics.wording import tag_shown

__all__ = ["RULE"]


def _check(reading: TagReading) -> Iterator[Diagnostic]:
    tag = reading.tag
    spelling = canonical_respelling(reading) if tag.is_miscased else None
    if spelling is not None:
        message = f"{tag_shown(reading.source)} is text, not a tag; names are in lower case: {tag_shown(spelling)}"
        yield RULE.diagnostic(message, tag.span, fix=respell_fix(reading) if reading.fits else None)


RULE = TagRule(
    code="PA112",
    name="miscased-tag",
    severity=Severity.WARNING,
    summary="A tag's name is not in lower case, so the grammar takes it for text.",
    why=(
        "`<Sync/>` and `<ASYNC>` are ordinary text: nothing is decoded in parallel and the reader sees them. "
        "Reported only where the document has a promise, so that code with an `<Async>` of its own is left alone."
    ),
    example=(
        '<promise topic="fox" tokens="10"/><async>A fox.</async>\n'
        '<promise topic="owl" tokens="10"/><async>An owl.</async>\n'
        "<Sync/>\n"
        "They meet."
    ),
    good_example=(
        '<promise topic="fox" tokens="10"/><async>A fox.</async>\n'
        '<promise topic="owl" tokens="10"/><async>An owl.</async>\n'
        "<sync/>\n"
        "They meet."
    ),
    fix="Writes the tag in lower case, where the whole document is in order with all such tags taken for tags.",
    fix_safety=(Safety.UNSAFE,),
    check=_check,
)
