"""Every node knows exactly where it stands in the source: L6 of docs/invariants.md."""

from hypothesis import given

from grammar import AsyncBlock, Document, Sync, Text, escape, format_document, is_valid, parse, print_promise
from tests.support.strategies import MODERATE, documents, mutated_prints

BRANCH_END = "</async>"


def canonical_print(node) -> str:
    if isinstance(node, Text):
        return escape(node.content)
    if isinstance(node, AsyncBlock):
        return f"<async>{escape(node.content)}</async>"
    return "<sync/>" if isinstance(node, Sync) else print_promise(node)


@MODERATE
@given(documents())
def test_the_span_of_a_node_cuts_its_print_out_of_the_source(document):
    text = format_document(document)
    for node in parse(text, form=document.form).nodes:
        assert node.span.of(text) == canonical_print(node)


@MODERATE
@given(documents("response"))
def test_the_content_span_of_a_block_lies_between_its_tags(document):
    text = format_document(document)
    for block in parse(text).blocks:
        assert block.content_span.of(text) == escape(block.content)
        assert block.span.of(text) == f"<async>{block.content_span.of(text)}</async>"


@MODERATE
@given(mutated_prints())
def test_the_spans_of_a_document_tile_its_source(case):
    text, form = case
    if is_valid(text, form=form):
        nodes = parse(text, form=form).nodes
        places = [0, *(node.span.end for node in nodes)]
        assert [node.span.start for node in nodes] == places[:-1]
        assert text[places[-1] :] == (BRANCH_END if form == "branch" else "")


def test_the_end_of_a_branch_belongs_to_no_node():
    assert parse(f"a{BRANCH_END}", form="branch") == Document((Text("a"),), "branch")
    assert parse(BRANCH_END, form="branch") == Document((), "branch")


def test_joined_texts_span_both():
    one, two = parse("ab").nodes[0], parse("<promised>").nodes[0]
    assert Document.of([one, Text(""), two]).nodes == (Text("ab<promised>"),)
    assert Document.of([one, two]).nodes[0].span.end == two.span.end
