"""Replays a recorded load: its own prompts, lengths and arrivals, one thread a request. Knows no answers.

A log that says when its requests ended can be compared with the replay, and its first requests say how fast its engine
runs beside the cost model's kernels.
"""

from collections.abc import Callable, Sequence

from pasta_toolkit.report.replay import ReplayedRequest, Span
from pasta_toolkit.runtime import Request, Script
from simulator.executor import StepCost
from simulator.replica import Arrival, Serving
from simulator.router import Router, least_loaded
from simulator.simulation import Simulated, simulate
from simulator.trace_files import RecordedRequest

__all__ = ["engine_speed", "replay", "replayed_requests"]

SPEED_ROUNDS = 2  # the second moves the speed by less than 0.3 % on the logs at hand


def replay(
    recorded: Sequence[RecordedRequest],
    serving: Serving,
    *,
    cost: StepCost,
    num_replicas: int = 1,
    router: Router = least_loaded,
) -> Simulated:
    """Serve the requests of a recorded load; they are named by their numbers, from 0, in order of arrival.

    Where replicas have a prefix cache (`Serving.remembers_cache`), what a record says of prompts' beginnings counts.
    """
    arrivals = [
        Arrival(
            request.at_ns,
            Request(str(number), request.prompt_tokens, expected_tokens=request.output_tokens),
            Script.sequential(request.output_tokens),
            request.prefix,
        )
        for number, request in enumerate(recorded)
    ]
    return simulate(arrivals, serving, cost=cost, num_replicas=num_replicas, router=router)


def replayed_requests(recorded: Sequence[RecordedRequest], found: Simulated) -> tuple[ReplayedRequest, ...]:
    """Lay a replay beside its log, request by request."""
    return tuple(
        ReplayedRequest(
            times.name,
            request.at_ns,
            request.prompt_tokens,
            Span(times.ttft_ns, times.latency_ns, request.output_tokens),
            _measured(request),
        )
        for request, times in zip(recorded, found.requests, strict=True)
    )


def _measured(request: RecordedRequest) -> Span | None:
    if request.first_token_ns is None or request.completion_ns is None:
        return None
    return Span(request.first_token_ns - request.at_ns, request.completion_ns - request.at_ns, request.output_tokens)


def engine_speed(
    recorded: Sequence[RecordedRequest], replayed_at: Callable[[float], Simulated], *, num_requests: int = 30
) -> float:
    """Return the speed of an engine over that of a cost model, from the decode times of its first requests alone.

    `replayed_at` replays the load at a speed. What the engine gains by fusing and capturing kernels is one factor for
    all steps here: ours, the least that a log can tell. It is never below 1: an engine runs its layers no slower than
    they ran one by one, and what its first requests lose otherwise (prompts beside them, the host) is no factor.

    Raises:
        ValueError: the log does not say when these requests ended, or each of them has one token.
    """
    recorded_ns = [request.decode_ns for request in recorded[:num_requests]]
    if not recorded_ns or None in recorded_ns:
        raise ValueError("the log does not say when its first requests ended")
    measured_ns = sum(filter(None, recorded_ns))
    if not measured_ns:
        raise ValueError("the log's first requests have no token after their first one")
    speed = 1.0
    for _ in range(SPEED_ROUNDS):
        first = replayed_at(speed).requests[:num_requests]
        speed *= sum(times.completion_ns - times.first_token_ns for times in first) / measured_ns
    return max(1.0, speed)
