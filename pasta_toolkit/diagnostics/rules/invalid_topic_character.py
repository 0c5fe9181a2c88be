"""A promise whose topic holds a quote, an angle bracket or a control character."""

import re
from collections.abc import Iterator

from grammar import Span
from pasta_toolkit.diagnostics.diagnostic import Diagnostic, Safety, Severity
from pasta_toolkit.diagnostics.rule import TagRule
from pasta_toolkit.diagnostics.spelling import TagReading, guess_fix
from pasta_toolkit.diagnostics.topics import topic_of

__all__ = ["RULE"]

INVALID = re.compile('["<>\x00-\x1f\x7f-\x9f]')  # Source: TOPIC in grammar/pasta.lark; a test keeps the two equal


def _check(reading: TagReading) -> Iterator[Diagnostic]:
    topic = topic_of(reading)
    found = INVALID.search(topic.value) if topic is not None else None
    if topic is not None and found is not None:
        start = topic.value_span.start + found.start()
        message = f"{found[0]!r} may not stand in a topic; nor may any quote, angle bracket or control character"
        yield RULE.diagnostic(message, Span(start, start + 1), fix=guess_fix(reading))


RULE = TagRule(
    code="PA109",
    name="invalid-topic-character",
    severity=Severity.ERROR,
    summary="A promise's topic holds a double quote, an angle bracket or a control character.",
    why=(
        "The end of a tag must be plain from its characters alone, while it is being decoded: so a topic holds "
        "nothing that could end the attribute, open or close a tag, or break a line."
    ),
    example=(
        '<promise topic="fox > hen" tokens="10"/><async>A fox.</async>\n'
        '<promise topic="owl" tokens="10"/><async>An owl.</async>\n'
        "<sync/>"
    ),
    good_example=(
        '<promise topic="fox and hen" tokens="10"/><async>A fox.</async>\n'
        '<promise topic="owl" tokens="10"/><async>An owl.</async>\n'
        "<sync/>"
    ),
    fix="Writes single for double quotes and a space for the rest.",
    fix_safety=(Safety.UNSAFE,),
    check=_check,
)
