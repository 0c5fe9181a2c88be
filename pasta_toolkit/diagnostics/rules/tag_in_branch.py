"""A promise, a sync or an `<async>` in the stream of a branch."""

from pasta_toolkit.diagnostics.diagnostic import Diagnostic, Safety, Severity
from pasta_toolkit.diagnostics.edits import removals, unsafe_fix
from pasta_toolkit.diagnostics.outline import Outline
from pasta_toolkit.diagnostics.rule import StructureRule
from pasta_toolkit.diagnostics.structure import Fault
from pasta_toolkit.diagnostics.wording import tag_shown

__all__ = ["RULE"]


def _report(outline: Outline, fault: Fault) -> Diagnostic:
    tag = tag_shown(outline.parts[2 * fault.at + 1])
    message = f"{tag} may not stand in a branch; a branch is text up to its `</async>`"
    fix = unsafe_fix("remove the tag, keep the text", *removals(outline, fault))
    return RULE.diagnostic(message, outline.tag_span(fault.at), fix=fix)


RULE = StructureRule(
    code="PA211",
    name="tag-in-branch",
    severity=Severity.ERROR,
    summary="A promise, a sync or an `<async>` stands in a branch.",
    why=(
        "A branch neither promises nor waits, and the `<async>` that starts it was forced on it: in form `branch` "
        "the text begins behind that tag."
    ),
    example='A fox<promise topic="den" tokens="10"/> lives here.</async>',
    good_example="A fox lives here.</async>",
    fix="Removes the tag.",
    fix_safety=(Safety.UNSAFE,),
    form="branch",
    report=_report,
)
