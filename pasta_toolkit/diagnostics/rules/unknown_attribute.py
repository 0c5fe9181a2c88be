"""An attribute that a tag does not have."""

from collections.abc import Iterator

from pasta_toolkit.diagnostics.diagnostic import Diagnostic, Safety, Severity
from pasta_toolkit.diagnostics.rule import TagRule
from pasta_toolkit.diagnostics.rules.stray_closing_tag import is_stray_closing_tag
from pasta_toolkit.diagnostics.spelling import ATTRIBUTES, TagReading, guess_fix, meant_attribute
from pasta_toolkit.diagnostics.wording import shown

__all__ = ["RULE"]


def _check(reading: TagReading) -> Iterator[Diagnostic]:
    tag = reading.tag
    if not tag.is_readable or tag.is_miscased or is_stray_closing_tag(tag):
        return
    known = ATTRIBUTES if tag.name == "promise" else ()
    unknown = [attribute for attribute in tag.attributes if attribute.name.lower() not in known]
    fix = guess_fix(reading) if unknown else None
    for attribute in unknown:
        message = f"{tag.name} has no attribute {shown(attribute.name)}; {_advice(tag.name, attribute.name)}"
        yield RULE.diagnostic(message, attribute.span, fix=fix)


def _advice(tag_name: str, name: str) -> str:
    if tag_name != "promise":
        return "it takes none"
    meant = meant_attribute(name)
    return f"did you mean '{meant}'?" if meant else "it has 'topic' and 'tokens'"


RULE = TagRule(
    code="PA103",
    name="unknown-attribute",
    severity=Severity.ERROR,
    summary="A tag has an attribute that the language does not know.",
    why=(
        "A promise has a topic and a number of tokens, the other tags have nothing. Any further attribute costs "
        "tokens in every answer, and no interpreter reads it."
    ),
    example=(
        '<promise topic="fox" tokens="10" id="1"/><async>A fox.</async>\n'
        '<promise topic="owl" tokens="10"/><async>An owl.</async>\n'
        "<sync/>"
    ),
    good_example=(
        '<promise topic="fox" tokens="10"/><async>A fox.</async>\n'
        '<promise topic="owl" tokens="10"/><async>An owl.</async>\n'
        "<sync/>"
    ),
    fix="Drops the attribute, or takes its value for the attribute that it resembles.",
    fix_safety=(Safety.UNSAFE,),
    check=_check,
)
