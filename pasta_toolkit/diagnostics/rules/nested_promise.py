"""A promise inside an async block."""

from pasta_toolkit.diagnostics.diagnostic import Diagnostic, Safety, Severity
from pasta_toolkit.diagnostics.edits import labels, removal, unsafe_fix
from pasta_toolkit.diagnostics.outline import Outline
from pasta_toolkit.diagnostics.rule import StructureRule
from pasta_toolkit.diagnostics.structure import Fault
from pasta_toolkit.diagnostics.wording import shown

__all__ = ["RULE"]


def _report(outline: Outline, fault: Fault) -> Diagnostic:
    message = f"promise {shown(outline.topic(fault.at))} stands inside an async block; only the main thread promises"
    outer = labels(outline, fault.others, "the block that it stands in")
    fix = unsafe_fix("remove the promise", removal(outline, fault.at))
    return RULE.diagnostic(message, outline.tag_span(fault.at), labels=outer, fix=fix)


RULE = StructureRule(
    code="PA204",
    name="nested-promise",
    severity=Severity.ERROR,
    summary="A promise stands inside an async block.",
    why="Version 1 of the language has no nesting: a branch is decoded by one thread and spawns none of its own.",
    example=(
        '<promise topic="fox" tokens="20"/><async>A fox.<promise topic="den" tokens="10"/></async>\n'
        '<promise topic="owl" tokens="10"/><async>An owl.</async>\n'
        "<sync/>"
    ),
    good_example=(
        '<promise topic="fox" tokens="20"/><async>A fox and its den.</async>\n'
        '<promise topic="owl" tokens="10"/><async>An owl.</async>\n'
        "<sync/>"
    ),
    fix="Removes the promise; the text of a block of its own stays (PA205).",
    fix_safety=(Safety.UNSAFE,),
    report=_report,
)
