"""Reads the answers to annotate, each with the line that it stands on, and names what cannot be read."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import click

from pasta_toolkit.cli.invalidity import place_of
from pasta_toolkit.cli.progress import ProgressBar
from pasta_toolkit.records import Chunk, Input, LineReader, Record, RecordFault, StdinFormat, decode_chunk, read_chunks

__all__ = ["Answer", "Faults", "read_answers"]

MOST_FAULTS_SHOWN = 50
BYTE_ORDER_MARK = b"\xef\xbb\xbf"


@dataclass(frozen=True, slots=True)
class Answer:
    """A record to annotate, the line of JSON that it was read from, if it was, and how far reading has come."""

    record: Record
    line: str | None
    input_index: int
    num_bytes_read: int

    @property
    def fields(self) -> Mapping[str, Any]:
        """The fields that its annotated record keeps; a text keeps its path."""
        return {"path": self.record.path} if self.record.fields is None else self.record.fields


@dataclass(slots=True)
class Faults:
    """Names the records that cannot be annotated on stderr. State: how many there were."""

    bar: ProgressBar
    num_faults: int = 0

    def add(self, fault: RecordFault) -> None:
        """Name one, unless many have been named."""
        self.num_faults += 1
        if self.num_faults <= MOST_FAULTS_SHOWN:
            with self.bar.paused():
                click.echo(f"pasta: {place_of(fault)}: {fault.message}", err=True)

    def close(self) -> None:
        """Say how many were not named."""
        if self.num_faults > MOST_FAULTS_SHOWN:
            click.echo(f"pasta: and {self.num_faults - MOST_FAULTS_SHOWN:,} records more that cannot be read", err=True)


def read_answers(inputs: Sequence[Input], *, field: str, stdin_format: StdinFormat, faults: Faults) -> Iterator[Answer]:
    """Read all inputs. A text with bytes that are not UTF-8 is not annotated: it would not be the same text."""
    reader = LineReader(field, keep_fields=True)
    for index, source in enumerate(inputs):
        num_bytes_before = 0
        for chunk in read_chunks(source, field=field, keep_fields=True, stdin_format=stdin_format):
            yield from _answers(chunk, reader, faults, index=index, num_bytes_before=num_bytes_before)
            num_bytes_before = chunk.num_bytes_read


def _answers(
    chunk: Chunk, reader: LineReader, faults: Faults, *, index: int, num_bytes_before: int
) -> Iterator[Answer]:
    items = list(decode_chunk(chunk, reader))
    lines = chunk.data.split(b"\n") if chunk.kind == "json-lines" else []
    is_damaged = False
    for position, item in enumerate(items, 1):
        if isinstance(item, RecordFault):
            faults.add(item)
            is_damaged = item.has_record and item.kind == "invalid-utf8"
        elif not is_damaged:
            line = _line(lines, item, first_number=chunk.first_number)
            share = (chunk.num_bytes_read - num_bytes_before) * position // len(items)
            yield Answer(item, line, index, num_bytes_before + share)


def _line(lines: Sequence[bytes], record: Record, *, first_number: int) -> str | None:
    if not lines or record.number is None:
        return None
    return lines[record.number - first_number].removeprefix(BYTE_ORDER_MARK).decode("utf-8").rstrip("\r")
