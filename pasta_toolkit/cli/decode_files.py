"""The files that `pasta decode` writes: the trace of everything that ran, and a timeline of one request.

A trace's header says what ran, and carries the script of every request, so that the trace can be predicted without the
model. Several runs of the engine become one trace: times and steps go on counting.
"""

from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pasta_toolkit.runtime import TraceEvent
    from reference_engine import Recording

__all__ = ["TraceLog", "write_timeline", "write_trace_file"]


class TraceLog:
    """The events of all runs. State: where the newest run begins, and when its requests were admitted."""

    def __init__(self) -> None:
        self.events: list[TraceEvent] = []
        self.admitted_ns: dict[str, int] = {}
        self._begin_ns = 0
        self._first_step = 0

    def begin_run(self) -> None:
        """A run begins; its clock and its steps begin at 0."""
        self.admitted_ns = {}
        if self.events:
            self._begin_ns = self.events[-1].at_ns
            self._first_step = 1 + max((event.step for event in self.events if event.step is not None), default=-1)

    @property
    def run_ns(self) -> int:
        """How long the newest run has taken so far."""
        return self.events[-1].at_ns - self._begin_ns if self.events else 0

    def record(self, event: "TraceEvent") -> None:
        """Take an event of the newest run."""
        from pasta_toolkit.runtime import EventKind  # noqa: PLC0415

        if event.kind is EventKind.ADMISSION and event.request is not None:
            self.admitted_ns.setdefault(event.request, event.at_ns)
        step = None if event.step is None else event.step + self._first_step
        self.events.append(event._replace(at_ns=event.at_ns + self._begin_ns, step=step))


def write_trace_file(path: Path, log: TraceLog, *, about: dict[str, Any], recordings: "Iterable[Recording]") -> None:
    """Write the trace.

    Raises:
        InputError: the file cannot be written.
    """
    from pasta_toolkit.records import InputError  # noqa: PLC0415
    from pasta_toolkit.runtime import write_trace  # noqa: PLC0415

    requests = [_request_data(recording) for recording in recordings]
    try:
        with path.open("w", encoding="utf-8") as stream:
            write_trace(log.events, stream, about={**about, "requests": requests})
    except OSError as error:
        raise InputError(f"cannot write {str(path)!r}: {error.strerror}") from error


def write_timeline(path: Path, log: TraceLog, request: str) -> None:
    """Draw a request.

    Raises:
        InputError: the file cannot be written.
        TimelineError: the request did not come to its end.
        PlotError: the file's suffix is neither .png nor .svg.
        MissingMatplotlibError: matplotlib is not installed.
    """
    from pasta_toolkit.records import InputError  # noqa: PLC0415
    from pasta_toolkit.report.plots import timeline_plot  # noqa: PLC0415
    from pasta_toolkit.report.timeline import timeline_of  # noqa: PLC0415

    content = timeline_plot(timeline_of(log.events, request), suffix=path.suffix.removeprefix(".").lower())
    try:
        path.write_bytes(content)
    except OSError as error:
        raise InputError(f"cannot write {str(path)!r}: {error.strerror}") from error


def _request_data(recording: "Recording") -> dict[str, Any]:
    from pasta_toolkit.runtime import script_data  # noqa: PLC0415

    script = None if recording.script is None else script_data(recording.script)
    return {"request": recording.name, "prompt_tokens": recording.prompt_tokens, "script": script}
