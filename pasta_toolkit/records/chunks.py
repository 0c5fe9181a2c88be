"""Cuts inputs into chunks of whole records, small enough to keep memory flat and large enough to keep reading fast."""

import gzip
import re
import sys
import zlib
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import BinaryIO, Literal, TypeAlias

from pasta_toolkit.records.inputs import Input
from pasta_toolkit.records.parquet import read_rows
from pasta_toolkit.records.record import Record, RecordFault

__all__ = ["Chunk", "StdinFormat", "read_chunks"]

StdinFormat: TypeAlias = Literal["auto", "jsonl", "text"]

CHUNK_BYTES = 1 << 20


@dataclass(frozen=True, slots=True)
class Chunk:
    """A piece of one input that can be decoded without its neighbours, in another process if need be.

    `data` holds whole lines of JSON Lines from line `first_number` on, or a whole text. `ready` holds what needs no
    decoding: rows of a table, and faults met while reading. `num_bytes_read` says how far into the file it reaches.
    """

    path: str
    kind: Literal["json-lines", "text", "rows"]
    first_number: int = 1
    data: bytes = b""
    ready: tuple[Record | RecordFault, ...] = ()
    num_bytes_read: int = 0


def read_chunks(
    source: Input, *, field: str, keep_fields: bool = False, stdin_format: StdinFormat = "auto"
) -> Iterator[Chunk]:
    """Read one input chunk by chunk. What cannot be read becomes a chunk with a fault, never an exception."""
    try:
        if source.kind == "stdin":
            yield from _stdin_chunks(source.label, stdin_format)
        elif source.kind == "parquet":
            rows = read_rows(source, field=field, keep_fields=keep_fields)
            yield from (Chunk(source.label, "rows", ready=batch) for batch in rows)
        elif source.kind == "text":
            data = Path(source.path).read_bytes()
            yield Chunk(source.label, "text", data=data, num_bytes_read=len(data))
        else:
            yield from _file_of_lines(source)
    except (OSError, ValueError) as error:  # ValueError: a NUL in a path
        reason = getattr(error, "strerror", None) or str(error)
        fault = RecordFault(source.label, None, "unreadable-file", f"cannot read the file: {reason}")
        yield Chunk(source.label, "rows", ready=(fault,))


def _stdin_chunks(label: str, stdin_format: StdinFormat) -> Iterator[Chunk]:
    stream = sys.stdin.buffer
    head = stream.read(CHUNK_BYTES)
    if stdin_format == "jsonl" or (stdin_format == "auto" and _looks_like_json_lines(head)):
        blocks = _then(head, partial(stream.read, CHUNK_BYTES))
        yield from _line_chunks(label, blocks, tell=lambda: 0)
    else:
        yield Chunk(label, "text", data=head + stream.read())


def _looks_like_json_lines(head: bytes) -> bool:
    """Say whether a text opens a JSON object: no answer in prose does, and a broken object is better reported."""
    return re.match(rb'(?:\xef\xbb\xbf)?\s*\{\s*"', head) is not None


def _then(head: bytes, read: Callable[[], bytes]) -> Iterator[bytes]:
    yield head
    yield from iter(read, b"")


def _file_of_lines(source: Input) -> Iterator[Chunk]:
    with Path(source.path).open("rb") as file:
        if source.kind == "json-lines":
            yield from _line_chunks(source.label, iter(partial(file.read, CHUNK_BYTES), b""), tell=file.tell)
        else:
            yield from _gzip_chunks(source.label, file)


def _gzip_chunks(path: str, file: BinaryIO) -> Iterator[Chunk]:
    """Read as many whole lines as can be unpacked; what is left of a broken line is dropped, and the fault named."""
    num_lines = 0
    failure: list[Exception] = []
    for chunk in _line_chunks(path, _unpacked(file, failure), tell=file.tell):
        whole = replace(chunk, data=chunk.data[: chunk.data.rfind(b"\n") + 1]) if failure else chunk
        num_lines += whole.data.count(b"\n")
        yield whole
    if failure:
        message = f"the gzip data breaks off or is damaged in line {num_lines + 1}: {failure[0]}"
        fault = RecordFault(path, num_lines + 1, "broken-gzip", message)
        yield Chunk(path, "json-lines", num_lines + 1, ready=(fault,))


def _unpacked(file: BinaryIO, failure: list[Exception]) -> Iterator[bytes]:
    with gzip.GzipFile(fileobj=file, mode="rb") as unpacking:
        while True:
            try:
                data = unpacking.read1(CHUNK_BYTES)  # read1 gives out all that precedes the damage, read does not
            except (OSError, EOFError, zlib.error) as error:
                failure.append(error)
                return
            if not data:
                return
            yield data


def _line_chunks(path: str, blocks: Iterable[bytes], *, tell: Callable[[], int]) -> Iterator[Chunk]:
    """Regroup blocks of bytes into chunks that end with a line; only the last one may lack its line feed."""
    number = 1
    pieces: list[bytes] = []
    num_waiting_bytes = 0
    for block in blocks:
        cut = block.rfind(b"\n") + 1
        num_waiting_bytes += len(block)
        if not cut or num_waiting_bytes < CHUNK_BYTES:
            pieces.append(block)
            continue
        data = b"".join([*pieces, block[:cut]])
        pieces = [block[cut:]]
        num_waiting_bytes = len(block) - cut
        yield Chunk(path, "json-lines", number, data, num_bytes_read=tell())
        number += data.count(b"\n")
    if rest := b"".join(pieces):
        yield Chunk(path, "json-lines", number, rest, num_bytes_read=tell())
