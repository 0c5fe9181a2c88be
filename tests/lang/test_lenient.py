"""The tolerant reader: it reads any string, swallows nothing, and agrees with the grammar where the grammar speaks."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from grammar import (
    AsyncBlock,
    Text,
    escape,
    parse,
    read_leniently,
    read_miscased,
    reserved_pattern,
    split_at_tags,
    text_outside_tags,
)
from tests.support.diagnostics_soup import CANONICAL, MISSPELLED, soup
from tests.support.strategies import MODERATE

PROMISE = '<promise topic="fox" tokens="10"/>'
MANY = 20_000  # a reader that is not linear would take minutes for so many tags


def sources(text: str) -> list[str]:
    return [tag.span.of(text) for tag in read_leniently(text)]


@MODERATE
@given(soup())
def test_tags_are_in_order_and_do_not_overlap(text: str) -> None:
    places = [place for tag in read_leniently(text) for place in (tag.span.start, tag.span.end)]
    assert places == sorted(places)
    assert all(tag.span.start < tag.span.end for tag in read_leniently(text))


@MODERATE
@given(soup())
def test_every_reserved_opening_is_in_a_tag_and_every_tag_begins_with_one(text: str) -> None:
    openings = {match.start() for match in re.finditer(f"<{reserved_pattern()}", text)}
    tags = [tag for tag in read_leniently(text) if not tag.is_miscased]
    starts = {tag.span.start for tag in tags}
    assert starts <= openings
    inside = {place for place in openings - starts for tag in tags if tag.span.start < place < tag.span.end}
    assert openings - starts == inside
    assert all(text[place : place + 2] == "</" for place in inside)  # <sync></sync> is one tag


@MODERATE
@given(soup())
def test_a_tag_is_canonical_exactly_where_the_grammar_reads_it(text: str) -> None:
    canonical = [tag for tag in split_at_tags(text)[1::2] if len(tag) > 1]
    found = [tag.span.of(text) for tag in read_leniently(text) if tag.is_canonical]
    joined = "".join(sources(text))
    assert all(tag in joined for tag in canonical)
    assert set(found) <= set(canonical)


@MODERATE
@given(soup(), st.lists(st.sampled_from(CANONICAL), min_size=1, max_size=4))
def test_a_broken_tag_hides_nothing_behind_it(broken: str, tags: list[str]) -> None:
    text = f"{broken}\n" + "".join(tags)
    assert sources(text)[-len(tags) :] == tags


@MODERATE
@given(st.text() | soup())
def test_escaped_text_has_no_tags_and_is_what_a_reader_sees(text: str) -> None:
    escaped = escape(text)
    tags = read_leniently(escaped)
    assert all(tag.is_miscased for tag in tags)
    if not tags:
        assert text_outside_tags(escaped) == text


def test_text_outside_tags_of_a_valid_document_is_its_texts_and_contents() -> None:
    text = f"a &lt;sync/> {PROMISE} b<async>c &lt;async> d</async><sync/>e"
    nodes = parse(text).nodes
    expected = "".join(node.content for node in nodes if isinstance(node, Text | AsyncBlock))
    assert text_outside_tags(text) == expected == "a <sync/>  bc <async> de"


@pytest.mark.parametrize("text", MISSPELLED)
def test_a_misspelled_tag_is_one_complete_tag(text: str) -> None:
    (tag,) = read_leniently(f"before {text} behind")
    assert (tag.span.of(f"before {text} behind"), tag.is_complete, tag.is_canonical) == (text, True, False)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('<promise topic="Ben', ['<promise topic="Ben']),
        ("<promise top", ["<promise top"]),
        ("<promise topic", ["<promise topic"]),
        ("<promise to sum up", ["<promise"]),
        ('<promise topic="Ben and prose\nMore prose', ["<promise"]),
        ('<promise topic="fox" tokens="10"', ['<promise topic="fox" tokens="10"']),
        ('<promise topic="fox" and prose', ['<promise topic="fox"']),
        ('<promise topic="fox tokens="10"/> text', ['<promise topic="fox tokens="10"/>']),
        ("<promise topic=red fox tokens=20/> text", ["<promise topic=red fox tokens=20/>"]),
        ("<promise and so on > text", ["<promise"]),
        ("<async Hello, 3 > 2", ["<async"]),
        ("<sync/", ["<sync/"]),
        ("<sync/ text", ["<sync/"]),
        ("</async text", ["</async"]),
        ('<promise topic="fox tokens=20/>\nHe said "hi". Then', ['<promise topic="fox tokens=20/>']),
        ('<promise topic="a <sync/> b" tokens="10"/>', ["<promise", "<sync/>"]),
        ('<promise\n  topic="fox"\n  tokens="10"\n/>', ['<promise\n  topic="fox"\n  tokens="10"\n/>']),
        ('<promise topic="a > b" tokens="10"/>', ['<promise topic="a > b" tokens="10"/>']),
        ("<asynchronous> a < b <div>", []),
    ],
)
def test_the_extent_of_a_broken_tag_is_as_short_as_sense_allows(text: str, expected: list[str]) -> None:
    assert sources(text) == expected


def test_attributes_keep_their_spelling_and_places() -> None:
    text = 'x<promise  tokens = 13 Topic=\'a "b"\' id="" />'
    (tag,) = read_leniently(text)
    assert [(a.name, a.value, a.quote) for a in tag.attributes] == [
        ("tokens", "13", ""),
        ("Topic", 'a "b"', "'"),
        ("id", "", '"'),
    ]
    assert [a.span.of(text) for a in tag.attributes] == ["tokens = 13", "Topic='a \"b\"'", 'id=""']
    assert [a.value_span.of(text) for a in tag.attributes] == ["13", 'a "b"', ""]
    assert (tag.is_self_closing, tag.is_end, tag.is_readable) == (True, False, True)


def test_an_end_tag_right_behind_a_promise_or_sync_belongs_to_it() -> None:
    text = '<sync></sync><promise topic="a" tokens="10"></promise><async></async><sync/></sync>'
    assert sources(text) == [
        "<sync></sync>",
        '<promise topic="a" tokens="10"></promise>',
        "<async>",
        "</async>",
        "<sync/>",
        "</sync>",
    ]


def test_well_formed_tags_in_another_case_are_miscased_and_others_are_text() -> None:
    text = "<Async>x</ASYNC> <Sync/> <Promise<string>> <Asynchronous> <ASYNC"
    assert sources(text) == ["<Async>", "</ASYNC>", "<Sync/>"]
    assert all(tag.is_miscased and not tag.is_canonical for tag in read_leniently(text))
    assert read_miscased(text) == read_leniently(text)


@pytest.mark.parametrize(
    ("piece", "tail", "num_tags"),
    [
        ('<promise topic="', "", MANY),
        ("<promise topic='\"", " " * MANY, MANY),
        ("<async>", "", MANY),
        ("<async ", "", MANY),
        ("<sync></sync>", "", MANY),
        ("</promise\n", "", MANY),
        ("< <a <", "", 0),
        ('<PROMISE topic="', "", 0),
        ("<Sync/>", "", MANY),
        ("", f"<promise{' ' * MANY * 10}<", 1),
        ("", "<promise" + " a=b" * MANY, 1),
        ("", "<promise " + "= " * MANY * 10, 1),
        ("", "<promise a='" + '"' * MANY * 10, 1),
    ],
)
def test_hostile_texts_are_read_in_one_go(piece: str, tail: str, num_tags: int) -> None:
    assert len(read_leniently(piece * MANY + tail)) == num_tags
