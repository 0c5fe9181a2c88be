"""Reads dependency DAGs from JSON documents, `pasta.dag/1` as `pasta dag --format json` writes them. Trusts no edge.

A graph is taken as it is or refused in one sentence: what waits in a circle never starts, and what is no graph of
promises, branches and syncs could not have been decoded.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from graphlib import CycleError, TopologicalSorter
from pathlib import Path
from typing import Any

from grammar import PastaError
from pasta_toolkit.dag import MAIN_THREAD, Chunk, ChunkKind, Dag, Edge, EdgeKind

__all__ = ["DagFileError", "read_dag"]

SCHEMA = "pasta.dag/1"


class DagFileError(PastaError):
    """Report a file that holds no DAG, or a graph that nothing could decode."""


def read_dag(path: Path) -> Dag:
    """Read a DAG.

    Raises:
        DagFileError: no such file, no document of this schema, a cycle, or a graph that is impossible otherwise.
    """
    document = _document(path)
    chunks = [_chunk(path, index, entry) for index, entry in enumerate(_list(path, document, "chunks"))]
    if not chunks:
        raise DagFileError(f"{path}: a graph without chunks decodes nothing")
    given = _edges(path, _list(path, document, "edges"), len(chunks))
    _refuse_cycles(path, given)
    expected = list(_expected_edges(path, chunks))
    _refuse_other_edges(path, given, {(edge.source, edge.target) for edge in expected})
    measures = document.get("measures") or {}
    sequential = _count(path, "measures", measures, "sequential_tokens", default=sum(c.text_tokens for c in chunks))
    tokenizer = (document.get("tokenizer") or {}).get("name", "unknown")
    return Dag(tuple(chunks), tuple(expected), sequential, str(tokenizer))


def _document(path: Path) -> Mapping[str, Any]:
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise DagFileError(f"cannot read {str(path)!r}: {error.strerror}") from error
    except (UnicodeDecodeError, json.JSONDecodeError) as error:
        raise DagFileError(f"{path}: no JSON: {error}") from error
    if not isinstance(document, dict) or document.get("schema") != SCHEMA:
        raise DagFileError(f"{path}: no document of schema {SCHEMA!r}, as pasta dag --format json writes it")
    return document


def _list(path: Path, document: Mapping[str, Any], key: str) -> Sequence[Mapping[str, Any]]:
    found = document.get(key)
    if not isinstance(found, list) or not all(isinstance(entry, dict) for entry in found):
        raise DagFileError(f"{path}: {key!r} is no list of objects")
    return found


def _chunk(path: Path, index: int, entry: Mapping[str, Any]) -> Chunk:
    where = f"chunk {index}"
    if entry.get("kind") not in tuple(ChunkKind):
        raise DagFileError(f"{path}, {where}: kind is {entry.get('kind')!r}; it is one of {', '.join(ChunkKind)}")
    thread, text_tokens, tag_tokens = (
        _count(path, where, entry, key) for key in ("thread", "text_tokens", "tag_tokens")
    )
    return Chunk(ChunkKind(entry["kind"]), thread, text_tokens, tag_tokens, entry.get("topic"))


def _count(path: Path, where: str, entry: Mapping[str, Any], key: str, *, default: int | None = None) -> int:
    value = entry.get(key, default)
    if not isinstance(value, int) or isinstance(value, bool) or value < 0:
        raise DagFileError(f"{path}, {where}: {key} is {value!r}; it is a whole number of at least 0")
    return value


def _edges(path: Path, entries: Iterable[Mapping[str, Any]], num_chunks: int) -> set[tuple[int, int]]:
    edges: set[tuple[int, int]] = set()
    for index, entry in enumerate(entries):
        pair = (_count(path, f"edge {index}", entry, "source"), _count(path, f"edge {index}", entry, "target"))
        if max(pair) >= num_chunks:
            raise DagFileError(f"{path}, edge {index}: there is no chunk {max(pair)}, only 0 to {num_chunks - 1}")
        edges.add(pair)
    return edges


def _refuse_cycles(path: Path, edges: set[tuple[int, int]]) -> None:
    sorter: TopologicalSorter[int] = TopologicalSorter()
    for source, target in sorted(edges):
        sorter.add(target, source)
    try:
        sorter.prepare()
    except CycleError as error:
        *ring, _ = error.args[1]
        start = ring.index(min(ring))
        circle = " -> ".join(map(str, (*ring[start:], *ring[: start + 1])))
        raise DagFileError(f"{path}: chunks {circle} wait for each other in a circle, so none can start") from error


def _expected_edges(path: Path, chunks: Sequence[Chunk]) -> Iterable[Edge]:
    """Yield what each chunk waits for by its kind and place, in the order of a `Dag`."""
    last_main: int | None = None
    outstanding: list[int] = []
    num_branches = 0
    for index, chunk in enumerate(chunks):
        is_branch = chunk.kind is ChunkKind.BRANCH
        num_branches += is_branch
        _refuse_odd_chunk(path, index, chunk, thread=num_branches if is_branch else MAIN_THREAD)
        if is_branch:
            if len(chunks) > 1:
                _refuse_unpromised(path, index, chunks, last_main, outstanding)
                yield Edge(index - 1, index, EdgeKind.SPAWN)
            outstanding.append(index)
            continue
        joined = outstanding if chunk.kind is ChunkKind.JOIN else []
        waits_for = sorted([*joined, *(() if last_main is None else (last_main,))])
        for source in waits_for:
            yield Edge(source, index, EdgeKind.PROGRAM if source == last_main else EdgeKind.JOIN)
        if chunk.kind is ChunkKind.JOIN:
            outstanding = []
        last_main = index
        _refuse_unfulfilled(path, index, chunks)
    if outstanding and len(chunks) > 1:
        raise DagFileError(f"{path}: no join waits for chunk {outstanding[0]}, a branch")


def _refuse_odd_chunk(path: Path, index: int, chunk: Chunk, *, thread: int) -> None:
    if chunk.thread != thread:
        raise DagFileError(f"{path}, chunk {index}: thread is {chunk.thread}; by its place it is {thread}")
    if chunk.kind is ChunkKind.BRANCH and not chunk.tokens:
        raise DagFileError(f"{path}, chunk {index}: a branch has at least 1 token")
    if chunk.kind is ChunkKind.JOIN and chunk.text_tokens:
        raise DagFileError(f"{path}, chunk {index}: a join decodes no text, found {chunk.text_tokens} tokens")


def _refuse_unpromised(
    path: Path, index: int, chunks: Sequence[Chunk], last_main: int | None, outstanding: Sequence[int]
) -> None:
    """A branch stands behind the main chunk whose tag promises it, which is the last thing decoded before."""
    before = index - 1
    is_promised = last_main == before and chunks[before].kind is ChunkKind.MAIN and chunks[before].tag_tokens > 0
    if not is_promised or before in outstanding:
        raise DagFileError(
            f"{path}, chunk {index}: a branch follows the main chunk that promises it, with its tag's tokens"
        )


def _refuse_unfulfilled(path: Path, index: int, chunks: Sequence[Chunk]) -> None:
    if chunks[index].kind is not ChunkKind.MAIN or not chunks[index].tag_tokens:
        return
    if index + 1 == len(chunks) or chunks[index + 1].kind is not ChunkKind.BRANCH:
        raise DagFileError(f"{path}, chunk {index}: it ends with a promise, but no branch follows")


def _refuse_other_edges(path: Path, given: set[tuple[int, int]], expected: set[tuple[int, int]]) -> None:
    for source, target in sorted(given ^ expected):
        found = "waits for" if (source, target) in given else "does not wait for"
        raise DagFileError(
            f"{path}: chunk {target} {found} chunk {source}, which no answer with promises and syncs can do"
        )
