"""Text for people: a header to jump to, carets under the place, labels, and a hint."""

import re

import pytest
from hypothesis import given

from grammar import Source, Span
from pasta_toolkit.diagnostics import Edit, Fix, Label, Safety, Severity
from pasta_toolkit.diagnostics.render import Findings, RuleCount, Summary, TextRenderer, statistics_table, summary_line
from pasta_toolkit.diagnostics.render.snippet import display_width, snippet_at
from tests.support.findings import finding_at, findings_of, sets_of_findings


def _plain(findings: Findings) -> str:
    return "".join(TextRenderer().render(findings))


def test_a_finding_shows_header_line_carets_labels_and_help() -> None:
    text = 'See <promise topic="x" tokens="10"/>\nmore\nmore\nand <sync/> end'
    diagnostic = finding_at(
        text.index("<sync"),
        text.index("<sync") + 7,
        labels=(Label(Span(4, 36), "promised here"), Label(Span(47, 50), "and this")),
        fix=Fix("remove the tag", (Edit(Span(0, 0), ""),), Safety.UNSAFE),
    )
    assert _plain(findings_of(text, diagnostic, number=17, path="a.jsonl")) == (
        "a.jsonl:17:4:5: error[PA301] it is wrong (x-y)\n"
        '  1 | See <promise topic="x" tokens="10"/>\n'
        "    |     -------------------------------- promised here\n"
        "    ⋮\n"
        "  4 | and <sync/> end\n"
        "    | --- and this\n"
        "    |     ^^^^^^^\n"
        "  help: remove the tag (--fix --unsafe-fixes)\n\n"
    )


def test_a_text_file_has_no_record_number_in_the_header() -> None:
    assert _plain(findings_of("a", finding_at(0, 1))).startswith("a.txt:1:1: error[PA301]")


def _marked(text: str, start: int, end: int) -> tuple[str, str]:
    """Return the shown line and its marks, less the gutter."""
    _, line, marks, *_ = _plain(findings_of(text, finding_at(start, end))).splitlines()
    return line[6:], marks[6:]


@pytest.mark.parametrize(
    ("text", "word", "shown", "indent", "width"),
    [
        ("abc <sync/>", "<sync/>", "abc <sync/>", 4, 7),
        ("中文 <sync/>", "<sync/>", "中文 <sync/>", 5, 7),
        ("🙂🙂x", "x", "🙂🙂x", 4, 1),
        ("e\u0301x", "x", "e\u0301x", 1, 1),
        ("\t\tx", "x", "        x", 8, 1),
        ("a\x00\x1b[2Jx", "x", "a␀␛[2Jx", 6, 1),
        ("a\u202ebx", "x", "a\ufffdbx", 3, 1),
        ("a\u2028bx", "x", "a\ufffdbx", 3, 1),
        ("ax\r\nb", "x", "ax", 1, 1),
        ("a\rx\n", "x", "a␍x", 2, 1),
        ("中中", "中中", "中中", 0, 4),
    ],
)
def test_carets_stand_under_the_place_in_columns_of_the_terminal(
    text: str, word: str, shown: str, indent: int, width: int
) -> None:
    start = text.index(word)
    assert _marked(text, start, start + len(word)) == (shown, " " * indent + "^" * width)


def test_an_empty_place_has_one_caret_even_at_the_end_of_a_line() -> None:
    assert _marked("ab\ncd", 2, 2) == ("ab", "  ^")
    assert _marked("ab", 2, 2) == ("ab", "  ^")


def test_a_place_across_lines_is_marked_to_the_end_of_its_first() -> None:
    assert _marked("a bcd\nef", 2, 8) == ("a bcd", "  ^^^")


def test_a_long_line_is_cut_around_the_place() -> None:
    shown, marks = _marked("x" * 500 + "<sync/>" + "y" * 500, 500, 507)
    assert shown == f"…{'x' * 32}<sync/>{'y' * 61}…"
    assert shown[len(marks) - 7 : len(marks)] == "<sync/>"


def test_a_label_far_away_on_the_same_long_line_is_shown_by_itself() -> None:
    text = f"<async>{'x' * 900}<sync/>"
    diagnostic = finding_at(907, 914, labels=(Label(Span(0, 7), "here"),))
    lines = _plain(findings_of(text, diagnostic)).splitlines()
    assert lines[1].startswith("  1 | <async>xxx")
    assert lines[2] == "    | ------- here"
    assert lines[3].endswith("x<sync/>")
    assert lines[4].endswith("^^^^^^^")


@given(findings=sets_of_findings())
def test_whatever_is_found_is_shown_on_lines_that_a_terminal_takes_as_text(findings: Findings) -> None:
    rendered = _plain(findings)
    assert not re.search("[\x00-\x09\x0b-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e]", rendered)


@given(findings=sets_of_findings())
def test_colours_change_nothing_but_colours(findings: Findings) -> None:
    coloured = "".join(TextRenderer(has_colour=True).render(findings))
    plain = _plain(findings)
    stripped = re.sub(r"\x1b\[[0-9;]*m", "", coloured)
    assert [line.rstrip() for line in stripped.split("\n")] == [line.rstrip() for line in plain.split("\n")]


def test_a_snippet_of_a_huge_line_holds_a_piece_of_it() -> None:
    text = "x" * 1_000_000
    snippet = snippet_at(Source(text), 500_000)
    assert len(snippet.shown) <= 102
    assert snippet.shows(500_000)


def test_width_counts_columns() -> None:
    assert [display_width(text) for text in ("ab", "中", "a\u0301", "\t", "\x00", "")] == [2, 2, 1, 4, 1, 0]


def _summary(**changes: object) -> Summary:
    counts = (
        RuleCount("PA301", "x", Severity.ERROR, 3, 2),
        RuleCount("PA401", "y", Severity.WARNING, 1, 1),
    )
    parts = {"num_records": 12, "num_records_with_findings": 2, "num_safe_fixes": 0, "num_unsafe_fixes": 0}
    return Summary(**{**parts, "num_fixed": 0, "rules": counts, **changes})  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("changes", "line"),
    [
        ({}, "Found 3 errors, 1 warning in 2 of 12 records."),
        ({"num_safe_fixes": 2}, "Found 3 errors, 1 warning in 2 of 12 records; 2 fixable with --fix."),
        (
            {"num_safe_fixes": 2, "num_unsafe_fixes": 1},
            "Found 3 errors, 1 warning in 2 of 12 records; 2 fixable with --fix (1 more with --fix --unsafe-fixes).",
        ),
        (
            {"num_unsafe_fixes": 1},
            "Found 3 errors, 1 warning in 2 of 12 records; 1 fixable with --fix --unsafe-fixes.",
        ),
        ({"num_fixed": 5}, "Fixed 5. Found 3 errors, 1 warning in 2 of 12 records."),
        ({"rules": (), "num_records": 1}, "Nothing to report in 1 record."),
        ({"rules": (), "num_records": 12345, "num_fixed": 1}, "Fixed 1. Nothing to report in 12,345 records."),
    ],
)
def test_the_summary_is_one_sentence(changes: dict[str, object], line: str) -> None:
    assert summary_line(_summary(**changes)) == line


def test_statistics_are_a_table_with_shares_of_all_records() -> None:
    assert statistics_table(_summary()) == (
        "findings  records   share  rule\n"
        "       3        2  16.7 %  error[PA301] x\n"
        "       1        1   8.3 %  warning[PA401] y\n"
    )
    assert statistics_table(_summary(rules=())) == ""
