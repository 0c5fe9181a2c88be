"""A group of one promise beside which nothing else is decoded."""

from collections.abc import Iterable, Iterator

from pasta_toolkit.diagnostics.diagnostic import Diagnostic, Severity
from pasta_toolkit.diagnostics.lonely import lonely_runs
from pasta_toolkit.diagnostics.outline import Outline
from pasta_toolkit.diagnostics.rule import LintRule
from pasta_toolkit.diagnostics.thresholds import Thresholds
from pasta_toolkit.diagnostics.wording import shown

__all__ = ["RULE"]


def _check(outline: Outline, thresholds: Thresholds) -> Iterable[Diagnostic]:
    return _lonely(outline, thresholds) if outline.structure.has_lonely_groups else ()


def _lonely(outline: Outline, thresholds: Thresholds) -> Iterator[Diagnostic]:
    for run in lonely_runs(outline, thresholds.min_overlap_words):
        if len(run) == 1:
            promise = run[0].promises[0]
            message = (
                f"promise {shown(outline.topic(promise))} is alone in its group and the main thread writes next to "
                "nothing meanwhile; nothing is decoded in parallel"
            )
            yield RULE.diagnostic(message, outline.tag_span(promise))


RULE = LintRule(
    code="PA302",
    name="lonely-promise",
    severity=Severity.WARNING,
    summary="A group has one promise, and nothing is decoded beside its branch.",
    why=(
        "One branch with nothing beside it takes as long as plain text, and its tags come on top. A third of a "
        "trained model's plans are of this kind. A group of one does pay where the main thread goes on writing "
        "before the sync."
    ),
    example=('Hear this. <promise topic="fox" tokens="10"/><async>A fox.</async>\n<sync/> And an owl.'),
    good_example="Hear this. A fox. And an owl.",
    fix="None: write the text plainly, or make more promises before the sync.",
    thresholds=("min_overlap_words",),
    check=_check,
)
