"""Puts changed inputs back: a file in its place, standard input to standard output."""

import sys
from collections.abc import Sequence
from types import TracebackType
from typing import Self

from pasta_toolkit.cli.processing import Processed
from pasta_toolkit.records import Chunk, Input, InputError, Replacement

__all__ = ["Rewriting", "refuse_tables"]


def refuse_tables(inputs: Sequence[Input]) -> None:
    """Refuse to rewrite inputs that hold tables.

    Raises:
        InputError: an input is a Parquet file.
    """
    for source in inputs:
        if source.kind == "parquet":
            raise InputError(f"cannot rewrite {source.label!r}: Parquet is only read; convert it to JSON Lines first")


class Rewriting:
    """Rewrites inputs one after the other, as their chunks come. State: the input at hand."""

    def __init__(self, inputs: Sequence[Input]) -> None:
        self._inputs = inputs
        self._index = -1
        self._replacement: Replacement | None = None
        self._num_fixed_here = 0
        self.num_fixed = 0

    def __enter__(self) -> Self:
        """Begin; nothing is opened yet."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Put the last input in place; after an exception, leave it as it was."""
        self._finish(kind, error, trace)

    def add(self, index: int, chunk: Chunk, processed: Processed) -> None:
        """Take the next chunk of the input of that index. One that cannot be read to its end stays as it was."""
        if index != self._index:
            self._finish(None, None, None)
            self._index = index
            source = self._inputs[index]
            self._replacement = None if source.kind == "stdin" else Replacement(source)
        self._num_fixed_here += processed.num_fixed
        if self._replacement is None:
            sys.stdout.buffer.write(chunk.data if processed.data is None else processed.data)
        elif chunk.ready:
            self._replacement.abandon()
            self._num_fixed_here = 0
        else:
            self._replacement.add(chunk.data, processed.data)

    def _finish(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._replacement is not None:
            self._replacement.__exit__(kind, error, trace)
        self.num_fixed += self._num_fixed_here
        self._num_fixed_here = 0
