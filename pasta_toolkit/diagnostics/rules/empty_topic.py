"""A promise whose topic is empty."""

from collections.abc import Iterator

from pasta_toolkit.diagnostics.diagnostic import Diagnostic, Safety, Severity
from pasta_toolkit.diagnostics.rule import TagRule
from pasta_toolkit.diagnostics.spelling import TagReading, guess_fix
from pasta_toolkit.diagnostics.topics import topic_of

__all__ = ["RULE"]


def _check(reading: TagReading) -> Iterator[Diagnostic]:
    topic = topic_of(reading)
    if topic is not None and not topic.value:
        message = "the topic is empty; say in a few words what the branch is about"
        yield RULE.diagnostic(message, topic.span, fix=guess_fix(reading))


RULE = TagRule(
    code="PA107",
    name="empty-topic",
    severity=Severity.ERROR,
    summary="A promise's topic is empty.",
    why="A branch sees neither its siblings nor what the main thread writes later: the topic is all it has to go by.",
    example=(
        '<promise topic="" tokens="10"/><async>A fox.</async>\n'
        '<promise topic="owl" tokens="10"/><async>An owl.</async>\n'
        "<sync/>"
    ),
    good_example=(
        '<promise topic="fox" tokens="10"/><async>A fox.</async>\n'
        '<promise topic="owl" tokens="10"/><async>An owl.</async>\n'
        "<sync/>"
    ),
    fix="Numbers the topic: `part 1`.",
    fix_safety=(Safety.UNSAFE,),
    check=_check,
)
