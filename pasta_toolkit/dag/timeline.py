"""A DAG laid out in time: what exporters and drawings show. Computed once; knows no format and no colours."""

from dataclasses import dataclass
from itertools import pairwise

from pasta_toolkit.dag.graph import MAIN_THREAD, Chunk, ChunkKind, Dag, Edge
from pasta_toolkit.dag.measures import Measures, measure
from pasta_toolkit.dag.schedule import Schedule, critical_path, schedule

__all__ = ["Lane", "Timeline", "Wait", "chunk_label", "timeline"]


@dataclass(frozen=True, slots=True)
class Wait:
    """A stretch of steps, half open, in which a thread waits at a sync."""

    start: int
    finish: int


@dataclass(frozen=True, slots=True)
class Lane:
    """One thread: its chunks in order, and where it waits between them."""

    thread: int
    topic: str | None
    chunks: tuple[int, ...]
    waits: tuple[Wait, ...]

    @property
    def is_main(self) -> bool:
        """Whether this is the main thread."""
        return self.thread == MAIN_THREAD


@dataclass(frozen=True, slots=True)
class Timeline:
    """A DAG with its earliest schedule, critical path, measures and lanes (the main thread first)."""

    dag: Dag
    schedule: Schedule
    critical_path: tuple[int, ...]
    critical_chunks: frozenset[int]
    measures: Measures
    lanes: tuple[Lane, ...]

    def is_critical(self, edge: Edge) -> bool:
        """Say whether the critical path goes along this edge."""
        return self.schedule.waited_for[edge.target] == edge.source and edge.target in self.critical_chunks


def timeline(dag: Dag) -> Timeline:
    """Lay a DAG out in time."""
    plan, path = schedule(dag), critical_path(dag)
    return Timeline(dag, plan, path, frozenset(path), measure(dag), tuple(_lanes(dag, plan)))


def chunk_label(chunk: Chunk) -> str:
    """Name a chunk for a reader.

    >>> chunk_label(Chunk(ChunkKind.BRANCH, 2, 40, 6, "sleep hygiene"))
    '2 · sleep hygiene'
    """
    if chunk.kind is ChunkKind.BRANCH:
        return f"{chunk.thread} · {chunk.topic}" if chunk.topic is not None else "branch"
    if chunk.kind is ChunkKind.JOIN:
        return "sync" if chunk.nodes else "end"
    return "main"


def _lanes(dag: Dag, plan: Schedule) -> list[Lane]:
    chunks_of: dict[int, list[int]] = {}
    for index, chunk in enumerate(dag.chunks):
        chunks_of.setdefault(chunk.thread, []).append(index)
    return [
        Lane(thread, dag.chunks[chunks[0]].topic, tuple(chunks), _waits(chunks, plan))
        for thread, chunks in chunks_of.items()
    ]


def _waits(chunks: list[int], plan: Schedule) -> tuple[Wait, ...]:
    gaps = ((plan.finishes[earlier], plan.starts[later]) for earlier, later in pairwise(chunks))
    return tuple(Wait(start, finish) for start, finish in gaps if start < finish)
