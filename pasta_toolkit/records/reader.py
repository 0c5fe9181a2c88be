"""Reads records of any input as a stream: memory does not grow with the file."""

from collections.abc import Iterable, Iterator

from pasta_toolkit.records.chunks import Chunk, StdinFormat, read_chunks
from pasta_toolkit.records.inputs import find_inputs
from pasta_toolkit.records.json_lines import LineReader, read_lines
from pasta_toolkit.records.record import Record, RecordFault
from pasta_toolkit.records.texts import read_text

__all__ = ["decode_chunk", "read_records"]


def read_records(
    paths: Iterable[str], *, field: str = "response", keep_fields: bool = False, stdin_format: StdinFormat = "auto"
) -> Iterator[Record | RecordFault]:
    """Read the records of files, folders and standard input (`-`), in their order.

    `.jsonl`, `.jsonl.gz` and `.parquet` hold many records, whose text is in `field`; any other file is one text.
    Standard input is JSON Lines where it begins with a JSON object, otherwise one text, unless `stdin_format` says
    so. What cannot be read becomes a fault, and reading goes on behind it.

    Raises:
        InputError: a path does not exist, a folder holds nothing to read, or pyarrow is needed and missing.
    """
    reader = LineReader(field, keep_fields=keep_fields)
    for source in find_inputs(paths):
        for chunk in read_chunks(source, field=field, keep_fields=keep_fields, stdin_format=stdin_format):
            yield from decode_chunk(chunk, reader)


def decode_chunk(chunk: Chunk, reader: LineReader) -> Iterator[Record | RecordFault]:
    """Decode the records of one chunk."""
    yield from chunk.ready
    if chunk.kind == "json-lines":
        yield from read_lines(reader, chunk.path, first_number=chunk.first_number, data=chunk.data)
    elif chunk.kind == "text":
        yield from read_text(chunk.path, chunk.data)
