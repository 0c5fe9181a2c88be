"""A DAG as a Mermaid flowchart, which many forges and notebooks show inside Markdown."""

import re

from pasta_toolkit.dag.export.colours import BRANCH, CRITICAL, INK, JOIN, MAIN, PALE_CRITICAL, QUIET_LINE
from pasta_toolkit.dag.graph import Chunk, ChunkKind, Dag, EdgeKind
from pasta_toolkit.dag.timeline import Timeline, chunk_label, timeline

__all__ = ["to_mermaid"]

FILLS = {ChunkKind.MAIN: MAIN, ChunkKind.BRANCH: BRANCH, ChunkKind.JOIN: JOIN}
ARROWS = {EdgeKind.PROGRAM: "-->", EdgeKind.SPAWN: "-.->", EdgeKind.JOIN: "-.->"}
SHAPES = {ChunkKind.MAIN: '["%s"]', ChunkKind.BRANCH: '("%s")', ChunkKind.JOIN: '{{"%s"}}'}
# Everything in ASCII that Mermaid, its Markdown or HTML could read as more than a character, and Unicode's line ends.
SPECIAL = re.compile(r"[^0-9A-Za-z .,:'()\u0080-\U0010ffff-]|[\u2028\u2029]")

WORD_JOINER = "\u2060"


def to_mermaid(dag: Dag) -> str:
    """Write a DAG as a Mermaid flowchart; the critical path is drawn in orange, spawns and joins dotted."""
    view = timeline(dag)
    lines = ["flowchart LR"]
    lines += [f"  {_node(index, chunk)}" for index, chunk in enumerate(dag.chunks)]
    lines += [f"  c{edge.source} {ARROWS[edge.kind]} c{edge.target}" for edge in dag.edges]
    lines += [f"  {line}" for line in _styles(view)]
    return "\n".join(lines) + "\n"


def _node(index: int, chunk: Chunk) -> str:
    label = f"{_escaped(chunk_label(chunk))}<br/>{chunk.tokens} tokens"
    return f"c{index}{SHAPES[chunk.kind] % label}:::{chunk.kind}"


def _styles(view: Timeline) -> list[str]:
    classes = [f"classDef {kind} fill:{fill},stroke:{QUIET_LINE},color:{INK}" for kind, fill in FILLS.items()]
    classes.append(f"classDef critical fill:{PALE_CRITICAL},stroke:{CRITICAL},stroke-width:3px,color:{INK}")
    if view.critical_path:
        classes.append(f"class {','.join(f'c{index}' for index in view.critical_path)} critical")
    edges = [str(place) for place, edge in enumerate(view.dag.edges) if view.is_critical(edge)]
    if edges:
        classes.append(f"linkStyle {','.join(edges)} stroke:{CRITICAL},stroke-width:3px")
    return classes


def _escaped(text: str) -> str:
    """Write text for a quoted label: special characters as `#` and their number, which Mermaid turns back.

    It breaks the line at a backslash and an n even so; a word joiner, which is invisible, keeps them apart.
    """
    text = text.replace("\\n", f"\\{WORD_JOINER}n")
    return SPECIAL.sub(lambda match: f"#{ord(match[0])};", text)
