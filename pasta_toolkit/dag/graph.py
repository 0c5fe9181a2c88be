"""What a dependency DAG is: chunks, typed edges, the graph. Frozen values; knows no tokenizer and no pictures."""

from dataclasses import dataclass, field
from enum import StrEnum

from grammar import Form

__all__ = ["MAIN_THREAD", "Chunk", "ChunkKind", "Dag", "Edge", "EdgeKind"]

MAIN_THREAD = 0


class ChunkKind(StrEnum):
    """Which part of a decode a chunk is."""

    MAIN = "main"
    BRANCH = "branch"
    JOIN = "join"


class EdgeKind(StrEnum):
    """Why one chunk waits for another: the order of the main thread, a promise, or a sync."""

    PROGRAM = "program"
    SPAWN = "spawn"
    JOIN = "join"


@dataclass(frozen=True, slots=True)
class Chunk:
    """Tokens that one thread decodes in a row, without waiting for another thread in between.

    `thread` is 0 for the main thread and i for the branch of the i-th promise, counted from 1. `nodes` are indices into
    `Document.nodes`; they do not take part in comparison, because a layout moves nodes and changes no chunk. They are
    empty for a join at the end without a sync and for a branch whose length is only promised (form `main`).
    """

    kind: ChunkKind
    thread: int
    text_tokens: int
    tag_tokens: int
    topic: str | None = None
    nodes: tuple[int, ...] = field(default=(), compare=False)

    @property
    def tokens(self) -> int:
        """All tokens of the chunk, text and tags."""
        return self.text_tokens + self.tag_tokens


@dataclass(frozen=True, slots=True)
class Edge:
    """Chunk `target` starts after chunk `source` has ended; both are indices into `Dag.chunks`."""

    source: int
    target: int
    kind: EdgeKind


@dataclass(frozen=True, slots=True)
class Dag:
    """Chunks in topological order and the edges among them.

    Acyclic by construction: an edge leads from a lower index to a higher one. Edges are ordered by target, then by
    source, each pair once, so that one pass in order meets every chunk after all that it waits for.
    `sequential_tokens` are the tokens of the rendered answer; `tokenizer` is the name of what counted all tokens.
    """

    chunks: tuple[Chunk, ...]
    edges: tuple[Edge, ...]
    sequential_tokens: int
    tokenizer: str
    is_exact: bool = True
    form: Form = "response"

    def __post_init__(self) -> None:
        """Refuse edges that could close a cycle, lead nowhere, or stand out of order."""
        previous = (0, -1)
        for edge in self.edges:
            if not 0 <= edge.source < edge.target < len(self.chunks):
                raise ValueError(f"an edge leads from a lower to a higher chunk, found {edge.source} -> {edge.target}")
            if (edge.target, edge.source) <= previous:
                raise ValueError(f"edges are ordered by target, then source, each once; {edge} is out of order")
            previous = (edge.target, edge.source)

    @property
    def num_branches(self) -> int:
        """The number of branches, which is that of promises."""
        return sum(chunk.kind is ChunkKind.BRANCH for chunk in self.chunks)
