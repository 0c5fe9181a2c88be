"""A DAG as GraphML, for graph tools such as Gephi, yEd and igraph. Needs the extra `graph`."""

from typing import Any

from pasta_toolkit.dag.export.networkx_graph import to_networkx
from pasta_toolkit.dag.graph import Dag
from pasta_toolkit.dag.xml_text import xml_text

__all__ = ["to_graphml"]


def to_graphml(dag: Dag) -> str:
    """Write the graph of `to_networkx` as GraphML; characters that XML cannot hold become U+FFFD.

    Raises:
        MissingNetworkxError: networkx is not installed.
    """
    graph = to_networkx(dag)
    import networkx  # noqa: PLC0415 (heavy, and known to be there by now)

    for _, attributes in graph.nodes(data=True):
        _replace_what_xml_cannot_hold(attributes)
    lines = networkx.generate_graphml(graph)
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + "\n".join(lines) + "\n"


def _replace_what_xml_cannot_hold(attributes: dict[str, Any]) -> None:
    for name, value in attributes.items():
        if isinstance(value, str):
            attributes[name] = xml_text(value)
