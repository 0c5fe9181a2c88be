"""A sync that has nothing to wait for."""

from pasta_toolkit.diagnostics.diagnostic import Diagnostic, Safety, Severity
from pasta_toolkit.diagnostics.edits import labels, removal, unsafe_fix
from pasta_toolkit.diagnostics.outline import Outline
from pasta_toolkit.diagnostics.rule import StructureRule
from pasta_toolkit.diagnostics.structure import Fault

__all__ = ["RULE"]

MESSAGE = "this sync has nothing to wait for; remove it or make a promise before it"


def _report(outline: Outline, fault: Fault) -> Diagnostic:
    joined = labels(outline, fault.others, "all promises before this are joined here")
    fix = unsafe_fix("remove the sync", removal(outline, fault.at))
    return RULE.diagnostic(MESSAGE, outline.tag_span(fault.at), labels=joined, fix=fix)


RULE = StructureRule(
    code="PA209",
    name="sync-without-promise",
    severity=Severity.ERROR,
    summary="A sync has nothing to wait for.",
    why=(
        "A sync joins what was promised since the last one. With nothing outstanding it costs its tokens and a step "
        "of every thread, and teaches a model to write it anywhere."
    ),
    example=(
        '<promise topic="fox" tokens="10"/><async>A fox.</async>\n'
        '<promise topic="owl" tokens="10"/><async>An owl.</async>\n'
        "<sync/>\n"
        "They meet.<sync/>"
    ),
    good_example=(
        '<promise topic="fox" tokens="10"/><async>A fox.</async>\n'
        '<promise topic="owl" tokens="10"/><async>An owl.</async>\n'
        "<sync/>\n"
        "They meet."
    ),
    fix="Removes the sync.",
    fix_safety=(Safety.UNSAFE,),
    report=_report,
)
