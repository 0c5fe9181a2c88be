import json
import re
from itertools import pairwise
from xml.etree import ElementTree

import networkx
import pytest
from hypothesis import given

from grammar import Document, parse
from pasta_toolkit.dag import Dag, build_dag, critical_path, measure, schedule
from pasta_toolkit.dag.export import dag_document, to_dot, to_graphml, to_json, to_mermaid, to_networkx
from pasta_toolkit.dag.timeline import timeline
from tests.support.dag_samples import HOSTILE_TOPICS, annotated
from tests.support.dag_strategies import LIGHT, CharacterCounter, documents, graphs

COUNTER = CharacterCounter()
# A DOT string: anything but quotes and backslashes, or a backslash and what it escapes.
DOT_STRING = r'"(?:[^"\\]|\\.)*"'
DOT_LINE = re.compile(rf"  c\d+(?: -> c\d+)? \[(?:\w+={DOT_STRING}(?:, )?|\w+=[\d.]+(?:, )?)+\];")
MERMAID_LINE = re.compile(
    r'  c\d+(\["[^"]*"\]|\("[^"]*"\)|\{\{"[^"]*"\}\}):::\w+|  c\d+ (-->|-\.->) c\d+|  (classDef|class|linkStyle) [^"]*'
)


def dag_of(text: str) -> Dag:
    return build_dag(parse(text), COUNTER)


HOSTILE = dag_of(annotated(*HOSTILE_TOPICS))


def decoded_mermaid(label: str) -> str:
    return re.sub(r"#(\d+);", lambda match: chr(int(match[1])), label)


@LIGHT
@given(documents())
def test_networkx_sees_the_same_graph_and_finds_the_same_critical_path(document: Document) -> None:
    dag = build_dag(document, COUNTER)
    graph = to_networkx(dag)
    assert networkx.is_directed_acyclic_graph(graph)
    assert (graph.number_of_nodes(), graph.number_of_edges()) == (len(dag.chunks), len(dag.edges))
    first = dag.chunks[0].tokens if dag.chunks else 0
    assert first + networkx.dag_longest_path_length(graph, weight="tokens") == measure(dag).critical_path_tokens
    assert graph.graph["ideal_speedup"] == measure(dag).ideal_speedup


@LIGHT
@given(graphs())
def test_critical_edges_are_those_between_neighbours_on_the_critical_path(dag: Dag) -> None:
    view = timeline(dag)
    path = critical_path(dag)
    expected = set(pairwise(path))
    assert {(edge.source, edge.target) for edge in dag.edges if view.is_critical(edge)} == expected


def test_nodes_and_edges_of_the_networkx_graph_carry_all_that_is_known() -> None:
    graph = to_networkx(dag_of(annotated("diet")))
    assert graph.nodes[1] == {
        "label": "1 · diet",
        "kind": "branch",
        "thread": 1,
        "topic": "diet",
        "text_tokens": 30,
        "tag_tokens": 15,
        "tokens": 45,
        "start": 54,
        "finish": 99,
        "is_critical": True,
    }
    assert graph.edges[0, 1] == {"kind": "spawn", "tokens": 45, "is_critical": True}
    assert "topic" not in graph.nodes[0]


def test_graphml_is_read_back_by_networkx_and_holds_every_topic() -> None:
    text = to_graphml(HOSTILE)
    graph = networkx.parse_graphml(text)
    topics = [attributes["topic"] for _, attributes in graph.nodes(data=True) if "topic" in attributes]
    assert topics == [topic.replace("\ufffe", "\ufffd") for topic in HOSTILE_TOPICS]
    assert text.startswith('<?xml version="1.0" encoding="UTF-8"?>\n')
    keys = [element.get("id") for element in ElementTree.fromstring(text) if element.tag.endswith("key")]
    assert len(keys) == len(set(keys))


def test_every_line_of_dot_is_well_formed_whatever_the_topics_are() -> None:
    lines = to_dot(HOSTILE).split("\n")
    assert all(DOT_LINE.fullmatch(line) for line in lines if line.startswith("  c"))
    assert sum(" -> " in line for line in lines) == len(HOSTILE.edges)


def test_dot_labels_mean_the_topics() -> None:
    for index, topic in enumerate(HOSTILE_TOPICS):
        label = re.search(rf"  c{2 * index + 1} \[label=({DOT_STRING})", to_dot(HOSTILE))[1][1:-1]
        head = label.rsplit("\\n", 1)[0]
        assert head.replace("&amp;", "&").replace("\\\\", "\\") == f"{index + 1} · {topic}"


def test_every_line_of_mermaid_is_well_formed_whatever_the_topics_are() -> None:
    first, *lines = to_mermaid(HOSTILE).removesuffix("\n").split("\n")
    assert first == "flowchart LR"
    assert all(MERMAID_LINE.fullmatch(line) for line in lines)


def test_mermaid_labels_mean_the_topics() -> None:
    for index, topic in enumerate(HOSTILE_TOPICS):
        label = re.search(rf'  c{2 * index + 1}\("([^"]*)"\)', to_mermaid(HOSTILE))[1]
        assert not re.search(r"[`<>|\[\]{}\\*_$&]", label.replace("<br/>", ""))
        decoded = decoded_mermaid(label).replace("\u2060", "")
        assert decoded == f"{index + 1} · {topic}<br/>{HOSTILE.chunks[2 * index + 1].tokens} tokens"


def test_a_backslash_and_an_n_in_a_topic_do_not_break_a_line_in_mermaid() -> None:
    assert "\\n" not in decoded_mermaid(to_mermaid(HOSTILE))


def test_json_holds_schema_measures_schedule_and_path() -> None:
    dag = dag_of(annotated("diet", "sleep"))
    document = json.loads(to_json(dag))
    assert document == json.loads(json.dumps(dag_document(dag)))
    assert document["schema"] == "pasta.dag/1"
    assert document["tokenizer"] == {"name": "characters", "is_exact": True}
    assert document["measures"]["critical_path_tokens"] == measure(dag).critical_path_tokens
    assert document["measures"]["parallelism"] == measure(dag).parallelism
    assert document["critical_path"] == list(critical_path(dag))
    assert [chunk["start"] for chunk in document["chunks"]] == list(schedule(dag).starts)
    assert [chunk["kind"] for chunk in document["chunks"]] == ["main", "branch", "main", "branch", "join", "main"]
    assert sum(edge["is_critical"] for edge in document["edges"]) == len(critical_path(dag)) - 1


@pytest.mark.parametrize("write", [to_json, to_dot, to_mermaid, to_graphml])
@pytest.mark.parametrize("text", ["", "plain", annotated(*HOSTILE_TOPICS)])
def test_the_same_dag_gives_the_same_text(write, text: str) -> None:
    assert write(dag_of(text)) == write(dag_of(text))
    assert write(dag_of(text)).endswith("\n")
