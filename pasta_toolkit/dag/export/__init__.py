"""DAGs for other tools: one format a file."""

from pasta_toolkit.dag.export.dot import to_dot
from pasta_toolkit.dag.export.graphml import to_graphml
from pasta_toolkit.dag.export.json_document import dag_document, measures_document, to_json
from pasta_toolkit.dag.export.mermaid import to_mermaid
from pasta_toolkit.dag.export.networkx_graph import to_networkx
from pasta_toolkit.dag.export.text import to_text

__all__ = [
    "dag_document",
    "measures_document",
    "to_dot",
    "to_graphml",
    "to_json",
    "to_mermaid",
    "to_networkx",
    "to_text",
]
