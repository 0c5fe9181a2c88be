"""A `</promise>` or `</sync>`: tags that have no content have no end tag either."""

from collections.abc import Iterator

from grammar import LooseTag
from pasta_toolkit.diagnostics.diagnostic import Diagnostic, Safety, Severity
from pasta_toolkit.diagnostics.rule import TagRule
from pasta_toolkit.diagnostics.spelling import TagReading, guess_fix
from pasta_toolkit.diagnostics.wording import canonical_form, tag_shown

__all__ = ["RULE", "is_stray_closing_tag"]


def is_stray_closing_tag(tag: LooseTag) -> bool:
    """Say whether a tag is the end tag of something that has no content."""
    return tag.is_end and tag.name != "async"


def _check(reading: TagReading) -> Iterator[Diagnostic]:
    tag = reading.tag
    if is_stray_closing_tag(tag) and not tag.is_miscased:
        message = f"{tag_shown(reading.source)} ends nothing; a {tag.name} is written `{canonical_form(tag)}`"
        yield RULE.diagnostic(message, tag.span, fix=guess_fix(reading))


RULE = TagRule(
    code="PA110",
    name="stray-closing-tag",
    severity=Severity.ERROR,
    summary="A `</promise>` or `</sync>` stands somewhere, though these tags have no content.",
    why=(
        "A promise is a placeholder and a sync is a point: neither has a content that could end. What a promise "
        "stands for is written in its async block. (An end tag right behind its tag is a matter of spelling: PA102.)"
    ),
    example=(
        '<promise topic="fox" tokens="10"/><async>A fox.</async></promise>\n'
        '<promise topic="owl" tokens="10"/><async>An owl.</async>\n'
        "<sync/>"
    ),
    good_example=(
        '<promise topic="fox" tokens="10"/><async>A fox.</async>\n'
        '<promise topic="owl" tokens="10"/><async>An owl.</async>\n'
        "<sync/>"
    ),
    fix="Drops the tag.",
    fix_safety=(Safety.UNSAFE,),
    check=_check,
)
