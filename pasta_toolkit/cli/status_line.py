"""Says on stderr what long work is at: on a terminal alone, and only after a while."""

import sys
import time
from types import TracebackType
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    from rich.status import Status

__all__ = ["StatusLine"]

SECONDS_BEFORE_SHOWN = 1.0


class StatusLine:
    """One line that changes. State: the line, once it is shown."""

    def __init__(self) -> None:
        self._is_wanted = sys.stderr.isatty()
        self._started_at_s = time.monotonic()
        self._status: Status | None = None

    def __enter__(self) -> Self:
        """Begin; nothing is shown yet."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Take the line away."""
        if self._status is not None:
            self._status.stop()

    def show(self, what: str) -> None:
        """Say what the work is at now."""
        if not self._is_wanted or time.monotonic() - self._started_at_s < SECONDS_BEFORE_SHOWN:
            return
        if self._status is None:
            self._status = self._start()
        self._status.update(what)

    def _start(self) -> "Status":
        from rich.console import Console  # noqa: PLC0415
        from rich.status import Status  # noqa: PLC0415

        status = Status("", console=Console(stderr=True, markup=False, highlight=False))
        status.start()
        return status
