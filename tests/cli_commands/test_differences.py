"""Diffs can be applied, and their making takes no more than linear time for texts of any size."""

import re

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from pasta_toolkit.cli import differences
from pasta_toolkit.cli.differences import unified_differences
from pasta_toolkit.cli.processing import Change

TEXTS = st.lists(st.sampled_from(["a", "b", "c", "", "\r", "\n", "\n", "\n\n\n\n\n\n\n\n"])).map("".join)
RANGE = re.compile(r"@@ -(\d+)(?:,(\d+))? \+(\d+)(?:,(\d+))? @@\n")


def _applied(text: str, difference: str) -> str:
    """Apply a unified diff as its definition says: a slow and simple oracle."""
    rows = re.findall(r"[^\n]*\n", difference)[2:]
    old = re.findall(r"[^\n]*\n|[^\n]+", text)
    new, place, index = [], 0, 0
    while index < len(rows):
        match = RANGE.fullmatch(rows[index])
        assert match is not None
        start = int(match[1]) - (match[2] != "0")
        new, place, index = [*new, *old[place:start]], start, index + 1
        while index < len(rows) and not RANGE.fullmatch(rows[index]):
            is_last = index + 1 < len(rows) and rows[index + 1].startswith("\\")
            mark, line = rows[index][0], rows[index][1:-1] if is_last else rows[index][1:]
            if mark in " -":
                assert old[place] == line
                place += 1
            if mark in " +":
                new.append(line)
            index += 2 if is_last else 1
    return "".join([*new, *old[place:]])


@given(before=TEXTS, after=TEXTS)
@example(before="", after="a")
@example(before="a\n", after="a")
@pytest.mark.parametrize("most_lines", [0, 5000])
def test_a_diff_leads_from_the_old_text_to_the_new(before: str, after: str, most_lines: int) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(differences, "MOST_LINES_COMPARED", most_lines)
        (difference,) = unified_differences("a.txt", [Change(None, before, after)])
    assert _applied(before, difference) == after


def test_unchanged_lines_far_away_are_left_out() -> None:
    before = "".join(f"{number}\n" for number in range(100))
    (difference,) = unified_differences("a.txt", [Change(7, before, before.replace("50\n", "fifty\n"))])
    assert difference == ("--- a.txt:7\n+++ a.txt:7\n@@ -48,7 +48,7 @@\n 47\n 48\n 49\n-50\n+fifty\n 51\n 52\n 53\n")
