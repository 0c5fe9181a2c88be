"""Groups of one promise in a row: each branch is joined before the next begins."""

from collections.abc import Iterable, Iterator

from pasta_toolkit.diagnostics.diagnostic import Diagnostic, Severity
from pasta_toolkit.diagnostics.edits import labels
from pasta_toolkit.diagnostics.lonely import lonely_runs
from pasta_toolkit.diagnostics.outline import Outline
from pasta_toolkit.diagnostics.rule import LintRule
from pasta_toolkit.diagnostics.thresholds import Thresholds

__all__ = ["RULE"]

MOST_LABELS = 3


def _check(outline: Outline, thresholds: Thresholds) -> Iterable[Diagnostic]:
    return _in_a_row(outline, thresholds) if outline.structure.has_lonely_groups else ()


def _in_a_row(outline: Outline, thresholds: Thresholds) -> Iterator[Diagnostic]:
    for run in lonely_runs(outline, thresholds.min_overlap_words):
        if len(run) > 1:
            syncs = tuple(group.sync for group in run[: MOST_LABELS + 1] if group.sync is not None)
            message = (
                f"each of {len(run)} promises in a row is joined before the next is made; "
                "nothing is decoded in parallel, one sync behind the last would do"
            )
            places = (
                *labels(outline, run[0].promises, "the first of them"),
                *labels(outline, syncs[1:], "the next one is joined here"),
            )
            yield RULE.diagnostic(message, outline.tag_span(syncs[0]), labels=places)


RULE = LintRule(
    code="PA307",
    name="sync-behind-each-promise",
    severity=Severity.WARNING,
    summary="Each promise has a sync right behind it.",
    why=(
        "A sync waits for all outstanding branches. With one behind each promise every branch runs alone, so the "
        "answer is decoded one part after the other and pays for its tags on top. Make the promises first and sync "
        "once."
    ),
    example=(
        '<promise topic="fox" tokens="10"/><async>A fox.</async>\n'
        "<sync/>\n"
        '<promise topic="owl" tokens="10"/><async>An owl.</async>\n'
        "<sync/>"
    ),
    good_example=(
        '<promise topic="fox" tokens="10"/><async>A fox.</async>\n'
        '<promise topic="owl" tokens="10"/><async>An owl.</async>\n'
        "<sync/>"
    ),
    fix="None: keep the last sync alone where the parts do not depend on each other.",
    thresholds=("min_overlap_words",),
    check=_check,
)
