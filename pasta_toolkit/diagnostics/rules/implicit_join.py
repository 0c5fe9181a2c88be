"""A document that ends with branches outstanding."""

from grammar import Span
from pasta_toolkit.diagnostics.diagnostic import Diagnostic, Severity
from pasta_toolkit.diagnostics.outline import Outline
from pasta_toolkit.diagnostics.rule import LintRule
from pasta_toolkit.diagnostics.thresholds import Thresholds

__all__ = ["RULE"]

MESSAGE = "the document ends without a sync; its outstanding branches are joined at the end"


def _check(outline: Outline, thresholds: Thresholds) -> tuple[Diagnostic, ...]:
    del thresholds
    groups = outline.structure.groups
    if not groups or groups[-1].sync is not None:
        return ()
    end = len(outline.text)
    return (RULE.diagnostic(MESSAGE, Span(end, end)),)


RULE = LintRule(
    code="PA401",
    name="implicit-join",
    severity=Severity.NOTE,
    summary="The document ends without a sync for its last group.",
    why=(
        "An end without sync is legal: the branches are joined where the document ends. Four in ten plans of a "
        "trained model end so. A sync at the very end would only cost its tokens."
    ),
    example=(
        '<promise topic="fox" tokens="10"/><async>A fox.</async>\n'
        '<promise topic="owl" tokens="10"/><async>An owl.</async>'
    ),
    good_example=(
        '<promise topic="fox" tokens="10"/><async>A fox.</async>\n'
        '<promise topic="owl" tokens="10"/><async>An owl.</async>\n'
        "<sync/>\n"
        "They meet."
    ),
    fix="None is needed.",
    check=_check,
)
