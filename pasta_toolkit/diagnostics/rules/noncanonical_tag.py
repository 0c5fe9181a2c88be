"""A well-formed tag that is not spelled in the one way the grammar accepts."""

from collections.abc import Iterator

from pasta_toolkit.diagnostics.diagnostic import Diagnostic, Safety, Severity
from pasta_toolkit.diagnostics.rule import TagRule
from pasta_toolkit.diagnostics.spelling import TagReading, as_written, respell_fix, respelled
from pasta_toolkit.diagnostics.wording import tag_shown

__all__ = ["RULE"]


def _check(reading: TagReading) -> Iterator[Diagnostic]:
    written, spelling = as_written(reading), respelled(reading)
    if spelling is None or written == reading.source or reading.tag.is_miscased:
        return
    message = f"{tag_shown(reading.source)} is not the canonical spelling; write {tag_shown(spelling)}"
    yield RULE.diagnostic(message, reading.tag.span, fix=respell_fix(reading))


RULE = TagRule(
    code="PA102",
    name="noncanonical-tag",
    severity=Severity.ERROR,
    summary="A well-formed tag is spelled differently: other order, other quotes, other spaces, no slash.",
    why=(
        "There is one spelling for each tag, so that a model has one sequence of tokens to learn, an interpreter can "
        "act on the last token of a tag, and positions can be reserved without parsing XML."
    ),
    example=(
        "<promise tokens='10' topic='fox'/><async>A fox.</async>\n"
        '<promise topic="owl" tokens="10"/><async>An owl.</async>\n'
        "<sync/>"
    ),
    good_example=(
        '<promise topic="fox" tokens="10"/><async>A fox.</async>\n'
        '<promise topic="owl" tokens="10"/><async>An owl.</async>\n'
        "<sync/>"
    ),
    fix="Writes the tag in the canonical spelling with the same values.",
    fix_safety=(Safety.SAFE,),
    check=_check,
)
