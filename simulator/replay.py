"""Replays a recorded load: its own prompts, lengths and arrivals, one thread a request. Knows no answers."""

from collections.abc import Sequence

from pasta_toolkit.runtime import Request, Script
from simulator.executor import StepCost
from simulator.prefix_cache import PrefixCache
from simulator.replica import Arrival, Serving
from simulator.router import Router, least_loaded
from simulator.simulation import Simulated, simulate
from simulator.trace_files import RecordedRequest

__all__ = ["replay"]


def replay(
    recorded: Sequence[RecordedRequest],
    serving: Serving,
    *,
    cost: StepCost,
    num_replicas: int = 1,
    router: Router = least_loaded,
    prefix_cache: PrefixCache | None = None,
) -> Simulated:
    """Serve the requests of a recorded load; they are named by their numbers, from 0, in order of arrival.

    With a prefix cache, a prompt's leading blocks that were seen before are cached; else what the record itself says.
    """
    arrivals = []
    for number, request in enumerate(recorded):
        cached = request.cached_tokens
        if prefix_cache is not None:
            cached = prefix_cache.cached_tokens(request.block_hashes, request.prompt_tokens)
        asked = Request(str(number), request.prompt_tokens, cached, request.output_tokens)
        arrivals.append(Arrival(request.at_ns, asked, Script.sequential(request.output_tokens)))
    return simulate(arrivals, serving, cost=cost, num_replicas=num_replicas, router=router)
