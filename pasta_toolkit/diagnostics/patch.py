"""Collects edits that do not get in each other's way, and applies them to a text. Knows no rules."""

from bisect import bisect_left, bisect_right, insort
from collections.abc import Iterable

from grammar import escape, split_at_tags, unescape
from pasta_toolkit.diagnostics.diagnostic import Edit, Fix

__all__ = ["Patch"]


class Patch:
    """Fixes that can be applied together: their edits do not overlap.

    A fix whose edits are all there already counts as applied. Two insertions at one place are in each other's way
    unless they insert the same, whose order does not matter.
    """

    def __init__(self) -> None:
        self.num_fixes = 0
        self._fixes: set[tuple[Edit, ...]] = set()  # those that replace something
        self._replaced: list[tuple[int, int]] = []  # sorted, disjoint, none empty
        self._places: list[int] = []  # of insertions, sorted
        self._inserted: dict[int, str] = {}
        self._edits: list[Edit] = []

    def add(self, fix: Fix) -> bool:
        """Take a fix with all its edits, or leave all of them."""
        if fix.edits not in self._fixes:
            if not all(map(self._is_free, fix.edits)):
                return False
            for edit in fix.edits:
                self._take(edit)
            if any(edit.span.start < edit.span.end for edit in fix.edits):
                self._fixes.add(fix.edits)
        self.num_fixes += 1
        return True

    def apply(self, text: str) -> str:
        """Return the text with all edits made, and what would become a tag by them escaped."""
        pieces: list[str] = []
        run: list[str] = []
        end = 0
        for edit in sorted(self._edits, key=lambda edit: (edit.span.start, edit.span.end)):
            run.append(text[end : edit.span.start])
            end = edit.span.end
            if edit.replacement:
                pieces += [_joined(run), edit.replacement]
                run = []
        return "".join([*pieces, _joined([*run, text[end:]])])

    def _is_free(self, edit: Edit) -> bool:
        start, end = edit.span.start, edit.span.end
        if start == end and self._inserted.get(start, edit.replacement) != edit.replacement:
            return False
        following = bisect_left(self._replaced, (start, end))
        if following < len(self._replaced) and self._replaced[following][0] < end:
            return False
        if following > 0 and self._replaced[following - 1][1] > start:
            return False
        return bisect_right(self._places, start) >= bisect_left(self._places, end)

    def _take(self, edit: Edit) -> None:
        self._edits.append(edit)
        start, end = edit.span.start, edit.span.end
        if start < end:
            insort(self._replaced, (start, end))
        elif start not in self._inserted:
            insort(self._places, start)
            self._inserted[start] = edit.replacement


def _joined(texts: Iterable[str]) -> str:
    """Join texts between which tags have gone."""
    pieces: list[str] = []
    meeting: list[str] = []
    for text in filter(None, texts):
        first, *rest = split_at_tags(text)
        meeting.append(first)
        if rest:
            pieces += [_met(meeting), *rest[:-1]]
            meeting = [rest[-1]]
    return "".join([*pieces, _met(meeting)])


def _met(texts: Iterable[str]) -> str:
    """Join texts so that they read as they did apart: `<` and `async>` must not become a tag."""
    pieces = [text for text in texts if text]
    return "".join(pieces) if len(pieces) <= 1 else escape("".join(map(unescape, pieces)))
