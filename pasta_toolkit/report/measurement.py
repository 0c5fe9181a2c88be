"""What was measured, as values and as JSON Lines: decodes with their traces, steps of a calibration. Computes nothing.

A file of measurements says in its first line what was measured where; every other line is one decode, or one visit of a
calibration between decodes. It can be written on one machine and compared on another, and it is appended to as decodes
end, so that whoever stops early loses one.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

from grammar import PastaError
from pasta_toolkit.runtime import EventKind, Lane, Script, TraceError, TraceEvent
from pasta_toolkit.runtime.script_data import read_script, script_data

__all__ = [
    "MEASUREMENTS_SCHEMA",
    "PARALLEL",
    "PROBE_CONTEXT_TOKENS",
    "SEQUENTIAL",
    "Measurement",
    "MeasurementError",
    "Measurements",
    "StepSample",
    "append_measurement",
    "append_visit",
    "read_measurements",
    "start_measurements",
]

MEASUREMENTS_SCHEMA = "pasta.measurements/1"
PARALLEL, SEQUENTIAL = "parallel", "sequential"
PROBE_CONTEXT_TOKENS = 64  # behind which the one lane of a probe's step decodes, in the mean


class MeasurementError(PastaError):
    """Report a file that holds no measurements, or those of something else."""


@dataclass(frozen=True, slots=True)
class Measurement:
    """One decode of one answer, alone on the device: by all its threads (`parallel`) or rendered by one.

    `script` repeats it lane by lane, `events` say when what happened; all of them are of the request `document`.
    `probe_ns` is the mean time of a probe's steps, which were taken between its own and left out of its time: what one
    lane took on this machine meanwhile. None without a probe.
    """

    document: str
    variant: str
    repetition: int
    prompt_tokens: int
    script: Script
    events: tuple[TraceEvent, ...]
    probe_ns: float | None = None

    @property
    def latency_ns(self) -> int:
        """From arrival to completion."""
        return self._at(EventKind.COMPLETION) - self._at(EventKind.ARRIVAL)

    @property
    def ttft_ns(self) -> int:
        """From arrival to the first token; to completion where there is none."""
        kinds = {event.kind for event in self.events}
        first = EventKind.FIRST_TOKEN if EventKind.FIRST_TOKEN in kinds else EventKind.COMPLETION
        return self._at(first) - self._at(EventKind.ARRIVAL)

    @property
    def decoded_tokens(self) -> int:
        """Tokens of all threads."""
        return next(event.value or 0 for event in self.events if event.kind is EventKind.COMPLETION)

    def _at(self, kind: EventKind) -> int:
        return next(event.at_ns for event in self.events if event.kind is kind)


@dataclass(frozen=True, slots=True)
class StepSample:
    """One step of a calibration, from its beginning to that of the next.

    Steps stand in order; those that are not `is_counted` only say how the pool came to be filled. `probe_ns` is what a
    probe's steps took meanwhile in the mean; None without a probe.
    """

    shape: str
    visit: int
    lanes: tuple[Lane, ...]
    duration_ns: int
    is_counted: bool = True
    probe_ns: float | None = None


class Measurements(NamedTuple):
    """What a file holds: what was measured where, decodes, and the steps of a calibration between them."""

    about: Mapping[str, Any]
    decodes: list[Measurement]
    steps: list[StepSample]


def start_measurements(path: Path, about: Mapping[str, Any]) -> Measurements:
    """Begin a file, or go on with one of the same content; return what it holds already.

    Raises:
        MeasurementError: the file is one of other measurements, or none at all.
    """
    if not path.is_file() or not path.stat().st_size:
        _append(path, {"schema": MEASUREMENTS_SCHEMA, **about})
        return Measurements(about, [], [])
    _mend(path)
    found = read_measurements(path)
    other = [key for key in {**about, **found.about} if found.about.get(key) != about.get(key)]
    if other:
        was, wanted = found.about.get(other[0]), about.get(other[0])
        raise MeasurementError(
            f"{str(path)!r} holds measurements with {other[0]} {was!r}, not {wanted!r}; give another file, or remove it"
        )
    return found


def append_measurement(path: Path, measurement: Measurement) -> None:
    """Write one decode to the end of a file, at once and as a whole."""
    _append(
        path,
        {
            "document": measurement.document,
            "variant": measurement.variant,
            "repetition": measurement.repetition,
            "prompt_tokens": measurement.prompt_tokens,
            "script": script_data(measurement.script),
            "events": [_event_to_json(event) for event in measurement.events],
            "probe_ns": measurement.probe_ns,
        },
    )


def append_visit(path: Path, steps: Sequence[StepSample]) -> None:
    """Write one visit of a calibration to the end of a file, at once and as a whole."""
    _append(
        path,
        {
            "shape": steps[0].shape,
            "visit": steps[0].visit,
            "steps": [[step.lanes, step.duration_ns, step.is_counted] for step in steps],
            "probe_ns": steps[0].probe_ns,
        },
    )


def read_measurements(path: Path) -> Measurements:
    """Read a file: what its first line says, the decodes, and the steps of a calibration.

    Raises:
        MeasurementError: the file cannot be read, or a line is no measurement of this version.
    """
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise MeasurementError(f"cannot read the measurements {str(path)!r}: {error}") from error
    about = _parsed(path, 1, lines[0] if lines else "")
    schema = about.pop("schema", None)
    if schema != MEASUREMENTS_SCHEMA:
        raise MeasurementError(f"{path}: found schema {schema!r}, this version reads {MEASUREMENTS_SCHEMA!r}")
    found = Measurements(about, [], [])
    for number, line in enumerate(lines[1:], start=2):
        fields = _parsed(path, number, line)
        try:
            if "shape" in fields:
                found.steps.extend(_visit(fields))
            else:
                found.decodes.append(_measurement(fields))
        except (KeyError, TypeError, ValueError, TraceError) as error:
            raise MeasurementError(f"{path}: line {number} is no measurement: {error!r}") from error
    return found


def _measurement(fields: Mapping[str, Any]) -> Measurement:
    name = fields["document"]
    return Measurement(
        name,
        fields["variant"],
        fields["repetition"],
        fields["prompt_tokens"],
        read_script(fields["script"]),
        tuple(_event_from_json(name, event) for event in fields["events"]),
        fields.get("probe_ns"),
    )


def _visit(fields: Mapping[str, Any]) -> Iterable[StepSample]:
    for lanes, duration_ns, is_counted in fields["steps"]:
        fed = tuple(Lane(*lane) for lane in lanes)
        yield StepSample(fields["shape"], fields["visit"], fed, duration_ns, is_counted, fields["probe_ns"])


def _event_to_json(event: TraceEvent) -> list[Any]:
    lanes = None if event.lanes is None else [lane[1:] for lane in event.lanes]
    return [event.at_ns, event.kind.value, event.request is not None, event.thread, event.value, event.step, lanes]


def _event_from_json(name: str, fields: list[Any]) -> TraceEvent:
    at_ns, kind, is_of_request, thread, value, step, lanes = fields
    fed = None if lanes is None else tuple(Lane(name, *lane) for lane in lanes)
    return TraceEvent(at_ns, EventKind(kind), name if is_of_request else None, thread, value, step, fed)


def _append(path: Path, content: Mapping[str, Any]) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("a", encoding="utf-8") as stream:
            stream.write(json.dumps(content, ensure_ascii=False, separators=(",", ":")) + "\n")
    except OSError as error:
        raise MeasurementError(f"cannot write {str(path)!r}: {error.strerror}") from error


def _mend(path: Path) -> None:
    """Drop a last line that was cut off while it was written."""
    content = path.read_bytes()
    if not content.endswith(b"\n"):
        path.write_bytes(content[: content.rfind(b"\n") + 1])


def _parsed(path: Path, number: int, line: str) -> dict[str, Any]:
    try:
        content = json.loads(line)
    except json.JSONDecodeError as error:
        raise MeasurementError(f"{path}: line {number} is no JSON: {error}") from error
    if not isinstance(content, dict):
        raise MeasurementError(f"{path}: line {number} is no JSON object")
    return content
