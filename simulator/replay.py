"""Replays a recorded load: its own prompts, lengths and arrivals, one thread a request. Knows no answers.

A log that says when its requests ended can be compared with the replay, and some of its requests say how fast its
engine runs beside the cost model's kernels.
"""

from collections.abc import Callable, Sequence
from itertools import islice

from pasta_toolkit.report.replay import ReplayedRequest, Span
from pasta_toolkit.runtime import Request, Script
from simulator.executor import StepCost
from simulator.replica import Arrival, Serving
from simulator.router import Router, least_loaded
from simulator.simulation import Simulated, simulate
from simulator.trace_files import RecordedRequest

__all__ = ["engine_speed", "replay", "replayed_requests", "telling_requests"]

WARM_UP_NS = 5_000_000_000
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


def telling_requests(recorded: Sequence[RecordedRequest], num_requests: int = 30) -> tuple[int, ...]:
    """Return the first requests, by their numbers, whose decode times tell an engine's speed; fewer if there are fewer.

    They have a token after their first one, which came when the engine was warm: ours, 5 s after the load began. (In
    the first 5 s of a log of vLLM 0.19 on an RTX PRO 6000 0.8 s are lost that no later steps lose.)
    """
    warm = (
        number
        for number, request in enumerate(recorded)
        if request.decode_ns and (request.first_token_ns or 0) - recorded[0].at_ns >= WARM_UP_NS
    )
    return tuple(islice(warm, num_requests))


def engine_speed(
    recorded: Sequence[RecordedRequest], replayed_at: Callable[[float], Simulated], telling: Sequence[int]
) -> float:
    """Return the speed of an engine over that of a cost model, from the decode times of the telling requests alone.

    `replayed_at` replays the load at a speed. What the engine gains by fusing and capturing kernels is one factor for
    all steps here: ours, the least that a log can tell.

    Raises:
        ValueError: there are no telling requests, or the log does not say how long one of them decoded.
    """
    recorded_ns = [recorded[number].decode_ns for number in telling]
    if not recorded_ns or not all(recorded_ns):
        raise ValueError("the log does not say how long these requests decoded")
    speed = 1.0
    for _ in range(SPEED_ROUNDS):
        found = replayed_at(speed).requests
        decoding_ns = sum(found[number].completion_ns - found[number].first_token_ns for number in telling)
        speed *= decoding_ns / sum(filter(None, recorded_ns))
    return speed
