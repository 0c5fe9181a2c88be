"""What can change while requests are served: the kinds of events, before anybody says when. Knows no clock."""

from enum import StrEnum
from typing import NamedTuple

__all__ = ["Change", "EventKind"]


class EventKind(StrEnum):
    """Kinds of trace events, in the order in which they can befall a request."""

    ARRIVAL = "arrival"
    ADMISSION = "admission"
    STEP_BEGIN = "step-begin"
    STEP_END = "step-end"
    FIRST_TOKEN = "first-token"  # noqa: S105 - a token of text
    PROMISE = "promise"
    FORK = "fork"
    SYNC = "sync"
    JOIN = "join"
    FINISH = "finish"
    PREEMPTION = "preemption"
    COMPLETION = "completion"
    CANCELLATION = "cancellation"


class Change(NamedTuple):
    """One change: `value` is what its kind counts.

    Prompt tokens of an arrival, promised tokens of a promise, prefix tokens of a fork, outstanding branches of a sync,
    joined branches of a join, decoded tokens of a finish, a completion or a cancellation, lost tokens of a preemption.
    """

    kind: EventKind
    request: str
    thread: int | None = None
    value: int | None = None
