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

# Whatever REFERENCE finds holds one of these and is at most so many characters long: it is only asked near them, since
# a search of the whole text takes forty times as long as looking for these.
TELL_TALES = ABOVE, PREVIOUS, EARLIER = "abov", "previou", "earlier"
LONGEST_REFERENCE = 40
SAID = "(?:mentioned|noted|discussed|described|explained|stated|said|listed|outlined|shown|seen|introduced|given)"
BEFORE = "(?:above|earlier|previously)"
THING = "(?:point|section|part|item|paragraph|step|answer|reason|example|tip|suggestion|idea|option|list)s?"
REFERENCE = re.compile(
    rf"(?i:\b(?:as {BEFORE}|(?:as )?{SAID} {BEFORE}|{BEFORE}[ -]{SAID}|"
    rf"the (?:previous|above|earlier) {THING})\b)"
)


def _check(outline: Outline, thresholds: Thresholds) -> Iterable[Diagnostic]:
    del thresholds
    text = outline.text
    if ABOVE in text or PREVIOUS in text or EARLIER in text:
        return chain.from_iterable(_references(outline, group) for group in outline.structure.groups)
    return ()


def _references(outline: Outline, group: TagGroup) -> Iterator[Diagnostic]:
    """Search all blocks but the first, which has no sibling before it."""
    for promise, previous, block in zip(group.promises[1:], group.promises, group.blocks[1:], strict=False):
        found = _reference(outline.text, outline.content_offset(block), outline.offset(2 * block.close + 1))
        if found is not None:
            sibling = shown(outline.topic(previous))
            message = (
                f"{shown(found.of(outline.text))} may refer to a sibling such as {sibling}, which the branch "
                f"{shown(outline.topic(promise))} cannot see"
            )
            label = Label(outline.tag_span(previous), "decoded at the same time")
            yield RULE.diagnostic(message, found, labels=(label,))


def _reference(text: str, start: int, end: int) -> Span | None:
    """Find the first reference between two offsets."""
    spans = []
    for tell_tale in TELL_TALES:
        place = text.find(tell_tale, start, end)
        while place >= 0:
            window = max(start, place - LONGEST_REFERENCE), min(end, place + LONGEST_REFERENCE)
            found = REFERENCE.search(text, *window)
            if found is not None:
                spans.append(Span(*found.span()))
                break
            place = text.find(tell_tale, place + 1, end)
    return min(spans, default=None)


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
