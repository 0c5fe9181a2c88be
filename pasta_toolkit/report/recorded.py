"""Takes single decodes out of a recorded trace, as `pasta decode --trace` writes it, so that they can be compared.

A decode counts from its admission, since it may have waited for others; one that shared a step with another is refused.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from pasta_toolkit.report.measurement import PARALLEL, SEQUENTIAL, Measurement, MeasurementError
from pasta_toolkit.runtime import EventKind, TraceEvent
from pasta_toolkit.runtime.script_data import read_script

__all__ = ["SEQUENTIAL_SUFFIX", "measurements_of_trace"]

SEQUENTIAL_SUFFIX = " (sequential)"  # of the name of a request that decodes another's rendered answer


def measurements_of_trace(about: Mapping[str, Any], events: Sequence[TraceEvent]) -> list[Measurement]:
    """Return the decodes of a trace whose header carries the scripts of its requests.

    Raises:
        MeasurementError: it carries none, or a request ran together with others.
        TraceError: a script cannot be read.
    """
    requests = about.get("requests")
    if not requests:
        raise MeasurementError(
            "the recording carries no scripts to replay; record it with `pasta decode --sequential --trace FILE`"
        )
    return [
        _measurement(str(request["request"]), request, events) for request in requests if request["script"] is not None
    ]


def _measurement(name: str, request: Mapping[str, Any], events: Sequence[TraceEvent]) -> Measurement:
    is_sequential = name.endswith(SEQUENTIAL_SUFFIX)
    document = name.removesuffix(SEQUENTIAL_SUFFIX)
    return Measurement(
        document,
        SEQUENTIAL if is_sequential else PARALLEL,
        0,
        int(request["prompt_tokens"]),
        read_script(request["script"]),
        tuple(_alone(name, document, events)),
    )


def _alone(name: str, document: str, events: Sequence[TraceEvent]) -> Iterator[TraceEvent]:
    """Yield the events of one request as if it had been alone: from its admission, steps numbered from 0."""
    admission_ns = next(
        (event.at_ns for event in events if event.kind is EventKind.ADMISSION and event.request == name), None
    )
    if admission_ns is None:
        raise MeasurementError(f"the recording has no decode of {name!r}")
    first_step: int | None = None
    own_steps: set[int] = set()
    for event in events:
        if event.kind is EventKind.STEP_BEGIN and any(lane.request == name for lane in event.lanes or ()):
            _refuse_company(name, event)
            assert event.step is not None
            first_step = event.step if first_step is None else first_step
            own_steps.add(event.step)
        if event.request == name or event.step in own_steps:
            lanes = None if event.lanes is None else tuple(lane._replace(request=document) for lane in event.lanes)
            yield event._replace(
                at_ns=max(0, event.at_ns - admission_ns),
                request=None if event.request is None else document,
                step=None if event.step is None else event.step - (first_step or 0),
                lanes=lanes,
            )


def _refuse_company(name: str, event: TraceEvent) -> None:
    others = sorted({lane.request for lane in event.lanes or () if lane.request != name})
    if others:
        raise MeasurementError(
            f"{name!r} shares step {event.step} with {others[0]!r}, so its time is not its own; record with --batch 1"
        )
