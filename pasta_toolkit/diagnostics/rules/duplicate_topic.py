"""Two promises of a group with the same topic."""

from collections.abc import Iterable, Iterator
from itertools import chain

from pasta_toolkit.diagnostics.diagnostic import Diagnostic, Label, Severity
from pasta_toolkit.diagnostics.outline import TOPIC, Outline
from pasta_toolkit.diagnostics.rule import LintRule
from pasta_toolkit.diagnostics.structure import TagGroup
from pasta_toolkit.diagnostics.thresholds import Thresholds
from pasta_toolkit.diagnostics.wording import shown

__all__ = ["RULE"]


def _check(outline: Outline, thresholds: Thresholds) -> Iterable[Diagnostic]:
    del thresholds
    promises = outline.promises()
    if len({promise[TOPIC].casefold() for promise in promises}) == len(promises):
        return ()
    return chain.from_iterable(_repeated(outline, group) for group in outline.structure.groups)


def _repeated(outline: Outline, group: TagGroup) -> Iterator[Diagnostic]:
    first_of: dict[str, int] = {}
    for promise in group.promises:
        first = first_of.setdefault(outline.topic(promise).casefold(), promise)
        if first != promise:
            label = Label(outline.tag_span(first), "the first one")
            message = f"topic {shown(outline.topic(promise))} occurs again in this group; give each branch its own"
            yield RULE.diagnostic(message, outline.tag_span(promise), labels=(label,))


RULE = LintRule(
    code="PA301",
    name="duplicate-topic",
    severity=Severity.WARNING,
    summary="Two promises of a group have the same topic.",
    why=(
        "Siblings do not see each other: two branches with one topic write the same twice, at full cost. It is also "
        "how a looping model shows itself first. Upper and lower case count as the same."
    ),
    example=(
        '<promise topic="fox" tokens="10"/><async>A fox.</async>\n'
        '<promise topic="Fox" tokens="10"/><async>An owl.</async>\n'
        "<sync/>"
    ),
    good_example=(
        '<promise topic="fox" tokens="10"/><async>A fox.</async>\n'
        '<promise topic="owl" tokens="10"/><async>An owl.</async>\n'
        "<sync/>"
    ),
    fix="None: give each branch a topic of its own, or drop the repetition.",
    check=_check,
)
