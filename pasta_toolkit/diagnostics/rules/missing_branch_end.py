"""A branch without `</async>`."""

from grammar import Span
from pasta_toolkit.diagnostics.diagnostic import Diagnostic, Edit, Safety, Severity
from pasta_toolkit.diagnostics.edits import unsafe_fix
from pasta_toolkit.diagnostics.outline import Outline
from pasta_toolkit.diagnostics.rule import StructureRule
from pasta_toolkit.diagnostics.structure import Fault

__all__ = ["RULE"]

MESSAGE = "the branch has no `</async>` at its end; write it where the branch ends"


def _report(outline: Outline, fault: Fault) -> Diagnostic:
    del fault  # there is only one place for it
    end = Span(len(outline.text), len(outline.text))
    return RULE.diagnostic(MESSAGE, end, fix=unsafe_fix("end the branch", Edit(end, "</async>")))


RULE = StructureRule(
    code="PA213",
    name="missing-branch-end",
    severity=Severity.ERROR,
    summary="A branch has no `</async>`.",
    why="The end tag is how a branch says that it is done; without it the branch was cut off.",
    example="A fox lives here.",
    good_example="A fox lives here.</async>",
    fix="Adds `</async>` at the end of the text.",
    fix_safety=(Safety.UNSAFE,),
    form="branch",
    report=_report,
)
