"""A branch without content."""

from collections.abc import Iterable, Iterator

from pasta_toolkit.diagnostics.diagnostic import Diagnostic, Label, Severity
from pasta_toolkit.diagnostics.outline import Outline
from pasta_toolkit.diagnostics.rule import LintRule
from pasta_toolkit.diagnostics.thresholds import Thresholds
from pasta_toolkit.diagnostics.wording import shown

__all__ = ["RULE"]


def _check(outline: Outline, thresholds: Thresholds) -> Iterable[Diagnostic]:
    del thresholds
    contents = outline.contents()
    return () if all(contents) and not any(map(str.isspace, contents)) else _empty(outline)


def _empty(outline: Outline) -> Iterator[Diagnostic]:
    for (promise, block), content in zip(outline.structure.branches, outline.contents(), strict=True):
        if not content or content.isspace():
            message = f"the branch of promise {shown(outline.topic(promise))} is empty; fill it or remove the promise"
            label = Label(outline.tag_span(promise), "the promise that it fulfils")
            yield RULE.diagnostic(message, outline.block_span(block), labels=(label,))


RULE = LintRule(
    code="PA308",
    name="empty-branch",
    severity=Severity.WARNING,
    summary="An async block has no content.",
    why=(
        "The promise, its block and the thread behind them cost as much as for any branch, and the answer gains "
        "nothing."
    ),
    example=(
        '<promise topic="fox" tokens="10"/><async>A fox.</async>\n'
        '<promise topic="owl" tokens="10"/><async></async>\n'
        "<sync/>"
    ),
    good_example=(
        '<promise topic="fox" tokens="10"/><async>A fox.</async>\n'
        '<promise topic="owl" tokens="10"/><async>An owl.</async>\n'
        "<sync/>"
    ),
    fix="None: fill the block, or remove it with its promise.",
    check=_check,
)
