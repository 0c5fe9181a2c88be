"""Shows how far long work has come: a bar on stderr, on a terminal alone, and only after a while."""

import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import accumulate
from types import TracebackType
from typing import TYPE_CHECKING, Self

from pasta_toolkit.records import Input

if TYPE_CHECKING:
    from rich.progress import Progress

__all__ = ["ProgressBar"]

SECONDS_BEFORE_SHOWN = 1.0


class ProgressBar:
    """Counts the bytes that have been read. State: the bar, once it is shown, and how far it has come."""

    def __init__(self, inputs: Sequence[Input]) -> None:
        self._num_bytes_before = list(accumulate((source.num_bytes for source in inputs), initial=0))
        self._started_at_s = time.monotonic()
        self._is_wanted = sys.stderr.isatty() and self._num_bytes_before[-1] > 0
        self._bar: Progress | None = None

    def __enter__(self) -> Self:
        """Begin; nothing is shown yet."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Take the bar away."""
        if self._bar is not None:
            self._bar.stop()

    def update(self, index: int, num_bytes_read: int) -> None:
        """Say how far into which input the work has come."""
        if not self._is_wanted:
            return
        if self._bar is None and time.monotonic() - self._started_at_s >= SECONDS_BEFORE_SHOWN:
            self._bar = self._start()
        if self._bar is not None:
            self._bar.update(self._bar.task_ids[0], completed=self._num_bytes_before[index] + num_bytes_read)

    @contextmanager
    def paused(self) -> Iterator[None]:
        """Take the bar away while something is written to the same terminal."""
        if self._bar is None:
            yield
            return
        self._bar.stop()
        yield
        self._bar.start()

    def _start(self) -> "Progress":
        from rich.console import Console  # noqa: PLC0415
        from rich.progress import BarColumn, DownloadColumn, Progress, TimeRemainingColumn  # noqa: PLC0415

        columns = (BarColumn(), DownloadColumn(), TimeRemainingColumn())
        bar = Progress(*columns, console=Console(stderr=True), transient=True, redirect_stdout=False)
        bar.add_task("", total=self._num_bytes_before[-1])
        bar.start()
        return bar
