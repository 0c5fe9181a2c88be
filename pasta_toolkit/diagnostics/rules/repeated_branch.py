"""Two branches of a group with the same content."""

from collections.abc import Iterable, Iterator

from pasta_toolkit.diagnostics.diagnostic import Diagnostic, Label, Severity
from pasta_toolkit.diagnostics.outline import Outline
from pasta_toolkit.diagnostics.rule import LintRule
from pasta_toolkit.diagnostics.thresholds import Thresholds

__all__ = ["RULE"]

SHORTEST_REPETITION = 20  # ours, characters: shorter branches may be the same by chance, such as "Yes."
MESSAGE = "this branch repeats an earlier one of its group word for word"


def _check(outline: Outline, thresholds: Thresholds) -> Iterable[Diagnostic]:
    del thresholds
    contents = outline.contents()
    return () if len(set(contents)) == len(contents) else _repeated(outline)


def _repeated(outline: Outline) -> Iterator[Diagnostic]:
    first_of: dict[tuple[int | None, str], int] = {}
    syncs = (group.sync for group in outline.structure.groups for _ in group.blocks)
    branches = zip(syncs, outline.structure.branches, outline.contents(), strict=True)
    for index, (sync, (_, block), content) in enumerate(branches):
        first = first_of.setdefault((sync, content), index)
        if first != index and len(content) >= SHORTEST_REPETITION:
            label = Label(outline.block_span(outline.structure.branches[first][1]), "the first one")
            yield RULE.diagnostic(MESSAGE, outline.block_span(block), labels=(label,))


RULE = LintRule(
    code="PA309",
    name="repeated-branch",
    severity=Severity.WARNING,
    summary="Two branches of a group have the same content.",
    why=(
        "Siblings do not see each other, so a model that is not told apart by the topics writes the same twice. In a "
        "data set it teaches just that. Branches of fewer than 20 characters are left alone."
    ),
    example=(
        '<promise topic="fox" tokens="10"/><async>A fox lives in a den.</async>\n'
        '<promise topic="owl" tokens="10"/><async>A fox lives in a den.</async>\n'
        "<sync/>"
    ),
    good_example=(
        '<promise topic="fox" tokens="10"/><async>A fox lives in a den.</async>\n'
        '<promise topic="owl" tokens="10"/><async>An owl lives in a tree.</async>\n'
        "<sync/>"
    ),
    fix="None: drop one of the two promises with its block.",
    check=_check,
)
