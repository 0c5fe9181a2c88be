"""Text behind the `</async>` of a branch."""

from grammar import Span
from pasta_toolkit.diagnostics.diagnostic import Diagnostic, Edit, Label, Safety, Severity
from pasta_toolkit.diagnostics.edits import removal, unsafe_fix
from pasta_toolkit.diagnostics.outline import Outline
from pasta_toolkit.diagnostics.rule import StructureRule
from pasta_toolkit.diagnostics.structure import Fault

__all__ = ["RULE"]

MESSAGE = "a branch ends with its `</async>`, but text follows; move the tag to the end of the text"


def _report(outline: Outline, fault: Fault) -> Diagnostic:
    end = len(outline.text)
    edits = removal(outline, fault.at), Edit(Span(end, end), "</async>")
    label = Label(outline.tag_span(fault.at), "the branch ends here")
    fix = unsafe_fix("move `</async>` to the end", *edits)
    return RULE.diagnostic(MESSAGE, Span(outline.offset(2 * fault.at + 2), end), labels=(label,), fix=fix)


RULE = StructureRule(
    code="PA212",
    name="text-after-branch-end",
    severity=Severity.ERROR,
    summary="Text follows the end of a branch.",
    why="A branch's thread stops at its `</async>`; whatever follows was decoded by nobody.",
    example="A fox lives here.</async> It has a den.",
    good_example="A fox lives here. It has a den.</async>",
    fix="Moves `</async>` to the end of the text.",
    fix_safety=(Safety.UNSAFE,),
    form="branch",
    report=_report,
)
