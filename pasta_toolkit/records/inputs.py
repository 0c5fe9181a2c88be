"""Turns the paths of a command line into inputs to read: files, the files of folders, standard input."""

import os
import stat
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Literal, TypeAlias

from pasta_toolkit.records.record import InputError

__all__ = ["STDIN_LABEL", "STDIN_PATH", "Input", "InputKind", "find_inputs"]

InputKind: TypeAlias = Literal["text", "json-lines", "json-lines-gzip", "parquet", "stdin"]

STDIN_PATH = "-"
STDIN_LABEL = "<stdin>"
KINDS: dict[str, InputKind] = {
    ".txt": "text",
    ".md": "text",
    ".pasta": "text",
    ".jsonl": "json-lines",
    ".jsonl.gz": "json-lines-gzip",
    ".parquet": "parquet",
}
# Formats of data sets that would pass for one long text, and so for a valid one, if they were read as text.
REFUSED_SUFFIXES = (
    ".json",
    ".csv",
    ".tsv",
    ".arrow",
    ".feather",
    ".xlsx",
    ".gz",
    ".zst",
    ".bz2",
    ".xz",
    ".zip",
    ".tar",
)


@dataclass(frozen=True, slots=True)
class Input:
    """One file to read, or standard input, whose content decides whether it is JSON Lines or text."""

    path: str
    kind: InputKind

    @property
    def label(self) -> str:
        """What diagnostics call it: the path, with U+FFFD for what is not Unicode in it."""
        if self.path == STDIN_PATH:
            return STDIN_LABEL
        return self.path.encode("utf-8", errors="surrogateescape").decode("utf-8", errors="replace")

    @property
    def num_bytes(self) -> int:
        """Bytes of the file, 0 where that is not known."""
        if self.path == STDIN_PATH:
            return 0
        try:
            status = Path(self.path).stat()
        except (OSError, ValueError):  # ValueError: a NUL in the path
            return 0
        return status.st_size if stat.S_ISREG(status.st_mode) else 0


def find_inputs(paths: Iterable[str]) -> tuple[Input, ...]:
    """Return the inputs behind some paths: `-`, files of any name, and folders.

    A folder stands for the files of known suffix in it and below, in the order of their paths; names that begin
    with a dot are passed over. A file of another suffix that is named itself is one text.

    Raises:
        InputError: a path does not exist, a folder holds nothing to read, a file is of a format that is no text, or
            one is a Parquet file and pyarrow is not installed.
    """
    found: list[Input] = []
    for path in paths:
        found.extend(_inputs_of(path))
    if sum(item.path == STDIN_PATH for item in found) > 1:
        raise InputError("standard input (-) can be read only once, but was given twice")
    _require_pyarrow(found)
    return tuple(found)


def _require_pyarrow(inputs: Iterable[Input]) -> None:
    """Complain before anything is read, instead of in the middle of the work."""
    tables = (source for source in inputs if source.kind == "parquet")
    first = next(tables, None)
    if first is not None and find_spec("pyarrow") is None:
        raise InputError(f"reading {first.label!r} needs pyarrow: pip install 'pasta-toolkit[parquet]'")


def _inputs_of(path: str) -> Iterable[Input]:
    if path == STDIN_PATH:
        return (Input(path, "stdin"),)
    try:
        if Path(path).is_dir():
            return _inputs_in_folder(path)
        if Path(path).exists():
            return (Input(path, _kind_of_named_file(path)),)
    except OSError as error:
        raise InputError(f"cannot look at {path!r}: {error.strerror}") from error
    raise InputError(f"no such file or folder: {path!r}")


def _inputs_in_folder(folder: str) -> list[Input]:
    found = sorted(_known_files(folder), key=lambda item: Path(item.path).parts)
    if not found:
        raise InputError(f"nothing to read in folder {folder!r}: no file ends in {', '.join(KINDS)}")
    return found


def _known_files(folder: str) -> Iterator[Input]:
    for parent, folders, names in os.walk(folder):
        folders[:] = [name for name in folders if not name.startswith(".")]
        for name in names:
            kind = _kind_of(name)
            if kind is not None and not name.startswith("."):
                yield Input(str(Path(parent, name)), kind)


def _kind_of_named_file(path: str) -> InputKind:
    kind = _kind_of(path)
    if kind is None and path.lower().endswith(REFUSED_SUFFIXES):
        raise InputError(f"cannot read {path!r}: give text, JSON Lines (.jsonl, .jsonl.gz) or Parquet (.parquet)")
    return kind or "text"


def _kind_of(name: str) -> InputKind | None:
    lowered = name.lower()
    return next((kind for suffix, kind in KINDS.items() if lowered.endswith(suffix)), None)
