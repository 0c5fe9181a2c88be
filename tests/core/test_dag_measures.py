import networkx
import pytest
from hypothesis import given

from grammar import Document, escape, parse, render
from pasta_toolkit.dag import Chunk, ChunkKind, Dag, Edge, EdgeKind, build_dag, critical_path, measure, schedule, width
from pasta_toolkit.tokens import load_counter
from tests.support.dag_oracles import all_chains, longest_chain_tokens, most_overlapping, step_widths
from tests.support.dag_strategies import LIGHT, CharacterCounter, documents, graphs

COUNTER = CharacterCounter()


@LIGHT
@given(graphs())
def test_the_critical_path_is_the_longest_of_all_chains(dag: Dag) -> None:
    path = critical_path(dag)
    assert sum(dag.chunks[index].tokens for index in path) == longest_chain_tokens(dag) == schedule(dag).num_steps
    assert not path or list(path) in all_chains(dag)


@LIGHT
@given(graphs())
def test_the_critical_path_is_as_long_as_networkx_says(dag: Dag) -> None:
    graph = networkx.DiGraph()
    graph.add_weighted_edges_from(("start", index, chunk.tokens) for index, chunk in enumerate(dag.chunks))
    graph.add_weighted_edges_from((edge.source, edge.target, dag.chunks[edge.target].tokens) for edge in dag.edges)
    assert schedule(dag).num_steps == networkx.dag_longest_path_length(graph)


@LIGHT
@given(graphs())
def test_width_is_the_maximum_and_parallelism_the_mean_of_the_steps(dag: Dag) -> None:
    widths = step_widths(dag)
    measures = measure(dag)
    assert measures.width == width(dag) == most_overlapping(dag)
    assert sum(widths) == measures.decoded_tokens
    assert len(widths) == measures.critical_path_tokens
    assert not widths or 1 <= measures.parallelism <= measures.width


@LIGHT
@given(graphs())
def test_the_critical_path_lies_between_the_longest_chunk_and_all_tokens(dag: Dag) -> None:
    measures = measure(dag)
    assert max((chunk.tokens for chunk in dag.chunks), default=0) <= measures.critical_path_tokens
    assert measures.critical_path_tokens <= measures.decoded_tokens
    assert measures.tag_tokens <= measures.decoded_tokens


@LIGHT
@given(graphs())
def test_every_chunk_starts_when_the_last_that_it_waits_for_has_ended(dag: Dag) -> None:
    plan = schedule(dag)
    for index, chunk in enumerate(dag.chunks):
        ends = [plan.finishes[edge.source] for edge in dag.edges if edge.target == index]
        assert plan.starts[index] == max(ends, default=0)
        assert plan.finishes[index] == plan.starts[index] + chunk.tokens


@LIGHT
@given(documents())
def test_parallelism_times_critical_path_is_all_that_is_decoded(document: Document) -> None:
    measures = measure(build_dag(document, COUNTER))
    if measures.critical_path_tokens:
        assert measures.parallelism * measures.critical_path_tokens == pytest.approx(measures.decoded_tokens)
        assert measures.ideal_speedup * measures.critical_path_tokens == pytest.approx(measures.sequential_tokens)


@LIGHT
@given(documents())
def test_without_promises_nothing_is_gained_and_nothing_lost(document: Document) -> None:
    plain = parse(escape(render(document)))
    measures = measure(build_dag(plain, COUNTER))
    assert (measures.parallelism, measures.tag_overhead, measures.num_promises) == (1, 0, 0)
    if escape(render(document)) == render(document):
        assert measures.ideal_speedup == 1


@LIGHT
@given(documents())
def test_ideal_speedup_never_exceeds_parallelism_where_counting_is_additive(document: Document) -> None:
    measures = measure(build_dag(document, COUNTER))
    assert measures.is_empty or measures.ideal_speedup <= measures.parallelism


def test_groups_and_syncs_are_counted_apart() -> None:
    branch = '<promise topic="x" tokens="10"/><async>y</async>'
    measures = measure(build_dag(parse(f"{branch}{branch}<sync/>{branch}<sync/>and{branch}"), COUNTER))
    assert (measures.num_promises, measures.num_groups, measures.num_syncs) == (4, 3, 2)


def test_of_two_critical_paths_the_one_through_the_lower_chunk_counts() -> None:
    chunks = tuple(Chunk(ChunkKind.MAIN, 0, tokens, 0) for tokens in (1, 5, 5, 0))
    pairs = ((0, 1), (0, 2), (1, 3), (2, 3))
    dag = Dag(chunks, tuple(Edge(source, target, EdgeKind.PROGRAM) for source, target in pairs), 11, "any")
    assert critical_path(dag) == (0, 1, 3)


def test_a_thread_that_ends_where_another_begins_does_not_overlap_it() -> None:
    chunks = (Chunk(ChunkKind.MAIN, 0, 4, 0), Chunk(ChunkKind.BRANCH, 1, 4, 0))
    assert width(Dag(chunks, (Edge(0, 1, EdgeKind.SPAWN),), 8, "any")) == 1


def test_the_main_thread_is_not_alive_while_it_waits() -> None:
    waiting = parse('<promise topic="x" tokens="10"/><async>content</async><sync/>')
    going_on = parse('<promise topic="x" tokens="10"/><async>content</async>text<sync/>')
    assert width(build_dag(waiting, COUNTER)) == 1
    assert width(build_dag(going_on, COUNTER)) == 2


def test_an_empty_document_has_ratios_of_one_and_says_that_it_is_empty() -> None:
    measures = measure(build_dag(parse(""), COUNTER))
    assert (measures.ideal_speedup, measures.parallelism, measures.tag_overhead, measures.width) == (1, 1, 0, 0)
    assert measures.is_empty


def test_tags_around_nothing_are_an_empty_answer_too() -> None:
    measures = measure(build_dag(parse('<promise topic="x" tokens="10"/><async></async>'), COUNTER))
    assert measures.is_empty
    assert measures.ideal_speedup == 0


def test_the_embedded_tokenizer_counts_three_tokens_for_each_simple_tag() -> None:
    dag = build_dag(parse('<promise topic="sleep hygiene" tokens="120"/><async>x</async><sync/>'), load_counter())
    assert [chunk.tag_tokens for chunk in dag.chunks][1:] == [6, 3]
