"""An async block in the stream of the main thread."""

from pasta_toolkit.diagnostics.diagnostic import Diagnostic, Safety, Severity
from pasta_toolkit.diagnostics.edits import removals, unsafe_fix
from pasta_toolkit.diagnostics.outline import Outline
from pasta_toolkit.diagnostics.rule import StructureRule
from pasta_toolkit.diagnostics.structure import Fault

__all__ = ["RULE"]

MESSAGE = "the main thread decodes no async block; remove its tags, or check the text as a response"


def _report(outline: Outline, fault: Fault) -> Diagnostic:
    fix = unsafe_fix("remove the block's tags, keep its text", *removals(outline, fault))
    return RULE.diagnostic(MESSAGE, outline.tag_span(fault.at), fix=fix)


RULE = StructureRule(
    code="PA210",
    name="async-in-main",
    severity=Severity.ERROR,
    summary="An async block stands in the stream of the main thread.",
    why=(
        "In form `main` the text is what the main thread itself decodes: text, promises and syncs. Blocks are "
        "decoded by other threads at the same time and join the text only in form `response`."
    ),
    example=(
        'Two animals:<promise topic="fox" tokens="10"/><async>A fox.</async>\n'
        '<promise topic="owl" tokens="10"/>\n'
        "<sync/>\n"
        "They meet."
    ),
    good_example=(
        'Two animals:<promise topic="fox" tokens="10"/><promise topic="owl" tokens="10"/>\n<sync/>\nThey meet.'
    ),
    fix="Removes the block's tags and keeps its content as text.",
    fix_safety=(Safety.UNSAFE,),
    form="main",
    report=_report,
)
