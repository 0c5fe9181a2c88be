"""Text in reading order: complete, in order, as early as it is certain, and never half a character."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from grammar import AsyncBlock, Promise, Sync, Text, escape, parse, print_promise, render
from reference_engine.reading_order import ReadingOrder
from reference_engine.tag_reader import TEXT, TagReader
from tests.support.dag_strategies import documents

FRAGMENTS = "< </ & &amp; &lt; lt; amp; async sync promise /> > é x nous <async> </async> <sync/> <promise"
TAGS = [" ", '<promise topic="a" tokens="10"/>', '<promise topic="', "<promise>"]
SOUP = st.lists(st.sampled_from([*FRAGMENTS.split(), *TAGS]), max_size=12)


def joined(pieces):
    """Join neighbouring texts."""
    result = []
    for piece in pieces:
        if result and result[-1][0] == piece.kind == TEXT:
            result[-1] = (TEXT, result[-1][1] + piece.content)
        else:
            result.append((piece.kind, piece.content))
    return result


@given(parts=SOUP)
@settings(max_examples=200)
def test_pieces_do_not_depend_on_how_text_is_cut(parts):
    whole, cut, lone = TagReader(), TagReader(), TagReader()
    text = "".join(parts)
    expected = joined([*whole.read(text), *whole.finish()])
    assert joined([piece for part in parts for piece in cut.read(part)] + cut.finish()) == expected
    assert joined([piece for character in text for piece in lone.read(character)] + lone.finish()) == expected


@given(document=documents())
@settings(max_examples=50)
def test_pieces_of_a_document_are_its_nodes(document):
    threads = threads_of(document)
    reader = TagReader()
    pieces = joined([*reader.read(threads[0].decode()), *reader.finish()])
    main = [node for node in document.nodes if not isinstance(node, AsyncBlock)]
    names = {Promise: "PROMISE", Sync: "SYNC"}
    merged = []
    for node in main:
        if isinstance(node, Text) and merged and isinstance(merged[-1], Text):
            merged[-1] = Text(merged[-1].content + node.content)
        else:
            merged.append(node)
    assert [kind for kind, _ in pieces] == [names.get(type(node), TEXT) for node in merged]
    assert [content for kind, content in pieces if kind == TEXT] == [
        node.content for node in merged if isinstance(node, Text)
    ]


@pytest.mark.parametrize(
    ("text", "held"),
    [
        ("plain", ""),
        ("a < b", ""),
        ("a <", "<"),
        ("<asyn", "<asyn"),
        ("<async", "<async"),
        ("<asynchronous", ""),
        ("<div>", ""),
        ('<promise topic="a', '<promise topic="a'),
        ("AT&T", ""),
        ("R&", "&"),
        ("&am", "&am"),
        ("&lt;sy", "&lt;sy"),
        ("&lt;div", ""),
        ("&lt;sync", "&lt;sync"),
        ("&lt;sync ", ""),
    ],
)
def test_only_what_may_still_become_a_tag_is_held_back(text, held):
    reader = TagReader()
    given_out = "".join(piece.content for character in text for piece in reader.read(character))
    rest = "".join(piece.content for piece in reader.finish())
    assert rest == (held if held != "&lt;sync" else "<sync")
    assert len(given_out) + len(held) == len(text) - (3 if text == "&lt;sync " else 0)


def test_what_only_looks_like_a_tag_is_text_once_it_is_too_long():
    reader = TagReader()
    given_out = [reader.read(character) for character in "<promise " + "x" * 200]
    assert any(given_out)
    rest = reader.finish()
    assert joined([piece for pieces in given_out for piece in pieces] + rest) == [(TEXT, "<promise " + "x" * 200)]


def threads_of(document):
    """Return the bytes that each thread writes."""
    main, branches = "", []
    text = ""
    for node in document.nodes:
        if isinstance(node, Text):
            text += node.content
        elif isinstance(node, AsyncBlock):
            branches.append(f"<async>{escape(node.content)}</async>".encode())
        else:
            tag = print_promise(node) if isinstance(node, Promise) else "<sync/>"
            main, text = main + escape(text) + tag, ""
    return [(main + escape(text)).encode(), *branches]


@given(document=documents(), data=st.data())
@settings(max_examples=60)
def test_texts_joined_are_the_rendered_response_however_threads_take_turns(document, data):
    threads = threads_of(document)
    order, given_out = ReadingOrder(), []
    left = dict(enumerate(threads))
    while left:
        thread = data.draw(st.sampled_from(sorted(left)))
        length = data.draw(st.integers(1, 40))
        order.read(thread, left[thread][:length])
        left[thread] = left[thread][length:]
        if not left[thread]:
            order.end(thread)
            del left[thread]
        given_out.append(order.ready())
    assert "".join(given_out) == render(document)
    assert order.promises == list(document.promises)


def test_text_is_given_out_as_soon_as_everything_before_it_is_final():
    order = ReadingOrder()

    def read(thread, text):
        order.read(thread, text.encode())
        return order.ready()

    assert read(0, "Two: ") == "Two: "
    assert read(0, '<promise topic="a" tokens="10"/> and <promise topic="b" tokens="10"/>.') == ""
    assert read(2, "<async>second</async>") == ""
    assert read(1, "<async>fi") == "fi"
    assert read(1, "rst</async>") == "rst"
    order.end(2)
    assert order.ready() == ""
    order.end(1)
    assert order.ready() == " and second."
    assert read(0, "<sync/> Both.") == " Both."


def test_no_half_character_is_given_out():
    order = ReadingOrder()
    given_out = []
    for byte in "é漢🙂".encode():
        order.read(0, bytes([byte]))
        given_out.append(order.ready())
    assert [text for text in given_out if text] == ["é", "漢", "🙂"]


def test_a_character_that_never_ends_is_shown_as_missing():
    order = ReadingOrder()
    order.read(0, b"a\xe6\xbc")
    assert order.ready() == "a"
    order.end(0)
    assert order.ready() == "\ufffd"


def test_in_text_that_is_not_annotated_nothing_is_a_tag():
    order = ReadingOrder(is_annotated=False)
    text = 'a <sync/> &lt;sync/> <promise topic="a" tokens="10"/>'
    order.read(0, text.encode())
    assert order.ready() == text
    assert parse(escape(text)).promises == ()
