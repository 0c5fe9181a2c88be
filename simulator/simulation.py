"""A simulation: arrivals in, times of each request out. Knows no documents, no hardware and no reports."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from pasta_toolkit.runtime import Change, EventKind, TraceEvent
from simulator.event_loop import EventLoop, Priority
from simulator.executor import StepCost
from simulator.replica import Arrival, Replica, Serving
from simulator.router import Router, least_loaded

__all__ = ["RequestTimes", "Simulated", "simulate"]


@dataclass(frozen=True, slots=True)
class RequestTimes:
    """When what befell one request; a request without a token has its first one, as it were, when it completes."""

    name: str
    arrival_ns: int
    admission_ns: int
    first_token_ns: int
    completion_ns: int
    decoded_tokens: int
    num_preemptions: int = 0

    @property
    def latency_ns(self) -> int:
        """From arrival to completion."""
        return self.completion_ns - self.arrival_ns

    @property
    def ttft_ns(self) -> int:
        """Time to first token: from arrival to the end of the step that decodes it."""
        return self.first_token_ns - self.arrival_ns

    @property
    def queueing_ns(self) -> int:
        """From arrival to the beginning of the first step with a lane of the request."""
        return self.admission_ns - self.arrival_ns


@dataclass(frozen=True, slots=True)
class Simulated:
    """What a simulation found, requests in order of arrival.

    For each replica: how long it was busy, the integral of its allocated slots over that time, and their peak. Of all
    prompts' tokens, `cached_tokens` came from a prefix cache.
    """

    requests: tuple[RequestTimes, ...]
    makespan_ns: int
    busy_ns: tuple[int, ...]
    slot_ns: tuple[int, ...]
    peak_slots: tuple[int, ...]
    prompt_tokens: int = 0
    cached_tokens: int = 0


def simulate(
    arrivals: Sequence[Arrival],
    serving: Serving,
    *,
    cost: StepCost,
    num_replicas: int = 1,
    router: Router = least_loaded,
    record: Callable[[TraceEvent], object] | None = None,
    follow: Callable[[str], Iterable[Arrival]] | None = None,
) -> Simulated:
    """Serve all arrivals to their ends, and what follows them.

    When a request completes, `follow` is told its name and says what arrives then; their own times do not matter.

    A trace can be recorded of one replica only: its step numbers are those of one scheduler.

    Raises:
        KvError: a request that the cache cannot hold.
        ValueError: a trace of several replicas is asked for.
    """
    if record is not None and num_replicas > 1:
        raise ValueError("a trace is that of one replica")
    loop, watcher, replicas = EventLoop(), _Watcher(), list[Replica]()

    def watch(change: Change) -> None:
        watcher.note(change, loop.now_ns)
        if follow is not None and change.kind is EventKind.COMPLETION:
            for arrival in follow(change.request):
                loop.schedule(loop.now_ns, Priority.ARRIVAL, _arrival(arrival, replicas, router))

    replicas += [Replica(loop, serving, cost=cost, record=record, watch=watch) for _ in range(num_replicas)]
    for arrival in arrivals:
        loop.schedule(arrival.at_ns, Priority.ARRIVAL, _arrival(arrival, replicas, router))
    loop.run()
    return Simulated(
        tuple(watcher.times()),
        loop.now_ns,
        tuple(replica.busy_ns for replica in replicas),
        tuple(replica.slot_ns for replica in replicas),
        tuple(replica.peak_slots for replica in replicas),
        sum(replica.prompt_tokens for replica in replicas),
        sum(replica.cached_tokens for replica in replicas),
    )


def _arrival(arrival: Arrival, replicas: Sequence[Replica], router: Router) -> Callable[[], None]:
    def arrive() -> None:
        replicas[router(arrival, replicas)].arrive(arrival)

    return arrive


class _Watcher:
    """Notes when changes befall requests."""

    def __init__(self) -> None:
        self._notes: dict[str, dict[EventKind, tuple[int, int | None]]] = {}
        self._preemptions: dict[str, int] = {}

    def note(self, change: Change, at_ns: int) -> None:
        if change.kind in _NOTED:
            self._notes.setdefault(change.request, {}).setdefault(change.kind, (at_ns, change.value))
        elif change.kind is EventKind.PREEMPTION:
            self._preemptions[change.request] = self._preemptions.get(change.request, 0) + 1

    def times(self) -> Iterable[RequestTimes]:
        for name, notes in self._notes.items():
            completion_ns, decoded = notes[EventKind.COMPLETION]
            yield RequestTimes(
                name,
                notes[EventKind.ARRIVAL][0],
                notes[EventKind.ADMISSION][0],
                notes.get(EventKind.FIRST_TOKEN, (completion_ns, None))[0],
                completion_ns,
                decoded or 0,
                self._preemptions.get(name, 0),
            )


_NOTED = (EventKind.ARRIVAL, EventKind.ADMISSION, EventKind.FIRST_TOKEN, EventKind.COMPLETION)
