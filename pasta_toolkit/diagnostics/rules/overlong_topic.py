"""A promise whose topic has more than 80 characters."""

from collections.abc import Iterator

from pasta_toolkit.diagnostics.diagnostic import Diagnostic, Safety, Severity
from pasta_toolkit.diagnostics.rule import TagRule
from pasta_toolkit.diagnostics.spelling import LONGEST_TOPIC, TagReading, guess_fix
from pasta_toolkit.diagnostics.topics import topic_of

__all__ = ["RULE"]


def _check(reading: TagReading) -> Iterator[Diagnostic]:
    topic = topic_of(reading)
    if topic is not None and len(topic.value) > LONGEST_TOPIC:
        message = f"the topic has {len(topic.value)} characters; {LONGEST_TOPIC} are the most, three words are best"
        yield RULE.diagnostic(message, topic.span, fix=guess_fix(reading))


RULE = TagRule(
    code="PA108",
    name="overlong-topic",
    severity=Severity.ERROR,
    summary="A promise's topic has more than 80 characters.",
    why=(
        "The main thread decodes every token of the topic before the branch can begin, so a long topic delays all "
        "that follows it. Three words are usually enough."
    ),
    example=(
        '<promise topic="the fox, its fur, its den, its cubs, its prey, its foes, its cunning and its place in '
        'fables" tokens="10"/><async>A fox.</async>\n'
        '<promise topic="owl" tokens="10"/><async>An owl.</async>\n'
        "<sync/>"
    ),
    good_example=(
        '<promise topic="fox" tokens="10"/><async>A fox.</async>\n'
        '<promise topic="owl" tokens="10"/><async>An owl.</async>\n'
        "<sync/>"
    ),
    fix="Cuts the topic at the end of a word.",
    fix_safety=(Safety.UNSAFE,),
    check=_check,
)
