"""Writes annotated records as lines of JSON, and goes on where an interrupted run has stopped."""

import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Any, BinaryIO, Self

import msgspec

from pasta_toolkit.cli.annotate_input import Answer
from pasta_toolkit.cli.invalidity import place_of
from pasta_toolkit.records import Input, InputError, set_field

__all__ = ["Resumption", "annotated_line", "check_output", "opened_stream"]

JSON_LINES_SUFFIX = ".jsonl"
OTHER_SUFFIXES = (".gz", ".parquet", ".json", ".csv")
BLOCK_BYTES = 1 << 16


def annotated_line(answer: Answer, text: str, *, into: str) -> bytes:
    """Return the line of JSON of a record with the annotated text in it; all else that stood in the line stays."""
    if answer.line is not None:
        return f"{set_field(answer.line, into, text)}\n".encode()
    return _encoded({**answer.fields, into: text}) + b"\n"


def _encoded(fields: Mapping[str, Any]) -> bytes:
    """Write the row of a table as JSON; what JSON has no form for is written as Python shows it."""
    return msgspec.json.encode(dict(fields), enc_hook=str)


def check_output(output: str, inputs: Sequence[Input]) -> None:
    """Refuse an output that would destroy an input, or whose name promises another format.

    Raises:
        InputError: it is one of the inputs, or of a suffix that is not written.
    """
    if output.lower().endswith(OTHER_SUFFIXES):
        raise InputError(f"cannot write {output!r}: annotated records are written as {JSON_LINES_SUFFIX}")
    for source in inputs:
        if source.kind != "stdin" and Path(output).exists() and Path(output).samefile(source.path):
            raise InputError(f"the output {output!r} is an input too and would be destroyed; name another file")


@contextmanager
def opened_stream(output: str | None, *, keeps_content: bool) -> Iterator[BinaryIO]:
    """Open the output, or give standard output for None. What is written is in the file at once, line for line.

    Raises:
        InputError: the file cannot be written.
    """
    if output is None:
        yield sys.stdout.buffer
        sys.stdout.buffer.flush()
        return
    try:
        stream = Path(output).open("ab" if keeps_content else "wb", buffering=0)  # noqa: SIM115
    except OSError as error:
        raise InputError(f"cannot write {output!r}: {error.strerror}") from error
    with stream:
        yield stream


class Resumption:
    """Walks the records that an earlier run has written, next to those of the input. State: how far it has come."""

    def __init__(self, output: str, *, into: str) -> None:
        self._output, self._into = output, into
        self._stream: BinaryIO | None = None
        self.num_records = 0

    def __enter__(self) -> Self:
        """Open the output if it is there, and cut off a line that was not written to its end.

        Raises:
            InputError: the file cannot be read and written.
        """
        if Path(self._output).exists():
            try:
                self._stream = Path(self._output).open("rb+")
                self._stream.truncate(_end_of_lines(self._stream))
                self._stream.seek(0)
            except OSError as error:
                raise InputError(f"cannot go on with {self._output!r}: {error.strerror}") from error
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close the output."""
        if self._stream is not None:
            self._stream.close()

    def has(self, answer: Answer) -> bool:
        """Say whether the next record of the input is written already.

        Raises:
            InputError: another record stands in its place.
        """
        line = self._stream.readline() if self._stream is not None else b""
        if not line:
            return False
        self.num_records += 1
        if self._kept_fields(line) != self._kept_fields(_encoded(answer.fields)):
            raise InputError(
                f"cannot go on with {self._output!r}: its record {self.num_records:,} is not "
                f"{place_of(answer.record)}; resume with the same inputs and fields, or write to another file"
            )
        return True

    def check_end(self) -> None:
        """Check that all records of the earlier run have been met.

        Raises:
            InputError: some have not.
        """
        if self._stream is not None and self._stream.readline():
            raise InputError(f"cannot go on with {self._output!r}: it has more records than the inputs")

    def _kept_fields(self, line: bytes) -> object:
        try:
            fields = msgspec.json.decode(line)
        except (msgspec.DecodeError, RecursionError):
            return None
        if not isinstance(fields, dict):
            return None
        return {name: value for name, value in fields.items() if name != self._into}


def _end_of_lines(stream: BinaryIO) -> int:
    """Return the place behind the last line feed, looking from the end."""
    place = stream.seek(0, 2)
    while place:
        start = max(0, place - BLOCK_BYTES)
        stream.seek(start)
        found = stream.read(place - start).rfind(b"\n")
        if found >= 0:
            return start + found + 1
        place = start
    return 0
