"""Laws of escaping, printing and layouts: L1 to L5 of docs/invariants.md."""

from itertools import pairwise

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from grammar import (
    AsyncBlock,
    Document,
    Promise,
    Sync,
    Text,
    escape,
    format_document,
    is_valid,
    parse,
    print_promise,
    render,
    split_at_tags,
    unescape,
)
from tests.support.strategies import MODERATE, any_text, documents, mutated_prints, promises, tag_soup

STRINGS = st.one_of(any_text(), tag_soup())


@MODERATE
@given(STRINGS)
@example("<async")
@example("&amp;lt;sync/>")
@example("\ud800<sync/>\x00")
def test_rendering_an_escaped_string_gives_it_back(text):
    assert render(parse(escape(text))) == text
    assert render(parse(f"{escape(text)}</async>", form="branch")) == text
    assert render(parse(escape(text), form="main")) == text


@MODERATE
@given(STRINGS)
def test_unescape_undoes_escape(text):
    assert unescape(escape(text)) == text


@MODERATE
@given(STRINGS)
def test_escape_undoes_unescape_where_there_is_no_tag(text):
    tagless = "".join(split_at_tags(text)[::2])
    if is_valid(tagless) and len(split_at_tags(tagless)) == 1:
        assert escape(unescape(tagless)) == tagless


@MODERATE
@given(st.text(st.sampled_from("abc<> /")))
def test_escape_leaves_ordinary_text_alone(text):
    assert escape(text) == text


@MODERATE
@given(STRINGS, STRINGS)
def test_escape_is_injective(one, other):
    assert (escape(one) == escape(other)) == (one == other)


@MODERATE
@given(documents())
def test_parsing_a_print_gives_the_document_back(document):
    assert parse(format_document(document), form=document.form) == document


@MODERATE
@given(mutated_prints())
def test_printing_a_parsed_text_gives_the_text_back(case):
    text, form = case
    if is_valid(text, form=form):
        assert format_document(parse(text, form=form)) == text


@MODERATE
@given(documents(), st.sampled_from((None, "inline", "grouped")))
def test_formatting_twice_changes_nothing(document, layout):
    once = format_document(document, layout=layout)
    assert format_document(parse(once, form=document.form), layout=layout) == once


@MODERATE
@given(documents("response"), st.sampled_from(("inline", "grouped")))
def test_a_layout_keeps_the_answer_and_the_order_of_each_thread(document, layout):
    laid_out = parse(format_document(document, layout=layout))
    assert render(laid_out) == render(document)
    assert laid_out.promises == document.promises
    assert laid_out.blocks == document.blocks
    assert main_thread_of(laid_out) == main_thread_of(document)


def main_thread_of(document: Document) -> Document:
    return Document.of([node for node in document.nodes if not isinstance(node, AsyncBlock)], form="main")


@MODERATE
@given(documents("response"))
def test_each_layout_undoes_the_other(document):
    grouped = format_document(document, layout="grouped")
    inline = format_document(document, layout="inline")
    assert format_document(parse(grouped), layout="inline") == inline
    assert format_document(parse(inline), layout="grouped") == grouped


@MODERATE
@given(documents("response"))
def test_the_inline_layout_puts_each_block_right_behind_its_promise(document):
    nodes = parse(format_document(document, layout="inline")).nodes
    for node, following in pairwise((*nodes, None)):
        assert isinstance(node, Promise) == isinstance(following, AsyncBlock)


@MODERATE
@given(documents("response"))
def test_the_grouped_layout_puts_the_blocks_right_before_the_sync_or_the_end(document):
    nodes = parse(format_document(document, layout="grouped")).nodes
    for node, following in pairwise((*nodes, None)):
        if isinstance(node, AsyncBlock):
            assert following is None or isinstance(following, AsyncBlock | Sync)


@MODERATE
@given(documents())
def test_the_answer_is_the_text_with_block_i_at_promise_i(document):
    pieces = [node.content if isinstance(node, Text) else node for node in document.nodes]
    places = [index for index, piece in enumerate(pieces) if isinstance(piece, Promise)]
    for place, block in zip(places, document.blocks, strict=document.form == "response"):
        pieces[place] = block.content
    assert render(document) == "".join(piece for piece in pieces if isinstance(piece, str))


@MODERATE
@given(promises())
def test_a_promise_survives_its_tag(promise):
    assert parse(print_promise(promise), form="main").promises == (promise,)


@pytest.mark.parametrize(
    ("topic", "tokens"),
    [("", 10), ("x" * 81, 10), ('"', 10), ("<", 10), ("a\nb", 10), ("a\x85", 10), ("x", 0), ("x", 15), ("x", 10_000)],
)
def test_a_promise_that_no_tag_can_say_is_refused(topic, tokens):
    with pytest.raises(ValueError, match=f"no promise tag can be written for topic .* and tokens {tokens}$"):
        print_promise(Promise(topic, tokens))
