"""A timeline as a Chrome trace: load it into Perfetto or chrome://tracing. Names, microseconds, nothing computed.

Source: Trace Event Format (Google, document 1CvAClvFfyA5R-PhYUmn5OOQtYMH4h6I0nSsKchNAySU): phases M, X, s, f.
"""

import json
from collections.abc import Iterator
from typing import Any

from pasta_toolkit.report.timeline import Flow, Span, Timeline

__all__ = ["chrome_trace"]

NANOSECONDS_PER_MICROSECOND = 1_000
PROCESS = 1
# Perfetto takes the thread whose number is the process's for its main thread, and merges number 0 with it.
MAIN_TRACK = PROCESS
PATH_TRACK = 1_000_000  # a track of its own, below all threads of the request


def chrome_trace(timeline: Timeline) -> str:
    """Return the JSON of a trace: one track a thread, arrows for forks and joins, and the critical path as a track."""
    events = [*_names(timeline), *map(_span, timeline.spans), *_arrows(timeline), *_path(timeline)]
    return json.dumps({"traceEvents": events, "displayTimeUnit": "ms"}, indent=1) + "\n"


def _names(timeline: Timeline) -> Iterator[dict[str, Any]]:
    yield _name("process_name", MAIN_TRACK, timeline.request)
    for thread in sorted({span.thread for span in timeline.spans}):
        yield from _named(_track(thread), _thread_name(thread))
    yield from _named(PATH_TRACK, "critical path")


def _track(thread: int) -> int:
    return MAIN_TRACK + thread


def _thread_name(thread: int) -> str:
    return f"branch {thread}" if thread else "main thread"


def _named(track: int, name: str) -> Iterator[dict[str, Any]]:
    """Name a track and say its place: without it, viewers sort by name, and branch 10 stands before branch 2."""
    yield _name("thread_name", track, name)
    yield {"ph": "M", "name": "thread_sort_index", "pid": PROCESS, "tid": track, "args": {"sort_index": track}}


def _name(kind: str, track: int, name: str) -> dict[str, Any]:
    return {"ph": "M", "name": kind, "pid": PROCESS, "tid": track, "args": {"name": name}}


def _span(span: Span) -> dict[str, Any]:
    place = _complete(span.kind.value, _track(span.thread), start_ns=span.start_ns, end_ns=span.end_ns)
    return {**place, "args": {"tokens": span.tokens}}


def _path(timeline: Timeline) -> Iterator[dict[str, Any]]:
    for part in timeline.critical_path:
        yield _complete(_thread_name(part.thread), PATH_TRACK, start_ns=part.start_ns, end_ns=part.end_ns)


def _complete(name: str, track: int, *, start_ns: int, end_ns: int) -> dict[str, Any]:
    duration = (end_ns - start_ns) / NANOSECONDS_PER_MICROSECOND
    start = start_ns / NANOSECONDS_PER_MICROSECOND
    return {"ph": "X", "name": name, "cat": "decode", "pid": PROCESS, "tid": track, "ts": start, "dur": duration}


def _arrows(timeline: Timeline) -> Iterator[dict[str, Any]]:
    """An arrow binds to the slice that encloses its end: the one that ends, or begins, at that time."""
    for number, flow in enumerate(timeline.flows):
        yield _end("s", number, flow, thread=flow.from_thread, at_ns=max(0, flow.from_ns - 1))
        yield {**_end("f", number, flow, thread=flow.to_thread, at_ns=flow.to_ns), "bp": "e"}


def _end(phase: str, number: int, flow: Flow, *, thread: int, at_ns: int) -> dict[str, Any]:
    return {
        "ph": phase,
        "id": number,
        "name": flow.kind,
        "cat": "flow",
        "pid": PROCESS,
        "tid": _track(thread),
        "ts": at_ns / NANOSECONDS_PER_MICROSECOND,
    }
