"""A DAG in the DOT language of Graphviz, written here: no library is needed to write it."""

from pasta_toolkit.dag.export.colours import BRANCH, CRITICAL, JOIN, MAIN, PALE_CRITICAL, QUIET_LINE
from pasta_toolkit.dag.graph import Chunk, ChunkKind, Dag, Edge, EdgeKind
from pasta_toolkit.dag.timeline import Timeline, chunk_label, timeline

__all__ = ["to_dot"]

HEAD = """\
digraph pasta {
  rankdir=LR;
  node [shape=box, style="rounded,filled", fontname="Helvetica", fontsize=11, penwidth=1];
  edge [color="%s", arrowsize=0.7];
"""
FILLS = {ChunkKind.MAIN: MAIN, ChunkKind.BRANCH: BRANCH, ChunkKind.JOIN: JOIN}
STYLES = {EdgeKind.PROGRAM: "solid", EdgeKind.SPAWN: "dashed", EdgeKind.JOIN: "dotted"}
CRITICAL_LINE = f', color="{CRITICAL}", penwidth=2.5'


def to_dot(dag: Dag) -> str:
    """Write a DAG for Graphviz; the critical path is drawn in orange, spawns dashed, joins dotted."""
    view = timeline(dag)
    nodes = (_node(view, index, chunk) for index, chunk in enumerate(dag.chunks))
    edges = (_edge(view, edge) for edge in dag.edges)
    return HEAD % QUIET_LINE + "".join(nodes) + "".join(edges) + "}\n"


def _node(view: Timeline, index: int, chunk: Chunk) -> str:
    is_critical = index in view.critical_chunks
    fill = PALE_CRITICAL if is_critical else FILLS[chunk.kind]
    border = CRITICAL_LINE if is_critical else f', color="{QUIET_LINE}"'
    label = f"{_escaped(chunk_label(chunk))}\\n{chunk.tokens} tokens"
    group = ', group="main"' if chunk.kind is not ChunkKind.BRANCH else ""
    return f'  c{index} [label="{label}", fillcolor="{fill}"{border}{group}];\n'


def _edge(view: Timeline, edge: Edge) -> str:
    line = CRITICAL_LINE if view.is_critical(edge) else ""
    return f'  c{edge.source} -> c{edge.target} [style="{STYLES[edge.kind]}"{line}];\n'


def _escaped(text: str) -> str:
    r"""Write text for a quoted label: Graphviz reads escapes such as `\n` and entities such as `&amp;` there."""
    return text.replace("\\", "\\\\").replace('"', '\\"').replace("&", "&amp;")
