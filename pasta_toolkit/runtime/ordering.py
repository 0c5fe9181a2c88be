"""Who goes first: orderings of threads. Pure functions of what the scheduler knows; no clock, no text.

Every key ends in (request sequence, thread index), so that no two threads ever tie.
"""

from typing import Protocol

from pasta_toolkit.runtime.request import LimitsError
from pasta_toolkit.runtime.thread import DecodeThread
from pasta_toolkit.runtime.threads import RequestThreads

__all__ = ["ORDERINGS", "Ordering", "first_come", "ordering"]


class Ordering(Protocol):
    """A sort key for the threads of all requests: the smallest goes first."""

    def __call__(self, request: RequestThreads, thread: DecodeThread) -> tuple[int, ...]:
        """Return the key of one thread."""


def first_come(request: RequestThreads, thread: DecodeThread) -> tuple[int, ...]:
    """Order by arrival, then by thread: the main thread before its branches, these by their promises."""
    return (request.sequence, thread.index)


def _shortest_remaining(request: RequestThreads, thread: DecodeThread) -> tuple[int, ...]:
    """Requests with the fewest tokens still to feed or decode first, as far as `expected_tokens` says."""
    unfed = sum(live.pending_tokens for live in request.live)
    remaining = max(0, request.request.expected_tokens - request.decoded_tokens)
    return (unfed + remaining, request.sequence, thread.index)


def _critical_path(request: RequestThreads, thread: DecodeThread) -> tuple[int, ...]:
    """Requests in order of arrival; within one, the branch that promises the most remaining tokens first.

    The main thread comes before its branches: it may still promise more.
    """
    remaining = max(0, thread.promised_tokens - thread.decoded_tokens)
    return (request.sequence, 0 if thread.index == 0 else 1, -remaining, thread.index)


ORDERINGS: tuple[str, ...] = ("critical-path", "first-come", "shortest-remaining")


def ordering(name: str) -> Ordering:
    """Return the ordering of a name.

    Raises:
        LimitsError: no such ordering.
    """
    known: dict[str, Ordering] = {
        "critical-path": _critical_path,
        "first-come": first_come,
        "shortest-remaining": _shortest_remaining,
    }
    if name not in known:
        raise LimitsError(f"no ordering {name!r}: choose from {', '.join(ORDERINGS)}")
    return known[name]
