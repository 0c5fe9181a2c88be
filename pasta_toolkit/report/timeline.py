"""Who ran when: the spans of each thread in a trace, and the critical path in time. Draws nothing, prices nothing."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum

from grammar import PastaError
from pasta_toolkit.runtime import EventKind, TraceEvent

__all__ = ["Flow", "PathPart", "Span", "SpanKind", "Timeline", "TimelineError", "timeline_of"]


class TimelineError(PastaError):
    """Report a trace in which a request is not to be found, or does not complete."""


class SpanKind(StrEnum):
    """What a thread does in a span."""

    QUEUE = "queue"
    PREFILL = "prefill"
    DECODE = "decode"
    WAIT = "wait"


@dataclass(frozen=True, slots=True)
class Span:
    """One thread, doing one thing, from one time to another; `tokens` it fed meanwhile."""

    thread: int
    kind: SpanKind
    start_ns: int
    end_ns: int
    tokens: int = 0


@dataclass(frozen=True, slots=True)
class Flow:
    """An arrow between threads: a fork, from promise to branch, or a join, from a branch's end to the sync."""

    kind: str
    from_thread: int
    from_ns: int
    to_thread: int
    to_ns: int


@dataclass(frozen=True, slots=True)
class PathPart:
    """A stretch of the critical path in time: the thread that everything later waited for."""

    thread: int
    start_ns: int
    end_ns: int


@dataclass(frozen=True, slots=True)
class Timeline:
    """One request: spans by thread and time, arrows, and the critical path from arrival to completion."""

    request: str
    arrival_ns: int
    completion_ns: int
    spans: tuple[Span, ...]
    flows: tuple[Flow, ...]
    critical_path: tuple[PathPart, ...]

    @property
    def num_threads(self) -> int:
        """Threads that ever ran."""
        return len({span.thread for span in self.spans})


def timeline_of(events: Sequence[TraceEvent], request: str) -> Timeline:
    """Read the timeline of one request from a trace.

    Raises:
        TimelineError: the request is not in the trace, or does not complete there.
    """
    own = [event for event in events if event.request == request]
    arrival = next((event.at_ns for event in own if event.kind is EventKind.ARRIVAL), None)
    completion = next((event.at_ns for event in own if event.kind is EventKind.COMPLETION), None)
    if arrival is None or completion is None:
        raise TimelineError(f"request {request!r} does not arrive and complete in this trace")
    forks = _forks(own)
    joins = _joins(own)
    spans = _spans(events, request, arrival_ns=arrival)
    return Timeline(
        request,
        arrival,
        completion,
        tuple(sorted([*spans, *_waits(own, joins)], key=lambda span: (span.thread, span.start_ns))),
        tuple(sorted([*forks, *joins], key=lambda flow: (flow.from_ns, flow.to_ns, flow.to_thread))),
        _critical_path(own, forks, arrival_ns=arrival, completion_ns=completion),
    )


def _spans(events: Iterable[TraceEvent], request: str, *, arrival_ns: int) -> list[Span]:
    """Join the lanes of each thread in steps that follow one another; before the first lane lies a queue.

    On a real clock a moment passes between two steps, in which no thread waits.
    """
    spans: list[Span] = []
    last: dict[int, int] = {}
    begun: TraceEvent | None = None
    step_before_ns = arrival_ns
    for event in events:
        if event.kind is EventKind.STEP_BEGIN:
            begun = event
        elif event.kind is EventKind.STEP_END and begun is not None:
            for lane in begun.lanes or ():
                if lane.request == request:
                    kind = SpanKind.DECODE if lane.num_tokens == 1 and lane.context_tokens else SpanKind.PREFILL
                    part = Span(lane.thread, kind, begun.at_ns, event.at_ns, lane.num_tokens)
                    _append(spans, last, part, step_before_ns=step_before_ns)
            step_before_ns = event.at_ns
    first_ns = min((span.start_ns for span in spans), default=arrival_ns)
    queue = [Span(0, SpanKind.QUEUE, arrival_ns, first_ns)] if first_ns > arrival_ns else []
    return queue + spans


