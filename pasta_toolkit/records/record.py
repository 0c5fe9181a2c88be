"""What reading yields: records, and faults of the input where there should have been one. Knows no files."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

from grammar import PastaError

__all__ = ["FaultKind", "InputError", "Record", "RecordFault"]

FaultKind: TypeAlias = Literal[
    "broken-gzip",
    "broken-parquet",
    "invalid-json",
    "invalid-utf8",
    "json-byte-order-mark",
    "missing-field",
    "not-a-string",
    "not-an-object",
    "unreadable-file",
]


class InputError(PastaError):
    """Report paths or fields that cannot be read at all: nothing there, or nothing of a known format."""


@dataclass(frozen=True, slots=True)
class Record:
    """One text to work on.

    `number` counts from 1: the physical line of a JSON Lines file, the row of a Parquet file; None for a text file,
    which is one record. `fields` holds all fields of the record where they were asked for; None for a text file.
    """

    path: str
    number: int | None
    text: str
    fields: Mapping[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class RecordFault:
    """A fault of the input itself, with its place.

    `text` is what the place refers to: the physical line of a JSON Lines file (so `line` is 1), the text of a text
    file, nothing for a fault of a whole file. `line` and `column` count from 1, `offset` counts code points from 0.
    """

    path: str
    number: int | None
    kind: FaultKind
    message: str
    line: int = 1
    column: int = 1
    offset: int = 0
    text: str = ""

    @property
    def has_record(self) -> bool:
        """Whether the fault only accompanies a record, which follows, instead of standing for it."""
        return self.kind == "json-byte-order-mark" or (self.kind == "invalid-utf8" and self.number is None)
