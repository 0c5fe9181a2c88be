"""A promise that no async block fulfils."""

from pasta_toolkit.diagnostics.diagnostic import Diagnostic, Safety, Severity
from pasta_toolkit.diagnostics.edits import insertion, labels, unsafe_fix
from pasta_toolkit.diagnostics.outline import Outline
from pasta_toolkit.diagnostics.rule import StructureRule
from pasta_toolkit.diagnostics.structure import Fault
from pasta_toolkit.diagnostics.wording import shown

__all__ = ["RULE"]

FIX_MESSAGE = "add an empty async block"


def _report(outline: Outline, fault: Fault) -> Diagnostic:
    topic = shown(outline.topic(fault.at))
    message = f"promise {topic} is never fulfilled; add an async block for it or remove the promise"
    fix = unsafe_fix(FIX_MESSAGE, insertion(outline, fault.boundary or 0, "<async></async>"))
    waiting = labels(outline, fault.others, f"this sync waits for {topic}")
    return RULE.diagnostic(message, outline.tag_span(fault.at), labels=waiting, fix=fix)


RULE = StructureRule(
    code="PA202",
    name="unfulfilled-promise",
    severity=Severity.ERROR,
    summary="A promise is never fulfilled.",
    why=(
        "In a finished response each promise has a block with what was promised. One without leaves a hole in the "
        "answer, and the sync waits for a branch that nobody decodes."
    ),
    example=('<promise topic="fox" tokens="10"/><async>A fox.</async>\n<promise topic="owl" tokens="10"/>\n<sync/>'),
    good_example=(
        '<promise topic="fox" tokens="10"/><async>A fox.</async>\n'
        '<promise topic="owl" tokens="10"/><async>An owl.</async>\n'
        "<sync/>"
    ),
    fix="Adds an empty async block; fill it, or remove both.",
    fix_safety=(Safety.UNSAFE,),
    report=_report,
)
