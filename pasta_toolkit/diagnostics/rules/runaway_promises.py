"""A document with more promises than an answer can need."""

from collections.abc import Iterable, Iterator
from itertools import chain, islice

from pasta_toolkit.diagnostics.diagnostic import Diagnostic, Severity
from pasta_toolkit.diagnostics.outline import Outline
from pasta_toolkit.diagnostics.rule import LintRule
from pasta_toolkit.diagnostics.thresholds import Thresholds

__all__ = ["RULE"]

MOST_PROMISES = Thresholds().max_promises


def _check(outline: Outline, thresholds: Thresholds) -> Iterable[Diagnostic]:
    most = thresholds.max_promises
    return () if outline.structure.num_promises <= most else _beyond(outline, most)


def _beyond(outline: Outline, most: int) -> Iterator[Diagnostic]:
    promises = chain.from_iterable(group.promises for group in outline.structure.groups)
    for promise in islice(promises, most, most + 1):
        message = f"the document makes {outline.structure.num_promises} promises; more than {most} look like a loop"
        yield RULE.diagnostic(message, outline.tag_span(promise))


RULE = LintRule(
    code="PA305",
    name="runaway-promises",
    severity=Severity.WARNING,
    summary="A document makes so many promises that it looks like an endless loop.",
    why=(
        "Of 805 plans of a trained model, nine in ten have at most six promises; two have more than a hundred, and "
        "both are loops. Each promise is a thread to schedule and a share of the KV cache."
    ),
    example="".join(f'<promise topic="animal {number}" tokens="10"/>' for number in range(MOST_PROMISES + 1))
    + "They meet.<sync/>",
    good_example='<promise topic="animals" tokens="10"/><promise topic="plants" tokens="10"/>They meet.<sync/>',
    fix="None: cut the document where the loop begins.",
    thresholds=("max_promises",),
    form="main",
    check=_check,
)