def _append(spans: list[Span], last: dict[int, int], part: Span, *, step_before_ns: int) -> None:
    index = last.get(part.thread)
    if index is not None:
        span = spans[index]
        if span.end_ns == step_before_ns and span.kind is part.kind:
            spans[index] = Span(span.thread, span.kind, span.start_ns, part.end_ns, span.tokens + part.tokens)
            return
    last[part.thread] = len(spans)
    spans.append(part)


def _forks(own: Iterable[TraceEvent]) -> list[Flow]:
    promised: dict[int, int] = {}
    forks = []
    for event in own:
        if event.thread is None:
            continue
        if event.kind is EventKind.PROMISE:
            promised[event.thread] = event.at_ns
        elif event.kind is EventKind.FORK:
            forks.append(Flow("fork", 0, promised[event.thread], event.thread, event.at_ns))
    return forks


def _joins(own: Iterable[TraceEvent]) -> list[Flow]:
    finished: dict[int, int] = {}
    joins: list[Flow] = []
    for event in own:
        if event.kind is EventKind.FINISH and event.thread:
            finished[event.thread] = event.at_ns
        elif event.kind is EventKind.JOIN:
            joins += [Flow("join", thread, at_ns, 0, event.at_ns) for thread, at_ns in sorted(finished.items())]
            finished = {}
    return joins


def _waits(own: Iterable[TraceEvent], joins: Iterable[Flow]) -> list[Span]:
    ends = sorted({join.to_ns for join in joins})
    starts = [event.at_ns for event in own if event.kind is EventKind.SYNC and event.value]
    return [Span(0, SpanKind.WAIT, start, end) for start, end in zip(starts, ends, strict=False) if end > start]


def _critical_path(
    own: Sequence[TraceEvent], forks: Iterable[Flow], *, arrival_ns: int, completion_ns: int
) -> tuple[PathPart, ...]:
    """Walk back from the completion: at a join to the thread that ended last, from a branch to its promise.

    At an end without sync a tie goes to the main thread; at a sync it goes to the branch, whose last token must still
    be fed. Among branches a tie goes to the lowest.
    """
    promised = {fork.to_thread: fork.from_ns for fork in forks}
    parts: list[PathPart] = []
    end_ns = completion_ns
    for join_ns, branch_ends, main_ns in reversed(_groups(own)):
        start_ns = completion_ns if join_ns is None else join_ns
        parts.append(PathPart(0, start_ns, end_ns))
        latest_ns = max(at_ns for _, at_ns in branch_ends)
        end_ns = start_ns
        if main_ns is None or main_ns < latest_ns or (join_ns is not None and main_ns == latest_ns):
            thread = min(thread for thread, at_ns in branch_ends if at_ns == latest_ns)
            parts.append(PathPart(thread, promised[thread], start_ns))
            end_ns = promised[thread]
    parts.append(PathPart(0, arrival_ns, end_ns))
    return _closed(parts)


def _groups(own: Iterable[TraceEvent]) -> list[tuple[int | None, list[tuple[int, int]], int | None]]:
    """Return for each join its time, the ends of its branches, and when the main thread was there."""
    groups: list[tuple[int | None, list[tuple[int, int]], int | None]] = []
    ends: list[tuple[int, int]] = []
    main_ns: int | None = None
    for event in own:
        if event.kind is EventKind.FINISH and event.thread:
            ends.append((event.thread, event.at_ns))
        elif event.kind is EventKind.SYNC or (event.kind is EventKind.FINISH and event.thread == 0):
            main_ns = event.at_ns
        elif event.kind is EventKind.JOIN:
            groups.append((event.at_ns, ends, main_ns))
            ends, main_ns = [], None
    if ends:
        groups.append((None, ends, main_ns))
    return groups


def _closed(parts: Iterable[PathPart]) -> tuple[PathPart, ...]:
    """Put the parts in order, leave empty ones out and join what one thread does in a row."""
    path: list[PathPart] = []
    for part in reversed(list(parts)):
        if part.end_ns == part.start_ns:
            continue
        if path and path[-1].thread == part.thread:
            path[-1] = PathPart(part.thread, path[-1].start_ns, part.end_ns)
        else:
            path.append(part)
    return tuple(path)
