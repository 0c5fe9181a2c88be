import json
from pathlib import Path

import pytest
from hypothesis import given

from grammar import AsyncBlock, Document, Promise, Sync, escape, format_document, parse, render
from pasta_toolkit.dag import ChunkKind, EdgeKind, build_dag, build_dags, measure, schedule
from pasta_toolkit.tokens import load_counter
from tests.support.dag_oracles import decode
from tests.support.dag_strategies import LIGHT, CharacterCounter, documents, main_documents

COUNTER = CharacterCounter()
ALPACA = Path(__file__).parents[2].parent / "shared/data/alpaca_eval_dev.jsonl"

TWO_BRANCHES = (
    'Hi.<promise topic="x" tokens="10"/><async>one</async>'
    '<promise topic="y" tokens="20"/><async>three</async>mid<sync/>end'
)


def test_two_branches_by_hand() -> None:
    dag = build_dag(parse(TWO_BRANCHES), COUNTER)
    promise = len('<promise topic="x" tokens="10"/>')
    assert [(chunk.kind, chunk.thread, chunk.text_tokens, chunk.tag_tokens, chunk.topic) for chunk in dag.chunks] == [
        ("main", 0, 3, promise, None),
        ("branch", 1, 3, 15, "x"),
        ("main", 0, 0, promise, None),
        ("branch", 2, 5, 15, "y"),
        ("main", 0, 3, 0, None),
        ("join", 0, 0, 7, None),
        ("main", 0, 3, 0, None),
    ]
    assert [(edge.source, edge.target, edge.kind) for edge in dag.edges] == [
        (0, 1, "spawn"),
        (0, 2, "program"),
        (2, 3, "spawn"),
        (2, 4, "program"),
        (1, 5, "join"),
        (3, 5, "join"),
        (4, 5, "program"),
        (5, 6, "program"),
    ]
    assert [chunk.nodes for chunk in dag.chunks] == [(0, 1), (2,), (3,), (4,), (5,), (6,), (7,)]
    assert dag.sequential_tokens == len("Hi.onethreemidend")


def test_an_end_without_sync_is_a_join_of_no_tokens() -> None:
    dag = build_dag(parse('<promise topic="x" tokens="10"/><async>one</async>'), COUNTER)
    assert [chunk.kind for chunk in dag.chunks] == ["main", "branch", "join"]
    assert (dag.chunks[-1].tokens, dag.chunks[-1].nodes) == (0, ())
    assert [edge.kind for edge in dag.edges] == ["spawn", "program", "join"]


def test_plain_text_is_one_chunk_and_an_empty_document_has_none() -> None:
    assert len(build_dag(parse("just text"), COUNTER).chunks) == 1
    assert build_dag(parse(""), COUNTER).chunks == ()


def test_a_literal_tag_counts_as_it_is_decoded_and_as_it_is_rendered() -> None:
    dag = build_dag(parse("&lt;sync/>"), COUNTER)
    assert (dag.chunks[0].text_tokens, dag.sequential_tokens) == (len("&lt;sync/>"), len("<sync/>"))


def test_a_branch_alone_is_one_chunk_with_both_tags() -> None:
    dag = build_dag(parse("some content</async>", form="branch"), COUNTER)
    (chunk,) = dag.chunks
    assert (chunk.kind, chunk.text_tokens, chunk.tag_tokens, chunk.nodes) == ("branch", 12, 15, (0,))
    assert dag.sequential_tokens == 12
    assert measure(dag).num_promises == 0


def test_branches_of_the_main_form_are_as_long_as_promised() -> None:
    dag = build_dag(parse('a<promise topic="x" tokens="70"/>b<sync/>', form="main"), COUNTER)
    assert (dag.chunks[1].text_tokens, dag.chunks[1].nodes) == (70, ())
    assert dag.sequential_tokens == len("ab") + 70


@pytest.mark.parametrize(
    "document",
    [
        Document((Promise("x", 10),)),
        Document((AsyncBlock("x"),)),
        Document((Sync(),)),
        Document((Promise("x", 10), AsyncBlock("x")), form="main"),
        Document((Sync(),), form="branch"),
    ],
)
def test_tags_in_an_impossible_order_are_refused(document: Document) -> None:
    with pytest.raises(ValueError, match=f"in no order that form '{document.form}' allows"):
        build_dag(document, COUNTER)


