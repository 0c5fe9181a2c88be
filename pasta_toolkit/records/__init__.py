"""Records: texts of files, folders, standard input, JSON Lines and Parquet, read as a stream."""

from pasta_toolkit.records.chunks import Chunk, StdinFormat, read_chunks
from pasta_toolkit.records.inputs import STDIN_LABEL, STDIN_PATH, Input, InputKind, find_inputs
from pasta_toolkit.records.json_lines import LineReader
from pasta_toolkit.records.json_object import set_field
from pasta_toolkit.records.reader import decode_chunk, read_records
from pasta_toolkit.records.record import FaultKind, InputError, Record, RecordFault
from pasta_toolkit.records.replacement import Replacement
from pasta_toolkit.records.rewriting import rewrite_chunk

__all__ = [
    "STDIN_LABEL",
    "STDIN_PATH",
    "Chunk",
    "FaultKind",
    "Input",
    "InputError",
    "InputKind",
    "LineReader",
    "Record",
    "RecordFault",
    "Replacement",
    "StdinFormat",
    "decode_chunk",
    "find_inputs",
    "read_chunks",
    "read_records",
    "rewrite_chunk",
    "set_field",
]
