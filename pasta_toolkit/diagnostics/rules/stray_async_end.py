"""An `</async>` without an `<async>`."""

from pasta_toolkit.diagnostics.diagnostic import Diagnostic, Safety, Severity
from pasta_toolkit.diagnostics.edits import insertion, labels, removal, unsafe_fix
from pasta_toolkit.diagnostics.outline import Outline
from pasta_toolkit.diagnostics.rule import StructureRule
from pasta_toolkit.diagnostics.structure import Fault

__all__ = ["RULE"]

UNOPENED = "this `</async>` has no `<async>`, and a promise waits for a block; write `<async>` where the block begins"
NEEDLESS = "this `</async>` has no `<async>`; remove it"


def _report(outline: Outline, fault: Fault) -> Diagnostic:
    span = outline.tag_span(fault.at)
    if fault.boundary is not None:
        fix = unsafe_fix("open the block behind the previous tag", insertion(outline, fault.boundary, "<async>"))
        return RULE.diagnostic(UNOPENED, span, fix=fix)
    fix = unsafe_fix("remove the tag", removal(outline, fault.at))
    return RULE.diagnostic(NEEDLESS, span, labels=labels(outline, fault.others, "the block ends here already"), fix=fix)


RULE = StructureRule(
    code="PA208",
    name="stray-async-end",
    severity=Severity.ERROR,
    summary="An `</async>` has no `<async>`.",
    why="An end tag ends the branch that decodes it. On the main thread there is no branch to end.",
    example=(
        '<promise topic="fox" tokens="10"/><async>A fox.</async></async>\n'
        '<promise topic="owl" tokens="10"/><async>An owl.</async>\n'
        "<sync/>"
    ),
    good_example=(
        '<promise topic="fox" tokens="10"/><async>A fox.</async>\n'
        '<promise topic="owl" tokens="10"/><async>An owl.</async>\n'
        "<sync/>"
    ),
    fix="Removes the tag; where a promise waits for a block, opens one behind the previous tag instead.",
    fix_safety=(Safety.UNSAFE,),
    report=_report,
)