@LIGHT
@given(documents())
def test_every_node_belongs_to_exactly_one_chunk(document: Document) -> None:
    nodes = [node for chunk in build_dag(document, COUNTER).chunks for node in chunk.nodes]
    assert sorted(nodes) == list(range(len(document.nodes)))


@LIGHT
@given(documents())
def test_both_layouts_have_equal_dags(document: Document) -> None:
    inline = parse(format_document(document, layout="inline"))
    grouped = parse(format_document(document, layout="grouped"))
    assert build_dag(inline, COUNTER) == build_dag(grouped, COUNTER) == build_dag(document, COUNTER)


@LIGHT
@given(documents())
def test_all_decoded_characters_are_those_of_the_formatted_document(document: Document) -> None:
    dag = build_dag(document, COUNTER)
    assert sum(chunk.tokens for chunk in dag.chunks) == len(format_document(document, layout="inline"))
    assert dag.sequential_tokens == len(render(document))


@LIGHT
@given(documents())
def test_a_decode_token_by_token_takes_the_steps_and_threads_that_the_dag_says(document: Document) -> None:
    measures = measure(build_dag(document, COUNTER))
    decoded = decode(document)
    assert measures.critical_path_tokens == decoded.num_steps
    assert measures.width == decoded.most_threads
    assert measures.decoded_tokens == decoded.num_tokens


@LIGHT
@given(main_documents())
def test_the_main_form_has_the_graph_of_a_response_with_branches_of_the_promised_length(document: Document) -> None:
    nodes = []
    for node in document.nodes:
        nodes += [node, AsyncBlock("x" * node.tokens)] if isinstance(node, Promise) else [node]
    response = build_dag(Document.of(nodes), COUNTER)
    main = build_dag(document, COUNTER)
    assert (main.chunks, main.edges, main.sequential_tokens) == (
        response.chunks,
        response.edges,
        response.sequential_tokens,
    )


@LIGHT
@given(documents())
def test_a_spawn_leads_from_the_main_thread_and_a_join_back_to_it(document: Document) -> None:
    dag = build_dag(document, COUNTER)
    for edge in dag.edges:
        source, target = dag.chunks[edge.source], dag.chunks[edge.target]
        assert (source.thread == 0) == (edge.kind is not EdgeKind.JOIN)
        assert (target.thread == 0) == (edge.kind is not EdgeKind.SPAWN)
        assert (target.kind is ChunkKind.JOIN) or (edge.kind is not EdgeKind.JOIN)


@LIGHT
@given(documents())
def test_several_documents_at_once_give_the_same_dags(document: Document) -> None:
    plain = parse("plain")
    counter = load_counter("words")
    assert build_dags([document, plain], counter) == [build_dag(document, counter), build_dag(plain, counter)]


def test_twenty_thousand_promises_are_measured() -> None:
    text = '<promise topic="x" tokens="10"/><async>y</async>' * 20_000
    measures = measure(build_dag(parse(text), COUNTER))
    assert (measures.num_promises, measures.num_groups, measures.num_syncs) == (20_000, 1, 0)
    assert measures.critical_path_tokens == 20_000 * len('<promise topic="x" tokens="10"/>') + len("<async>y</async>")


@pytest.mark.skipif(not ALPACA.is_file(), reason="shared/data/alpaca_eval_dev.jsonl is not there")
def test_real_answers_cut_at_blank_lines_keep_their_tokens() -> None:
    answers = [json.loads(line)["output"] for line in ALPACA.read_text(encoding="utf-8").splitlines()]
    counter = load_counter()
    parsed = [
        parse(
            "\n\n".join(
                f'<promise topic="x" tokens="10"/><async>{escape(part)}</async>' for part in answer.split("\n\n")
            )
        )
        for answer in answers
    ]
    for answer, dag in zip(answers, build_dags(parsed, counter), strict=True):
        assert dag.sequential_tokens == counter.count(answer)
        assert schedule(dag).num_steps <= sum(chunk.tokens for chunk in dag.chunks)
