"""Random documents, random graphs and a counter for the tests of `pasta_toolkit.dag`."""

from collections.abc import Sequence
from dataclasses import dataclass

from hypothesis import settings
from hypothesis import strategies as st

from grammar import AsyncBlock, Document, Node, Promise, Sync, Text
from pasta_toolkit.dag import Chunk, ChunkKind, Dag, Edge, EdgeKind

__all__ = ["LIGHT", "CharacterCounter", "documents", "graphs", "main_documents"]

LIGHT = settings(deadline=None, max_examples=50)


@dataclass(frozen=True, slots=True)
class CharacterCounter:
    """A token is a character: counting is exactly additive, so laws hold without a margin."""

    name: str = "characters"
    is_exact: bool = True

    def count(self, text: str) -> int:
        return len(text)

    def count_batch(self, texts: Sequence[str]) -> list[int]:
        return [len(text) for text in texts]


texts = st.one_of(
    st.text(max_size=8),
    st.sampled_from(["", "one two", "<sync/>", "&lt;async>", "a < b", "漢字", "<"]),
)
topics = st.sampled_from(["x", "three words here", "漢字", "[a|b]\\{c}", "x" * 80])
promises = st.builds(Promise, topics, st.integers(1, 999).map(lambda tens: tens * 10))


@st.composite
def _groups(draw: st.DrawFn) -> list[Node]:
    """Promises and their blocks in any legal order, with text among them, and a sync that the caller may drop."""
    nodes: list[Node] = []
    outstanding = 0
    for _ in range(draw(st.integers(1, 4))):
        nodes += [Text(draw(texts)), draw(promises), Text(draw(texts))]
        outstanding += 1
        for _ in range(draw(st.integers(0, outstanding))):
            nodes += [AsyncBlock(draw(texts)), Text(draw(texts))]
            outstanding -= 1
    nodes += [AsyncBlock(draw(texts)) for _ in range(outstanding)]
    return [*nodes, Text(draw(texts)), Sync()]


@st.composite
def documents(draw: st.DrawFn) -> Document:
    nodes = [node for group in draw(st.lists(_groups(), max_size=3)) for node in group]
    if nodes and draw(st.booleans()):
        nodes.pop()
    return Document.of([*nodes, Text(draw(texts))])


@st.composite
def main_documents(draw: st.DrawFn) -> Document:
    nodes = (node for node in draw(documents()).nodes if not isinstance(node, AsyncBlock))
    return Document.of(nodes, form="main")


@st.composite
def graphs(draw: st.DrawFn) -> Dag:
    """Any graph that `Dag` allows, chunks of 0 tokens included; far wilder than what documents give."""
    num_chunks = draw(st.integers(0, 8))
    chunks = [
        Chunk(ChunkKind.MAIN, thread, draw(st.integers(0, 5)), draw(st.integers(0, 3))) for thread in range(num_chunks)
    ]
    pairs = [(source, target) for target in range(num_chunks) for source in range(target)]
    kept = draw(st.lists(st.sampled_from(pairs), unique=True)) if pairs else []
    edges = [Edge(source, target, EdgeKind.PROGRAM) for target, source in sorted((b, a) for a, b in kept)]
    return Dag(tuple(chunks), tuple(edges), draw(st.integers(0, 50)), "any")
