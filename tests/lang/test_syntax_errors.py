"""Syntax errors say what was found, where, and what would be right: L9 of docs/invariants.md."""

import pickle

import pytest
from hypothesis import given
from hypothesis import strategies as st

from grammar import PastaError, PastaSyntaxError, check_with_lark, is_ordered, is_valid, parse
from tests.support.strategies import FORMS, MODERATE, mutated_prints, tag_soup

PROMISE = '<promise topic="x" tokens="10"/>'
A_PROMISE = 'a promise tag `<promise topic="..." tokens="N"/>`'
THE_END = "the end of the text"

HEADS = {
    "async without promise": (
        "response",
        "Hi <async>there</async>",
        f"line 1, column 4: found `<async>`, expected {A_PROMISE} or text or {THE_END}",
    ),
    "end without async": (
        "response",
        "one\ntwo</async>",
        f"line 2, column 4: found `</async>`, expected {A_PROMISE} or text or {THE_END}",
    ),
    "promise never fulfilled": (
        "response",
        f"{PROMISE}.",
        f"line 1, column 34: found {THE_END}, expected {A_PROMISE} or `<async>` or text",
    ),
    "sync before the block": (
        "response",
        f"{PROMISE}<sync/>",
        f"line 1, column 33: found `<sync/>`, expected {A_PROMISE} or `<async>` or text",
    ),
    "sync with nothing outstanding": (
        "response",
        "<sync/>",
        f"line 1, column 1: found `<sync/>`, expected {A_PROMISE} or text or {THE_END}",
    ),
    "unclosed block": (
        "response",
        f"{PROMISE}<async>a",
        f"line 1, column 41: found {THE_END}, expected `</async>` or text",
    ),
    "sync inside a block": (
        "response",
        f"{PROMISE}<async><sync/></async>",
        "line 1, column 40: found `<sync/>`, expected `</async>` or text",
    ),
    "block after the sync": (
        "response",
        f"{PROMISE}<async></async><sync/>\n<async></async>",
        f"line 2, column 1: found `<async>`, expected {A_PROMISE} or text or {THE_END}",
    ),
    "end behind a fulfilled promise": (
        "response",
        f"{PROMISE}<async></async></async>",
        f"line 1, column 48: found `</async>`, expected {A_PROMISE} or `<sync/>` or text or {THE_END}",
    ),
    "a promise tag that is not canonical": (
        "response",
        "<promise tokens='10' topic='x'/>",
        f"line 1, column 1: found `<promise tokens='10' topic='x'`, expected {A_PROMISE} or text or {THE_END}",
    ),
    "async in a main thread": (
        "main",
        f"{PROMISE}<async></async>",
        f"line 1, column 33: found `<async>`, expected {A_PROMISE} or `<sync/>` or text or {THE_END}",
    ),
    "a branch that does not end": (
        "branch",
        "a",
        f"line 1, column 2: found {THE_END}, expected `</async>` or text",
    ),
    "text behind a branch": (
        "branch",
        "a</async>b",
        f"line 1, column 10: found `b`, expected {THE_END}",
    ),
}


@pytest.mark.parametrize("case", HEADS)
def test_the_message_of(case):
    form, text, head = HEADS[case]
    assert str(fault(text, form=form)).split("\n")[0] == head


CONTEXTS = {
    "a short line is shown whole": (f"{PROMISE}<async>a", f"{PROMISE}<async>a\n{' ' * 40}^"),
    "columns count code points": ("\U0001f35d\u00e9<sync/>", "\U0001f35d\u00e9<sync/>\n  ^"),
    "a line end is not shown": ("a\r\n<sync/>\r\n", "<sync/>\n^"),
    "what would steer a terminal is not shown": ("\x1b[2J\t\x00<sync\x07>", "\ufffd[2J \ufffd<sync\ufffd>\n      ^"),
    "a long line is cut around the caret": (
        "x" * 500 + "<sync/>" + "y" * 500,
        "x" * 38 + "<sync/>" + "y" * 31 + "\n" + " " * 38 + "^",
    ),
    "a long line is cut at its end": ("x" * 500 + "<async", "x" * 70 + "<async\n" + " " * 70 + "^"),
}


@pytest.mark.parametrize("case", CONTEXTS)
def test_the_context(case):
    text, context = CONTEXTS[case]
    error = fault(text)
    assert error.context == context
    assert str(error).endswith(f"\n{context}")


def fault(text: str, *, form="response") -> PastaSyntaxError:
    with pytest.raises(PastaSyntaxError) as caught:
        parse(text, form=form)
    return caught.value


def test_what_was_found_is_shown_in_short_and_without_what_would_steer_a_terminal():
    assert fault("<sync\x07>").found == "`<sync\ufffd>`"
    assert fault("<promise " + "x" * 500).found == f"`<promise {'x' * 21}`"


def test_a_syntax_error_is_a_pasta_error_with_fields():
    error = fault("a\n<sync/>")
    assert isinstance(error, PastaError)
    assert (error.offset, error.line, error.column, error.found) == (2, 2, 1, "`<sync/>`")
    assert error.expected == (A_PROMISE, "text", THE_END)


def test_a_syntax_error_crosses_from_one_process_to_another():
    error = fault("<sync/>")
    assert str(pickle.loads(pickle.dumps(error))) == str(error)


def test_an_unknown_form_is_a_programming_mistake():
    with pytest.raises(ValueError, match="unknown form 'reply': one of response, main, branch"):
        parse("a", form="reply")
    with pytest.raises(ValueError, match="unknown form 'reply'"):
        is_ordered("p" * 1000, "reply")


SAMPLES = {
    A_PROMISE: PROMISE,
    "`<async>`": "<async>",
    "`</async>`": "</async>",
    "`<sync/>`": "<sync/>",
    "text": "t",
    THE_END: "",
}


@MODERATE
@given(st.one_of(tag_soup(), mutated_prints().map(lambda case: case[0])), st.sampled_from(FORMS))
def test_expected_names_exactly_what_could_have_stood_there(text, form):
    if is_valid(text, form=form):
        return
    error = fault(text, form=form)
    before = text[: error.offset]
    assert error.expected == tuple(name for name, sample in SAMPLES.items() if is_viable(before, sample, form))


def is_viable(before: str, sample: str, form) -> bool:
    if not sample:
        return is_valid(before, form=form)
    try:
        check_with_lark(before + sample, form=form)
    except PastaSyntaxError as error:
        return error.offset >= len(before + sample)
    return True
