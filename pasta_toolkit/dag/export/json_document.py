"""A DAG as a JSON document, schema pasta.dag/1. Knows no files."""

import json
from dataclasses import asdict
from typing import Any

from pasta_toolkit.dag.graph import Dag
from pasta_toolkit.dag.measures import Measures
from pasta_toolkit.dag.timeline import Timeline, timeline

__all__ = ["dag_document", "measures_document", "to_json"]

SCHEMA = "pasta.dag/1"


def to_json(dag: Dag) -> str:
    """Write the document of `dag_document` as text, with a line feed at its end."""
    return json.dumps(dag_document(dag), ensure_ascii=False, indent=2) + "\n"


def dag_document(dag: Dag) -> dict[str, Any]:
    """Return chunks (with their earliest start and finish in tokens), edges, critical path and measures.

    Chunks are named by their place in `chunks`. `nodes` of a chunk count the nodes of the document: texts, promises,
    async blocks and syncs, in order.
    """
    view = timeline(dag)
    return {
        "schema": SCHEMA,
        "form": dag.form,
        "tokenizer": {"name": dag.tokenizer, "is_exact": dag.is_exact},
        "measures": measures_document(view.measures),
        "critical_path": list(view.critical_path),
        "chunks": [_chunk(view, index) for index in range(len(dag.chunks))],
        "edges": [{**asdict(edge), "is_critical": view.is_critical(edge)} for edge in dag.edges],
    }


def measures_document(measures: Measures) -> dict[str, int | float | bool]:
    """Return all measures of one document, counts and ratios."""
    return {
        **asdict(measures),
        "ideal_speedup": measures.ideal_speedup,
        "parallelism": measures.parallelism,
        "tag_overhead": measures.tag_overhead,
        "is_empty": measures.is_empty,
    }


def _chunk(view: Timeline, index: int) -> dict[str, Any]:
    chunk = view.dag.chunks[index]
    return {
        "kind": chunk.kind,
        "thread": chunk.thread,
        "topic": chunk.topic,
        "text_tokens": chunk.text_tokens,
        "tag_tokens": chunk.tag_tokens,
        "tokens": chunk.tokens,
        "start": view.schedule.starts[index],
        "finish": view.schedule.finishes[index],
        "is_critical": index in view.critical_chunks,
        "nodes": list(chunk.nodes),
    }
