"""A promise that has an attribute twice."""

from collections.abc import Iterator

from pasta_toolkit.diagnostics.diagnostic import Diagnostic, Label, Safety, Severity
from pasta_toolkit.diagnostics.rule import TagRule
from pasta_toolkit.diagnostics.spelling import ATTRIBUTES, TagReading, guess_fix

__all__ = ["RULE"]


def _check(reading: TagReading) -> Iterator[Diagnostic]:
    tag = reading.tag
    if tag.name != "promise" or tag.is_end or not tag.is_readable or tag.is_miscased:
        return
    for name in ATTRIBUTES:
        attributes = reading.values(name)
        if len(attributes) < 2:  # noqa: PLR2004
            continue
        label, fix = Label(attributes[0].span, "the first one"), guess_fix(reading)
        message = f"attribute '{name}' is given again; a promise has one"
        for attribute in attributes[1:]:
            yield RULE.diagnostic(message, attribute.span, labels=(label,), fix=fix)


RULE = TagRule(
    code="PA105",
    name="repeated-attribute",
    severity=Severity.ERROR,
    summary="A promise has the same attribute twice.",
    why="Which of the two values holds is anyone's guess, and interpreters guess differently.",
    example=(
        '<promise topic="fox" tokens="10" tokens="20"/><async>A fox.</async>\n'
        '<promise topic="owl" tokens="10"/><async>An owl.</async>\n'
        "<sync/>"
    ),
    good_example=(
        '<promise topic="fox" tokens="10"/><async>A fox.</async>\n'
        '<promise topic="owl" tokens="10"/><async>An owl.</async>\n'
        "<sync/>"
    ),
    fix="Keeps the first value.",
    fix_safety=(Safety.UNSAFE,),
    check=_check,
)
