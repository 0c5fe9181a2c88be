"""A DAG as a networkx graph, for everything that graph algorithms can do. Needs the extra `graph`."""

from typing import Any

from grammar import PastaError
from pasta_toolkit.dag.export.json_document import measures_document
from pasta_toolkit.dag.graph import Dag
from pasta_toolkit.dag.timeline import chunk_label, timeline

__all__ = ["MissingNetworkxError", "to_networkx"]


class MissingNetworkxError(PastaError):
    """Report that networkx is not installed."""

    def __str__(self) -> str:
        """Name the extra that brings it."""
        return "networkx is not installed; this export needs it: pip install 'pasta-toolkit[graph]'"


def to_networkx(dag: Dag) -> Any:
    """Return a `networkx.DiGraph` whose nodes are the chunk indices.

    Nodes have `label`, `kind`, `thread`, `topic` (where there is one), `text_tokens`, `tag_tokens`, `tokens`, `start`,
    `finish`, `is_critical`. Edges have `kind`, `is_critical`, and `tokens`, which are those of the chunk they lead to.
    The graph has `form`, `tokenizer`, `is_exact` and all measures.

    Raises:
        MissingNetworkxError: networkx is not installed.
    """
    try:
        import networkx  # noqa: PLC0415 (heavy)
    except ImportError:
        raise MissingNetworkxError from None
    view = timeline(dag)
    graph = networkx.DiGraph(
        form=dag.form, tokenizer=dag.tokenizer, is_exact=dag.is_exact, **measures_document(view.measures)
    )
    for index, chunk in enumerate(dag.chunks):
        topic = {} if chunk.topic is None else {"topic": chunk.topic}
        graph.add_node(
            index,
            label=chunk_label(chunk),
            kind=str(chunk.kind),
            thread=chunk.thread,
            text_tokens=chunk.text_tokens,
            tag_tokens=chunk.tag_tokens,
            tokens=chunk.tokens,
            start=view.schedule.starts[index],
            finish=view.schedule.finishes[index],
            is_critical=index in view.critical_chunks,
            **topic,
        )
    for edge in dag.edges:
        tokens, is_critical = dag.chunks[edge.target].tokens, view.is_critical(edge)
        graph.add_edge(edge.source, edge.target, kind=str(edge.kind), tokens=tokens, is_critical=is_critical)
    return graph
