"""Replays a recorded load: its own prompts, lengths and arrivals, one thread a request. Knows no answers.

A log that says when its requests ended can be compared with the replay, and its first requests say how fast its engine
runs beside the cost model's kernels.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from pasta_toolkit.dag.statistics import quantile
from pasta_toolkit.runtime import Request, Script
from simulator.executor import StepCost
from simulator.replica import Arrival, Serving
from simulator.router import Router, least_loaded
from simulator.simulation import Simulated, simulate
from simulator.trace_files import RecordedRequest

__all__ = ["ReplayErrors", "engine_speed", "replay", "replay_errors"]

SPEED_ROUNDS = 2  # the second moves the speed by less than 0.3 % on the logs at hand
HIGH = 0.95


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


@dataclass(frozen=True, slots=True)
class ReplayErrors:
    """How far a replay is off: signed errors of the means, and quantiles of the requests' own errors of latency."""

    mean_latency: float
    mean_tpot: float
    median_latency: float
    high_latency: float


def replay_errors(recorded: Sequence[RecordedRequest], found: Simulated, *, after: int = 0) -> ReplayErrors:
    """Compare a replay with its log, but for the first `after` requests; requests of one token have no TPOT.

    Raises:
        ValueError: the log does not say when its requests ended.
    """
    latencies, tpots = [], []
    for request, times in list(zip(recorded, found.requests, strict=True))[after:]:
        if request.completion_ns is None or request.decode_ns is None:
            raise ValueError("the log does not say when its requests ended")
        latencies.append((times.latency_ns, request.completion_ns - request.at_ns))
        if request.output_tokens > 1:
            further = request.output_tokens - 1
            tpots.append(((times.completion_ns - times.first_token_ns) / further, request.decode_ns / further))
    errors = sorted(abs(predicted / real - 1) for predicted, real in latencies)
    return ReplayErrors(_mean_error(latencies), _mean_error(tpots), quantile(errors, 0.5), quantile(errors, HIGH))


def engine_speed(
    recorded: Sequence[RecordedRequest], replayed_at: Callable[[float], Simulated], *, num_requests: int = 30
) -> float:
    """Return the speed of an engine over that of a cost model, from the decode times of its first requests alone.

    `replayed_at` replays the load at a speed. What the engine gains by fusing and capturing kernels, or loses between
    them, is one factor for all steps here: ours, the least that a log can tell.

    Raises:
        ValueError: the log does not say when these requests ended.
    """
    recorded_ns = [request.decode_ns for request in recorded[:num_requests]]
    if not recorded_ns or None in recorded_ns:
        raise ValueError("the log does not say when its first requests ended")
    measured_ns = sum(filter(None, recorded_ns))
    speed = 1.0
    for _ in range(SPEED_ROUNDS):
        first = replayed_at(speed).requests[:num_requests]
        speed *= sum(times.completion_ns - times.first_token_ns for times in first) / measured_ns
    return speed


def _mean_error(pairs: Sequence[tuple[float, float]]) -> float:
    return sum(predicted for predicted, _ in pairs) / sum(real for _, real in pairs) - 1
