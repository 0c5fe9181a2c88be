"""Replaces a file as a whole or not at all: a reader sees the old content or the new one, never half of it."""

import gzip
import shutil
from pathlib import Path
from types import TracebackType
from typing import IO, Protocol, Self

from pasta_toolkit.records.inputs import Input
from pasta_toolkit.records.record import InputError

__all__ = ["Replacement"]

COPY_BYTES = 1 << 20
GZIP_LEVEL = 6  # zlib's own default; Python's gzip would take 9, which is slow
NAME_KEPT = 32  # characters of the file's name that its new content bears until it is in place


class _Writer(Protocol):
    """What bytes are written to: the new file, or what packs them into it."""

    def write(self, data: bytes, /) -> int: ...

    def close(self) -> None: ...


class Replacement:
    """The new content of one input, written beside it and put in its place at the end, with its permissions.

    Chunks are added in order. Nothing is written before the first one that differs: an unchanged file stays as it
    is. State: how much came before, and the file that is being written.
    """

    def __init__(self, source: Input) -> None:
        self._source = source
        self._target = Path(source.path).resolve()  # of a symbolic link, the file it leads to is replaced
        self._num_bytes_before = 0
        self._file: IO[bytes] | None = None
        self._writer: _Writer | None = None
        self._is_abandoned = False

    def __enter__(self) -> Self:
        """Begin; nothing is opened yet."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Put the new content in place, or drop it after an exception."""
        if self._file is None or self._writer is None:
            return
        try:
            self._writer.close()
            self._file.close()
            if kind is None and not self._is_abandoned:
                shutil.copymode(self._target, self._file.name)
                Path(self._file.name).replace(self._target)
        except OSError as failure:
            raise self._failed(failure) from failure
        finally:
            Path(self._file.name).unlink(missing_ok=True)

    def abandon(self) -> None:
        """Leave the file as it is, whatever has been or will be added."""
        self._is_abandoned = True

    def add(self, before: bytes, after: bytes | None) -> None:
        """Add a chunk of the content, which stays as it was where `after` is None.

        Raises:
            InputError: the new file cannot be written.
        """
        try:
            if after is not None and self._writer is None:
                self._begin()
            if self._writer is None:
                self._num_bytes_before += len(before)
            else:
                self._writer.write(before if after is None else after)
        except OSError as failure:
            raise self._failed(failure) from failure

    def _begin(self) -> None:
        """Begin the new file with what came before the first change."""
        from tempfile import NamedTemporaryFile  # noqa: PLC0415

        file = NamedTemporaryFile(  # noqa: SIM115
            dir=self._target.parent, prefix=f".{self._target.name[:NAME_KEPT]}.", delete=False
        )
        is_packed = self._source.kind == "json-lines-gzip"
        writer: _Writer = gzip.GzipFile("", "wb", GZIP_LEVEL, file, mtime=0) if is_packed else file
        self._file, self._writer = file, writer
        with gzip.open(self._target) if is_packed else self._target.open("rb") as original:
            while self._num_bytes_before > 0:
                data = original.read(min(COPY_BYTES, self._num_bytes_before))
                if not data:
                    raise InputError(f"{self._source.label!r} became shorter while it was read; it is left as it is")
                writer.write(data)
                self._num_bytes_before -= len(data)

    def _failed(self, failure: OSError) -> InputError:
        return InputError(f"cannot rewrite {self._source.label!r}: {failure.strerror or failure}")
