"""DAGs from JSON documents: what was exported is read back, what cannot be is refused in one sentence."""

import json
from copy import deepcopy

import pytest
from hypothesis import given
from hypothesis import strategies as st

from grammar import PastaError, parse
from pasta_toolkit.dag import build_dag
from pasta_toolkit.dag.export import to_json
from pasta_toolkit.tokens import load_counter
from simulator.dag_files import read_dag

ONE = '<promise topic="a" tokens="10"/> between <async>one two three</async>'
TEXTS = (
    "only text",
    f"first {ONE}<sync/> after",
    f"{ONE}<sync/>{ONE}{ONE}<sync/> end",
    f"text {ONE}",
)


def exported(text):
    return json.loads(to_json(build_dag(parse(text), load_counter("words"))))


def written(folder, document):
    path = folder / "graph.json"
    path.write_text(document if isinstance(document, str) else json.dumps(document), encoding="utf-8")
    return path


@pytest.mark.parametrize("text", TEXTS)
def test_what_was_exported_is_read_back(tmp_path, text):
    dag, found = build_dag(parse(text), load_counter("words")), read_dag(written(tmp_path, exported(text)))
    assert (found.chunks, found.edges, found.sequential_tokens) == (dag.chunks, dag.edges, dag.sequential_tokens)


@given(data=st.data())
def test_every_further_edge_and_every_missing_one_is_refused(tmp_path_factory, data):
    document = exported(data.draw(st.sampled_from(TEXTS[1:])))
    edges = [(edge["source"], edge["target"]) for edge in document["edges"]]
    chunks = st.integers(0, len(document["chunks"]) - 1)
    pair = data.draw(st.tuples(chunks, chunks))
    document["edges"] = [
        {"source": source, "target": target} for source, target in ({*edges} ^ {pair} if edges else {pair})
    ]
    with pytest.raises(PastaError) as caught:
        read_dag(written(tmp_path_factory.mktemp("graphs"), document))
    assert "\n" not in str(caught.value)


def changed(change):
    document = deepcopy(exported(TEXTS[1]))
    change(document)
    return document


def edge(source, target):
    return {"source": source, "target": target, "kind": "program"}


@pytest.mark.parametrize(
    ("document", "message"),
    [
        ("{", "no JSON"),
        ({"schema": "pasta.stats/1"}, "no document of schema 'pasta.dag/1'"),
        (changed(lambda d: d["edges"].append(edge(3, 0))), "chunks 0 -> 1 -> 3 -> 0 wait for each other in a circle"),
        (changed(lambda d: d["edges"].append(edge(1, 1))), "chunks 1 -> 1 wait for each other in a circle"),
        (changed(lambda d: d["edges"].append(edge(0, 9))), "there is no chunk 9, only 0 to 4"),
        (changed(lambda d: d["edges"].append(edge(1, 2))), "chunk 2 waits for chunk 1, which no answer"),
        (changed(lambda d: d["edges"].pop(2)), "chunk 3 does not wait for chunk 1, which no answer"),
        (changed(lambda d: d["chunks"][1].update(text_tokens=-4)), "text_tokens is -4; it is a whole number"),
        (changed(lambda d: d["chunks"][1].update(text_tokens=True)), "text_tokens is True; it is a whole number"),
        (changed(lambda d: d["chunks"][1].update(kind="leaf")), "kind is 'leaf'; it is one of main, branch, join"),
        (changed(lambda d: d["chunks"][1].update(thread=7)), "thread is 7; by its place it is 1"),
        (changed(lambda d: d["chunks"][1].update(text_tokens=0, tag_tokens=0)), "a branch has at least 1 token"),
        (changed(lambda d: d["chunks"][0].update(tag_tokens=0)), "a branch follows the main chunk that promises it"),
        (changed(lambda d: d["chunks"][2].update(tag_tokens=5)), "it ends with a promise, but no branch follows"),
        (changed(lambda d: d["chunks"][3].update(text_tokens=5)), "a join decodes no text, found 5 tokens"),
        (changed(lambda d: d["chunks"].clear() or d["edges"].clear()), "a graph without chunks decodes nothing"),
        (changed(lambda d: d.update(edges={})), "'edges' is no list of objects"),
        (changed(lambda d: d["measures"].update(sequential_tokens="9")), "sequential_tokens is '9'"),
    ],
)
def test_an_impossible_graph_is_refused_in_one_sentence(tmp_path, document, message):
    with pytest.raises(PastaError) as caught:
        read_dag(written(tmp_path, document))
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_branch_that_nothing_joins_is_refused(tmp_path):
    document = exported(TEXTS[1])
    document["chunks"], document["edges"] = document["chunks"][:3], document["edges"][:2]
    with pytest.raises(PastaError, match="no join waits for chunk 1, a branch"):
        read_dag(written(tmp_path, document))


def test_a_missing_graph_is_refused(tmp_path):
    with pytest.raises(PastaError, match=r"cannot read .*none\.json'"):
        read_dag(tmp_path / "none.json")
