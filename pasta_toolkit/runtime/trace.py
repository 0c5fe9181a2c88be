"""The trace: events with their times, as JSON Lines of schema `pasta.trace/1`, and its reader. Computes nothing.

The first line is the header; every other line is one event. Same events, same bytes.
"""

import json
from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple, TextIO

from grammar import PastaError
from pasta_toolkit.runtime.changes import EventKind
from pasta_toolkit.runtime.step import Lane

__all__ = ["TRACE_SCHEMA", "TraceError", "TraceEvent", "read_trace", "write_trace"]

TRACE_SCHEMA = "pasta.trace/1"


class TraceError(PastaError):
    """Report a file that is no trace, or one of another version."""


class TraceEvent(NamedTuple):
    """One event. `lanes` are given where a step begins, `step` where one begins or ends.

    `value` is that of the `Change`; where a step begins, the tokens that it swaps, if any.
    """

    at_ns: int
    kind: EventKind
    request: str | None = None
    thread: int | None = None
    value: int | None = None
    step: int | None = None
    lanes: tuple[Lane, ...] | None = None


def write_trace(events: Iterable[TraceEvent], stream: TextIO, *, about: dict[str, Any] | None = None) -> None:
    """Write a header, with whatever `about` says of the run, and the events."""
    stream.write(_line({"schema": TRACE_SCHEMA, **(about or {})}))
    stream.writelines(_line(_fields(event)) for event in events)


def read_trace(stream: Iterable[str]) -> tuple[dict[str, Any], list[TraceEvent]]:
    """Read a trace: what its header says besides the schema, and the events.

    Raises:
        TraceError: the header is missing or of another schema, or a line is no event.
    """
    lines = enumerate(stream, start=1)
    about = _header(lines)
    return about, [_event(number, line) for number, line in lines]


def _line(content: dict[str, Any]) -> str:
    return json.dumps(content, ensure_ascii=False, separators=(",", ":")) + "\n"


def _fields(event: TraceEvent) -> dict[str, Any]:
    return {name: value for name, value in event._asdict().items() if value is not None}


def _header(lines: Iterator[tuple[int, str]]) -> dict[str, Any]:
    number, line = next(lines, (1, ""))
    header = _parsed(number, line)
    schema = header.pop("schema", None)
    if schema != TRACE_SCHEMA:
        raise TraceError(f"line {number}: found schema {schema!r}, this version reads {TRACE_SCHEMA!r}")
    return header


def _event(number: int, line: str) -> TraceEvent:
    fields = _parsed(number, line)
    try:
        kind = EventKind(fields.pop("kind"))
        lanes = fields.pop("lanes", None)
        steps = None if lanes is None else tuple(Lane(*lane) for lane in lanes)
        return TraceEvent(fields.pop("at_ns"), kind, lanes=steps, **fields)
    except (KeyError, TypeError, ValueError) as error:
        raise TraceError(f"line {number} of the trace is no event of {TRACE_SCHEMA!r}: {error}") from error


def _parsed(number: int, line: str) -> dict[str, Any]:
    try:
        content = json.loads(line)
    except json.JSONDecodeError as error:
        raise TraceError(f"line {number} of the trace is no JSON: {error}") from error
    if not isinstance(content, dict):
        raise TraceError(f"line {number} of the trace is no JSON object")
    return content
