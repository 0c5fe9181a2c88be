"""The dependency DAG of a document, its measures and drawings."""

from pasta_toolkit.dag.build import build_dag, build_dags, chunk_pieces
from pasta_toolkit.dag.graph import MAIN_THREAD, Chunk, ChunkKind, Dag, Edge, EdgeKind
from pasta_toolkit.dag.measures import Measures, measure
from pasta_toolkit.dag.schedule import Schedule, critical_path, schedule, width

__all__ = [
    "MAIN_THREAD",
    "Chunk",
    "ChunkKind",
    "Dag",
    "Edge",
    "EdgeKind",
    "Measures",
    "Schedule",
    "build_dag",
    "build_dags",
    "chunk_pieces",
    "critical_path",
    "measure",
    "schedule",
    "width",
]
