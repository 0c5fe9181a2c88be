"""Documents as values: what they refuse, their groups, and places in a source."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from grammar import AsyncBlock, Document, Group, Promise, Source, Span, Sync, Text, format_document, parse, render
from tests.support.strategies import MODERATE, any_text

ONE, TWO = Promise("one", 10), Promise("two", 20)
FIRST, SECOND = AsyncBlock("1"), AsyncBlock("2")


@pytest.mark.parametrize("nodes", [(Text(""),), (Text("a"), Text("b"))])
def test_a_document_refuses_texts_that_would_not_come_back(nodes):
    with pytest.raises(ValueError, match="no empty text and no two texts in a row"):
        Document(nodes)


def test_document_of_joins_neighbouring_texts_and_drops_empty_ones():
    assert Document.of([Text("a"), Text(""), Text("b"), Sync(), Text("")]).nodes == (Text("ab"), Sync())


def test_a_group_ends_at_its_sync():
    document = Document((ONE, FIRST, Sync(), ONE, TWO, FIRST, SECOND, Sync()))
    assert document.groups == (Group((ONE,), (FIRST,), Sync()), Group((ONE, TWO), (FIRST, SECOND), Sync()))


def test_the_last_group_may_have_no_sync():
    assert Document((Text("a"), ONE, TWO, FIRST, SECOND, Text("b"))).groups == (
        Group((ONE, TWO), (FIRST, SECOND), None),
    )


def test_a_plain_answer_has_no_groups():
    assert Document((Text("a"),)).groups == ()
    assert Document(()).groups == ()


def test_the_groups_of_a_main_thread_have_no_blocks():
    document = parse('<promise topic="one" tokens="10"/>a<sync/>', form="main")
    assert document.groups == (Group((ONE,), (), Sync()),)


def test_promises_of_a_main_thread_leave_nothing_behind():
    assert render(parse('a<promise topic="one" tokens="10"/>b<sync/>c', form="main")) == "abc"


def test_a_layout_changes_no_main_thread_and_no_branch():
    for document in (Document((ONE, Text("a")), "main"), Document((Text("a"),), "branch")):
        assert format_document(document, layout="inline") == format_document(document)


@MODERATE
@given(any_text(), st.integers(0))
def test_line_and_column_say_where_an_offset_lies(text, offset):
    offset %= len(text) + 1
    position = Source(text).position(offset)
    before = text[:offset]
    assert position.line == before.count("\n") + 1
    assert position.column == offset - (before.rfind("\n") + 1) + 1


@MODERATE
@given(any_text(), st.integers(0))
def test_the_caret_stands_below_its_character(text, offset):
    offset %= len(text) + 1
    shown, caret = Source(text).context(offset).split("\n")
    index = caret.index("^")
    if index < len(shown):
        assert text[offset] in (shown[index], "\t") or shown[index] == "\ufffd"
    else:
        assert text[offset : offset + 1] in ("", "\n", "\r")


def test_a_line_is_shown_without_its_end():
    source = Source("one\r\ntwo\n")
    assert [source.line(number) for number in (1, 2, 3)] == ["one", "two", ""]


def test_a_span_cuts_its_text():
    assert Span(1, 3).of("abcd") == "bc"
