"""A sync inside an async block."""

from pasta_toolkit.diagnostics.diagnostic import Diagnostic, Safety, Severity
from pasta_toolkit.diagnostics.edits import labels, removal, unsafe_fix
from pasta_toolkit.diagnostics.outline import Outline
from pasta_toolkit.diagnostics.rule import StructureRule
from pasta_toolkit.diagnostics.structure import Fault

__all__ = ["RULE"]

MESSAGE = "a sync stands inside an async block; only the main thread waits for branches"


def _report(outline: Outline, fault: Fault) -> Diagnostic:
    outer = labels(outline, fault.others, "the block that it stands in")
    fix = unsafe_fix("remove the sync", removal(outline, fault.at))
    return RULE.diagnostic(MESSAGE, outline.tag_span(fault.at), labels=outer, fix=fix)


RULE = StructureRule(
    code="PA206",
    name="nested-sync",
    severity=Severity.ERROR,
    summary="A sync stands inside an async block.",
    why="A branch never sees its siblings, so it has nothing to wait for. The main thread alone joins branches.",
    example=(
        '<promise topic="fox" tokens="10"/><async>A fox.<sync/></async>\n'
        '<promise topic="owl" tokens="10"/><async>An owl.</async>\n'
        "<sync/>"
    ),
    good_example=(
        '<promise topic="fox" tokens="10"/><async>A fox.</async>\n'
        '<promise topic="owl" tokens="10"/><async>An owl.</async>\n'
        "<sync/>"
    ),
    fix="Removes the sync.",
    fix_safety=(Safety.UNSAFE,),
    report=_report,
)
