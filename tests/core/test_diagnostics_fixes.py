"""Laws and examples of repair: no text is lost, what is valid stays valid, and what is broken becomes valid."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from grammar import Form, Span, format_document, is_valid, render, text_outside_tags, unescape
from grammar.parser import parse
from pasta_toolkit.diagnostics import Edit, Fix, Safety, Settings, Severity, apply_fixes, diagnose, fix
from pasta_toolkit.diagnostics.patch import Patch
from tests.support.diagnostics_soup import documents_of_any_kind
from tests.support.strategies import FORMS, MODERATE, documents

P = '<promise topic="fox" tokens="10"/>'
Q = '<promise topic="owl" tokens="10"/>'


@MODERATE
@given(documents_of_any_kind(), st.sampled_from(FORMS), st.booleans())
def test_no_fix_changes_a_character_of_text_outside_of_tags(text: str, form: Form, unsafe: bool) -> None:
    settings = Settings(ignore=("miscased-tag",))
    assert text_outside_tags(fix(text, form=form, settings=settings, unsafe=unsafe).text) == text_outside_tags(text)


@MODERATE
@given(documents_of_any_kind())
def test_making_miscased_tags_tags_changes_no_other_text(text: str) -> None:
    repaired = fix(text, settings=Settings(select=("miscased-tag",)), unsafe=True).text
    assert text_outside_tags(repaired, is_miscased_text=False) == text_outside_tags(text, is_miscased_text=False)


@MODERATE
@given(documents_of_any_kind(), st.sampled_from(FORMS), st.booleans())
def test_fixing_twice_changes_nothing(text: str, form: Form, unsafe: bool) -> None:
    once = fix(text, form=form, unsafe=unsafe)
    twice = fix(once.text, form=form, unsafe=unsafe)
    assert (twice.text, twice.num_fixed) == (once.text, 0)
    assert once.remaining == twice.remaining == diagnose(once.text, form=form)


@MODERATE
@given(documents_of_any_kind(), st.sampled_from(FORMS))
def test_unsafe_fixes_leave_no_error_and_the_grammar_accepts(text: str, form: Form) -> None:
    result = fix(text, form=form, unsafe=True)
    assert not [finding for finding in result.remaining if finding.severity == Severity.ERROR]
    assert is_valid(result.text, form=form)


@MODERATE
@given(st.data(), st.sampled_from(FORMS), st.booleans())
def test_a_valid_document_stays_valid_and_reads_the_same(data: st.DataObject, form: Form, unsafe: bool) -> None:
    settings = Settings(ignore=("miscased-tag",))
    text = format_document(data.draw(documents(form)))
    repaired = fix(text, form=form, settings=settings, unsafe=unsafe).text
    assert render(parse(repaired, form=form)) == render(parse(text, form=form))


@MODERATE
@given(documents_of_any_kind(), st.sampled_from(FORMS))
def test_a_safe_fix_makes_nothing_valid_invalid(text: str, form: Form) -> None:
    if is_valid(text, form=form):
        assert fix(text, form=form).text == text
        assert is_valid(fix(text, form=form, unsafe=True).text, form=form)


@MODERATE
@given(
    documents_of_any_kind(), st.sampled_from(FORMS), st.sampled_from(["PA101", "PA1", "PA110", "PA2", "PA208", "PA3"])
)
def test_text_is_kept_whatever_rules_are_chosen(text: str, form: Form, selector: str) -> None:
    for settings in (Settings(select=(selector,), ignore=("PA112",)), Settings(ignore=(selector, "PA112"))):
        repaired = fix(text, form=form, settings=settings, unsafe=True).text
        assert text_outside_tags(repaired) == text_outside_tags(text)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("<promise tokens='13' topic='fox'>", '<promise topic="fox" tokens="10"/>'),
        ('<promise topic="fox" tokens="15"/>', '<promise topic="fox" tokens="20"/>'),
        ('<promise topic="fox" tokens="3"/>', P),
        ('<promise topic="fox" tokens="010"></promise>', P),
        (f"{P}<sync>", f"{P}<sync/>"),
        (f"{P}<sync ></sync>", f"{P}<sync/>"),
    ],
)
def test_safe_fixes_respell_and_round(text: str, expected: str) -> None:
    assert fix(text, form="main").text == expected


@pytest.mark.parametrize("tokens", ["0", "-20", "99999", "many", "", "20 or 30", "1e3"])
def test_a_number_that_is_not_certain_is_mended_only_by_unsafe_fixes(tokens: str) -> None:
    text = f'<promise topic="fox" tokens="{tokens}"/>'
    assert fix(text, form="main").text == text
    assert is_valid(fix(text, form="main", unsafe=True).text, form="main")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (f"{P}<async>a{Q}<async>b</async><sync/>", f"{P}<async>a</async>{Q}<async>b</async><sync/>"),
        (f"{P}<async>a", f"{P}<async>a</async>"),
        (f"{P}<async>a\n", f"{P}<async>a</async>\n"),
        (f"{P}{Q}<async>a</async><sync/>", f"{P}{Q}<async>a</async><async></async><sync/>"),
        (f"{P} text", f"{P}<async></async> text"),
        (f"{P}{Q}<sync/>x<async>a</async><async>b</async>y", f"{P}{Q}x<async>a</async><async>b</async><sync/>y"),
        (f"{P}{Q}<sync/><async>a</async>", f"{P}{Q}<async>a</async><async></async><sync/>"),
        (f"<async>{P}<async>a</async></async>", f"{P}<async>a</async>"),
        (f"{P}a</async>", f"{P}<async>a</async>"),
        (f"{P}<async>a<async/>", f"{P}<async>a</async>"),
        (f"{P}<async/>", f"{P}<async></async>"),
        (f"{P}<async>a</async>{P}<async>b</async><promise topic=", f"{P}<async>a</async>{P}<async>b</async>"),
        ("<promise topic=red fox><async>a</async>", '<promise topic="red fox" tokens="10"/><async>a</async>'),
        ("<promise token=30 topic=fox><async>a</async>", '<promise topic="fox" tokens="30"/><async>a</async>'),
        ("a<sync/>b", "ab"),
        ("<<sync/>async>", "&lt;async>"),
        ("<<sync/>/<sync/>async<sync/> x", "&lt;/async x"),
        ("&<sync/>lt;sync/>", "&amp;lt;sync/>"),
        ("<<sync>SYNC>", "<SYNC>"),
        ("&lt;sync<sync/>hronous", "<synchronous"),
    ],
)
def test_unsafe_fixes_mend_the_order_of_tags(text: str, expected: str) -> None:
    assert fix(text, unsafe=True).text == expected


def test_miscased_tags_are_made_tags_only_where_the_whole_document_is_in_order_then() -> None:
    text = f"{P}<Async>a</ASYNC>{Q}<async>b</async><Sync/>"
    assert fix(text, unsafe=True).text == f"{P}<async>a</async>{Q}<async>b</async><sync/>"
    assert fix(text).text == text
    misfit = f"{P}<async>a</async>{Q}<async>b</async><sync/>Use <Async> here."
    assert fix(misfit, unsafe=True).text == misfit
    assert [finding.rule for finding in diagnose(misfit)] == ["miscased-tag"]


def test_apply_fixes_makes_one_round_of_the_fixes_it_is_given() -> None:
    text = f"<sync >{P}<sync >"
    findings = diagnose(text, form="main")
    assert apply_fixes(text, findings) == f"<sync/>{P}<sync/>"
    assert apply_fixes(text, findings[:1]) == f"<sync/>{P}<sync >"
    assert apply_fixes(text, [replace(finding, fix=None) for finding in findings]) == text


def test_num_fixed_counts_findings_and_remaining_those_left() -> None:
    result = fix(f"{P}<async >a</async >{Q}<async>b</async><sync/><sync/>")
    assert (result.num_fixed, [finding.rule for finding in result.remaining]) == (2, ["sync-without-promise"])


def test_many_faults_are_mended_in_few_rounds() -> None:
    number = 3000
    text = f"{P}<sync/>" * number + "<async>a</async>" * number + "<async>" * number + "</async >" * 3
    result = fix(text, unsafe=True)
    assert is_valid(result.text)
    assert text_outside_tags(result.text) == "a" * number


def fix_of(*edits: tuple[int, int, str]) -> Fix:
    return Fix("mend", tuple(Edit(Span(start, end), text) for start, end, text in edits), Safety.SAFE)


@pytest.mark.parametrize(
    ("fixes", "expected", "num_fixes"),
    [
        ([fix_of((0, 2, "X")), fix_of((2, 4, "Y"))], "XYef", 2),
        ([fix_of((0, 3, "X")), fix_of((2, 4, "Y"))], "Xdef", 1),
        ([fix_of((2, 4, "Y")), fix_of((0, 3, "X"))], "abYef", 1),
        ([fix_of((1, 5, "X")), fix_of((2, 3, "Y"))], "aXf", 1),
        ([fix_of((2, 3, "Y")), fix_of((1, 5, "X"))], "abYdef", 1),
        ([fix_of((2, 2, "Y")), fix_of((1, 5, "X"))], "abYcdef", 1),
        ([fix_of((1, 5, "X")), fix_of((2, 2, "Y"))], "aXf", 1),
        ([fix_of((1, 5, "X")), fix_of((1, 1, "Y")), fix_of((5, 5, "Z"))], "aYXZf", 3),
        ([fix_of((2, 2, "Y")), fix_of((2, 2, "Y"))], "abYYcdef", 2),
        ([fix_of((2, 2, "Y")), fix_of((2, 2, "Z"))], "abYcdef", 1),
        ([fix_of((0, 1, ""), (3, 3, "Y")), fix_of((0, 1, ""), (3, 3, "Y"))], "bcYdef", 2),
        ([fix_of((0, 1, "")), fix_of((0, 1, ""), (3, 3, "Y"))], "bcdef", 1),
        ([fix_of((0, 1, "X"), (3, 4, "Y")), fix_of((3, 5, "Z"))], "XbcYef", 1),
    ],
)
def test_fixes_that_overlap_wait_and_a_fix_is_applied_whole(fixes: list[Fix], expected: str, num_fixes: int) -> None:
    patch = Patch()
    for one in fixes:
        patch.add(one)
    assert (patch.apply("abcdef"), patch.num_fixes) == (expected, num_fixes)


@MODERATE
@given(st.lists(st.sampled_from(["<", "&", "amp;", "lt;", "/", "async", "sync/>", "hronous", " x"]), max_size=9))
def test_texts_that_meet_where_tags_go_read_as_before(pieces: list[str]) -> None:
    text = "<sync/>".join(pieces)
    repaired = fix(text, unsafe=True).text
    assert unescape(repaired) == text_outside_tags(text)
