"""An `<async>` without an `</async>`."""

from grammar import Span
from pasta_toolkit.diagnostics.diagnostic import Diagnostic, Label, Safety, Severity
from pasta_toolkit.diagnostics.edits import insertion, labels, unsafe_fix
from pasta_toolkit.diagnostics.outline import Outline
from pasta_toolkit.diagnostics.rule import StructureRule
from pasta_toolkit.diagnostics.structure import Fault
from pasta_toolkit.diagnostics.wording import shown

__all__ = ["RULE"]


def _report(outline: Outline, fault: Fault) -> Diagnostic:
    boundary = fault.boundary or 0
    end = outline.insertion_offset(boundary)
    topic = shown(outline.topic(fault.others[0]))
    message = f"the async block of promise {topic} is never closed; write `</async>` where it ends"
    places = (
        *labels(outline, fault.others, "the promise that it fulfils"),
        Label(Span(end, end), "it is taken to end here"),
    )
    fix = unsafe_fix("close the block before the next tag", insertion(outline, boundary, "</async>"))
    return RULE.diagnostic(message, outline.tag_span(fault.at), labels=places, fix=fix)


RULE = StructureRule(
    code="PA207",
    name="unclosed-async",
    severity=Severity.ERROR,
    summary="An `<async>` has no `</async>`.",
    why=(
        "The end tag is how a branch says that it is done. Without it the branch goes on until its budget is spent, "
        "and the text behind it may belong to either thread. A decode that was cut off is the usual cause."
    ),
    example=(
        '<promise topic="fox" tokens="10"/><async>A fox.\n'
        '<promise topic="owl" tokens="10"/><async>An owl.</async>\n'
        "<sync/>"
    ),
    good_example=(
        '<promise topic="fox" tokens="10"/><async>A fox.</async>\n'
        '<promise topic="owl" tokens="10"/><async>An owl.</async>\n'
        "<sync/>"
    ),
    fix="Closes the block before the next tag, or at the end of the text.",
    fix_safety=(Safety.UNSAFE,),
    report=_report,
)
