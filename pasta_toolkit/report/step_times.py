"""What a trace says of times: of steps, chunks and threads; and where two traces part. Prices nothing.

A step lasts from its beginning to that of the next one, so that all that happens between two steps is counted.
"""

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

from pasta_toolkit.runtime import EventKind, Lane, TraceEvent

__all__ = ["StepTime", "chunk_times_ns", "first_difference", "step_times", "thread_times_ns"]

MAIN = 0
MAIN_BOUNDARIES = (EventKind.PROMISE, EventKind.SYNC, EventKind.JOIN)


@dataclass(frozen=True, slots=True)
class StepTime:
    """One step and how long it lasted."""

    lanes: tuple[Lane, ...]
    duration_ns: int


def step_times(events: Sequence[TraceEvent]) -> tuple[StepTime, ...]:
    """Return all steps of a trace; the last one lasts until it ends, or until the trace does."""
    begins = [event for event in events if event.kind is EventKind.STEP_BEGIN]
    if not begins:
        return ()
    end_ns = max(event.at_ns for event in events)
    times = [event.at_ns for event in begins] + [end_ns]
    return tuple(
        StepTime(event.lanes or (), end - begin) for event, (begin, end) in zip(begins, pairwise(times), strict=True)
    )


def thread_times_ns(events: Sequence[TraceEvent]) -> dict[Hashable, int]:
    """Return how long each thread lived: the main one from arrival, a branch from its fork, to its last token."""
    begins: dict[int, int] = {}
    lived: dict[Hashable, int] = {}
    for event in events:
        if event.kind is EventKind.ARRIVAL:
            begins[MAIN] = event.at_ns
        elif event.kind is EventKind.FORK and event.thread is not None:
            begins[event.thread] = event.at_ns
        elif event.kind is EventKind.FINISH and event.thread is not None:
            lived[event.thread] = event.at_ns - begins[event.thread]
    return lived


def chunk_times_ns(events: Sequence[TraceEvent]) -> dict[Hashable, int]:
    """Return how long each chunk took, by thread and place in it: what lies between promises, syncs, joins and ends.

    The wait at a sync is no chunk; a branch is one.
    """
    chunks: dict[Hashable, int] = {
        (thread, 0): duration for thread, duration in thread_times_ns(events).items() if thread != MAIN
    }
    begin_ns: int | None = None
    place = 0
    for event in events:
        if event.kind is EventKind.ARRIVAL:
            begin_ns = event.at_ns
        elif event.kind in MAIN_BOUNDARIES or (event.kind is EventKind.FINISH and event.thread == MAIN):
            if begin_ns is not None:
                chunks[MAIN, place] = event.at_ns - begin_ns
                place += 1
            waits = event.kind is EventKind.SYNC and event.value
            begin_ns = None if waits or event.kind is EventKind.FINISH else event.at_ns
    return chunks


def first_difference(measured: Sequence[TraceEvent], predicted: Sequence[TraceEvent]) -> str | None:
    """Return one sentence on the first event in which two traces differ, times apart; None if they are equal."""
    for place, (one, other) in enumerate(zip(measured, predicted, strict=False)):
        if _without_time(one) != _without_time(other):
            return f"event {place} differs: measured {_said(one)}, predicted {_said(other)}"
    shorter = min(len(measured), len(predicted))
    if len(measured) == len(predicted):
        return None
    name, longer = ("measured", measured) if len(measured) > shorter else ("predicted", predicted)
    return f"event {shorter} is {name} only: {_said(longer[shorter])}"


def _without_time(event: TraceEvent) -> TraceEvent:
    return event._replace(at_ns=0)


def _said(event: TraceEvent) -> str:
    """Say what an event is, leaving out what it has not."""
    fields: Mapping[str, object] = {
        name: value
        for name, value in event._asdict().items()
        if value is not None and name not in ("at_ns", "kind", "lanes")
    }
    words = [event.kind.value, *(f"{name} {value}" for name, value in fields.items())]
    lanes = [_lane(lane) for lane in event.lanes or ()]
    return ", ".join([*words, *lanes])


def _lane(lane: Lane) -> str:
    return (
        f"lane of thread {lane.thread} (feeds {lane.num_tokens} at position {lane.first_position} "
        f"behind {lane.context_tokens}{'' if lane.decodes else ', decodes nothing'})"
    )
