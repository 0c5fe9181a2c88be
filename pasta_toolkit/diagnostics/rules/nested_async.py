"""An async block inside an async block."""

from pasta_toolkit.diagnostics.diagnostic import Diagnostic, Safety, Severity
from pasta_toolkit.diagnostics.edits import labels, removals, unsafe_fix
from pasta_toolkit.diagnostics.outline import Outline
from pasta_toolkit.diagnostics.rule import StructureRule
from pasta_toolkit.diagnostics.structure import Fault

__all__ = ["RULE"]

MESSAGE = "an async block stands inside another; close the outer one before it or remove the inner tags"


def _report(outline: Outline, fault: Fault) -> Diagnostic:
    fix = unsafe_fix("remove the inner tags, keep the text", *removals(outline, fault))
    outer = labels(outline, fault.others, "the outer block")
    return RULE.diagnostic(MESSAGE, outline.tag_span(fault.at), labels=outer, fix=fix)


RULE = StructureRule(
    code="PA205",
    name="nested-async",
    severity=Severity.ERROR,
    summary="An async block stands inside another.",
    why="Version 1 of the language has no nesting: a branch is decoded by one thread and spawns none of its own.",
    example=(
        '<promise topic="fox" tokens="10"/><async>A fox<async> and its den</async>.</async>\n'
        '<promise topic="owl" tokens="10"/><async>An owl.</async>\n'
        "<sync/>"
    ),
    good_example=(
        '<promise topic="fox" tokens="10"/><async>A fox and its den.</async>\n'
        '<promise topic="owl" tokens="10"/><async>An owl.</async>\n'
        "<sync/>"
    ),
    fix="Removes the inner tags and keeps the text between them.",
    fix_safety=(Safety.UNSAFE,),
    report=_report,
)
