"""An async block that no promise waits for."""

from pasta_toolkit.diagnostics.diagnostic import Diagnostic, Safety, Severity
from pasta_toolkit.diagnostics.edits import labels, removals, unsafe_fix
from pasta_toolkit.diagnostics.outline import Outline
from pasta_toolkit.diagnostics.rule import StructureRule
from pasta_toolkit.diagnostics.structure import Fault

__all__ = ["RULE"]

MESSAGE = "this async block has no promise; add a promise before it or remove the block's tags"


def _report(outline: Outline, fault: Fault) -> Diagnostic:
    fix = unsafe_fix("remove the block's tags, keep its text", *removals(outline, fault))
    nearest = labels(outline, fault.others, "this promise already has its block")
    return RULE.diagnostic(MESSAGE, outline.tag_span(fault.at), labels=nearest, fix=fix)


RULE = StructureRule(
    code="PA201",
    name="orphan-async-block",
    severity=Severity.ERROR,
    summary="An async block has no promise.",
    why=(
        "A block is decoded because a promise spawned it, and its content stands at the place of its promise. "
        "Without one there is no place where it could stand, and in training no prefix that it could have been "
        "decoded from. Blocks fulfil the promises outstanding since the last sync in order."
    ),
    example=(
        '<promise topic="fox" tokens="10"/><async>A fox.</async>\n'
        '<promise topic="hen" tokens="10"/><async>A hen.</async><async>They meet.</async>\n'
        "<sync/>"
    ),
    good_example=(
        '<promise topic="fox" tokens="10"/><async>A fox.</async>\n'
        '<promise topic="hen" tokens="10"/><async>A hen.</async>\n'
        "<sync/>\n"
        "They meet."
    ),
    fix="Removes the block's tags and keeps its content as text of the main thread.",
    fix_safety=(Safety.UNSAFE,),
    report=_report,
)
