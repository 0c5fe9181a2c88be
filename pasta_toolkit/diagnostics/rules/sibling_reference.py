"""A branch that refers to what it cannot see."""

import re
from collections.abc import Iterable, Iterator
from itertools import chain

from grammar import Span
from pasta_toolkit.diagnostics.diagnostic import Diagnostic, Label, Severity
from pasta_toolkit.diagnostics.outline import Outline
from pasta_toolkit.diagnostics.rule import LintRule
from pasta_toolkit.diagnostics.structure import TagGroup
from pasta_toolkit.diagnostics.thresholds import Thresholds
from pasta_toolkit.diagnostics.wording import shown

__all__ = ["RULE"]

# One of these must be in the text before REFERENCE is asked; together they take a fortieth of its time.
ABOVE, PREVIOUS, EARLIER, AFOREMENTIONED = "abov", "revious", "earlier", "foremention"
SAID = "(?:mentioned|noted|discussed|described|explained|stated|said|listed|outlined|shown|seen|introduced|given)"
BEFORE = "(?:above|earlier|previously)"
THING = "(?:point|section|part|item|paragraph|step|answer|reason|example|tip|suggestion|idea|option|list)s?"
REFERENCE = re.compile(
    rf"(?i:\b(?:as {BEFORE}|(?:as )?{SAID} {BEFORE}|{BEFORE}[ -]{SAID}|aforementioned|"
    rf"the (?:previous|above|earlier) {THING})\b)"
)


def _check(outline: Outline, thresholds: Thresholds) -> Iterable[Diagnostic]:
    del thresholds
    text = outline.text
    if ABOVE in text or PREVIOUS in text or EARLIER in text or AFOREMENTIONED in text:
        return chain.from_iterable(_references(outline, group) for group in outline.structure.groups)
    return ()


def _references(outline: Outline, group: TagGroup) -> Iterator[Diagnostic]:
    """Search all blocks but the first, which has no sibling before it."""
    for promise, previous, block in zip(group.promises[1:], group.promises, group.blocks[1:], strict=False):
        found = REFERENCE.search(outline.text, outline.content_offset(block), outline.offset(2 * block.close + 1))
        if found is not None:
            sibling = shown(outline.topic(previous))
            message = (
                f"{shown(found[0])} may refer to a sibling such as {sibling}, which the branch "
                f"{shown(outline.topic(promise))} cannot see"
            )
            label = Label(outline.tag_span(previous), "decoded at the same time")
            yield RULE.diagnostic(message, Span(*found.span()), labels=(label,))


RULE = LintRule(
    code="PA306",
    name="sibling-reference",
    severity=Severity.WARNING,
    summary="A branch refers to what it cannot see: `as mentioned above`, `the previous point`.",
    why=(
        "A branch sees the main thread up to its own promise and the branches joined before, but none of its "
        "siblings. Text that leans on a sibling is not independent: it belongs in that sibling's branch or behind "
        "the sync."
    ),
    example=(
        '<promise topic="fox" tokens="10"/><async>A fox.</async>\n'
        '<promise topic="owl" tokens="10"/><async>As mentioned above, an owl.</async>\n'
        "<sync/>"
    ),
    good_example=(
        '<promise topic="fox" tokens="10"/><async>A fox.</async>\n'
        '<promise topic="owl" tokens="10"/><async>An owl.</async>\n'
        "<sync/>"
    ),
    fix="None: rephrase the branch, or move what depends on a sibling behind the sync.",
    check=_check,
)
