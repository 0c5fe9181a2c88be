"""An async block behind the sync that waits for it."""

from pasta_toolkit.diagnostics.diagnostic import Diagnostic, Label, Safety, Severity
from pasta_toolkit.diagnostics.edits import insertion, removal, unsafe_fix
from pasta_toolkit.diagnostics.outline import Outline
from pasta_toolkit.diagnostics.rule import StructureRule
from pasta_toolkit.diagnostics.structure import Fault
from pasta_toolkit.diagnostics.wording import shown

__all__ = ["RULE"]


def _report(outline: Outline, fault: Fault) -> Diagnostic:
    promise, sync = fault.others
    message = (
        f"this async block comes after the sync of its promise {shown(outline.topic(promise))}; "
        "write the block before the sync"
    )
    labels = (
        Label(outline.tag_span(promise), "the promise that it fulfils"),
        Label(outline.tag_span(sync), "the sync that has waited for it"),
    )
    edits = removal(outline, sync), insertion(outline, fault.boundary or 0, "<sync/>")
    fix = unsafe_fix("move the sync behind the block", *edits)
    return RULE.diagnostic(message, outline.tag_span(fault.at), labels=labels, fix=fix)


RULE = StructureRule(
    code="PA203",
    name="late-async-block",
    severity=Severity.ERROR,
    summary="An async block comes after the sync of its promise.",
    why=(
        "The main thread waits at a sync for all outstanding branches and sees their content from there on. A block "
        "behind the sync says that the main thread has read what was not yet written."
    ),
    example=(
        '<promise topic="fox" tokens="10"/><promise topic="owl" tokens="10"/>\n'
        "<sync/>\n"
        "<async>A fox.</async><async>An owl.</async>"
    ),
    good_example=(
        '<promise topic="fox" tokens="10"/><promise topic="owl" tokens="10"/>\n'
        "<async>A fox.</async><async>An owl.</async>\n"
        "<sync/>"
    ),
    fix="Moves the sync behind the last late block.",
    fix_safety=(Safety.UNSAFE,),
    report=_report,
)
