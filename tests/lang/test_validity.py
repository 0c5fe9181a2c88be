"""Lark is the definition; fast scanner and slow oracle agree with it on every text: L7, L8 of docs/invariants.md."""

import re
from itertools import product

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from grammar import Form, PastaSyntaxError, check_with_lark, format_document, is_valid, parse, terminal_patterns
from grammar.definition import FORMS as DEFINED_FORMS
from tests.support.lang_oracle import continues_name, is_in_language
from tests.support.strategies import FORMS, MODERATE, any_text, documents, mutated_prints, tag_soup

PARTS = ('<promise topic="x" tokens="10"/>', "<async>", "</async>", "<sync/>", "text")
THOROUGH = settings(deadline=None, max_examples=300)


def lark_accepts(text: str, form: Form) -> bool:
    try:
        check_with_lark(text, form=form)
    except PastaSyntaxError:
        return False
    return True


def assert_all_agree(text: str, form: Form) -> None:
    verdict = lark_accepts(text, form)
    assert is_valid(text, form=form) == verdict
    assert is_in_language(text, form) == verdict


def test_the_strategies_draw_every_form():
    assert FORMS == DEFINED_FORMS


@pytest.mark.parametrize("form", FORMS)
@THOROUGH
@given(text=tag_soup())
@example(text="<promise")
@example(text='<promise topic="x" tokens="10"/><async></async')
@example(text="</async><")
def test_scanner_and_oracle_agree_with_lark_on_tag_soup(form, text):
    assert_all_agree(text, form)


@MODERATE
@given(mutated_prints())
def test_scanner_and_oracle_agree_with_lark_on_injured_documents(case):
    assert_all_agree(*case)


@pytest.mark.parametrize("form", FORMS)
def test_scanner_and_oracle_agree_with_lark_on_every_order_of_up_to_five_tags(form):
    for length in range(6):
        for parts in product(PARTS, repeat=length):
            assert_all_agree("".join(parts), form)


@pytest.mark.parametrize("form", FORMS)
@MODERATE
@given(parts=st.lists(st.sampled_from((PARTS[0], PARTS[1] + PARTS[2], *PARTS)), min_size=6, max_size=20))
def test_scanner_and_oracle_agree_with_lark_on_long_orders_of_tags(form, parts):
    assert_all_agree("".join(parts), form)


@pytest.mark.parametrize("form", FORMS)
def test_scanner_and_oracle_agree_with_lark_on_a_signature_too_long_to_remember(form):
    pair = '<promise topic="x" tokens="10"/><async></async>'
    for text in (pair * 200, pair * 200 + "<sync/>", pair * 200 + "<async></async>", pair * 200 + "<sync/><sync/>"):
        assert_all_agree(text, form)


@MODERATE
@given(documents())
def test_the_print_of_every_document_is_valid(document):
    text = format_document(document)
    assert_all_agree(text, document.form)
    assert is_valid(text, form=document.form)


@MODERATE
@given(st.one_of(any_text(), tag_soup()), st.sampled_from(FORMS))
def test_parse_accepts_or_raises_a_syntax_error(text, form):
    try:
        parse(text, form=form)
    except PastaSyntaxError:
        assert not is_valid(text, form=form)


@MODERATE
@given(st.one_of(tag_soup(), mutated_prints().map(lambda case: case[0])), st.sampled_from(FORMS))
def test_parse_reports_the_same_fault_as_lark_alone(text, form):
    assert fault_of(parse, text, form) == fault_of(check_with_lark, text, form)


def fault_of(judge, text: str, form: Form) -> dict[str, object] | None:
    try:
        judge(text, form=form)
    except PastaSyntaxError as error:
        return {"offset": error.offset, "expected": error.expected, "text": str(error)}
    return None


@THOROUGH
@given(tag_soup())
def test_at_every_place_at_most_one_terminal_matches(text):
    patterns = {name: re.compile(pattern) for name, pattern in terminal_patterns().items()}
    for place in range(len(text)):
        matching = [name for name, pattern in patterns.items() if pattern.match(text, place)]
        assert len(matching) <= 1, (matching, text[place : place + 20])


def test_less_than_is_text_before_exactly_the_characters_that_continue_a_name():
    for code in (*range(0x3100), *range(0xD700, 0x10100), *range(0xEFF00, 0xF0100), 0x10FFFF):
        assert is_valid(f"<sync{chr(code)}") == continues_name(chr(code)), hex(code)


def test_a_topic_refuses_exactly_quotes_angle_brackets_and_control_characters():
    for code in range(0x3100):
        tag = f'<promise topic="{chr(code)}" tokens="10"/>'
        assert is_valid(tag, form="main") == is_in_language(tag, "main"), hex(code)


def test_tokens_are_the_multiples_of_ten_from_10_to_9990():
    written = [f"{number}" for number in range(11_000)] + ["", "00", "010", "+10", "1e1", "10.0", " 10", "\uff11\uff10"]
    accepted = [t for t in written if is_valid(f'<promise topic="x" tokens="{t}"/>', form="main")]
    assert accepted == [f"{number}" for number in range(10, 9_991, 10)]
