"""Which replica a request goes to. Pure choices; a tie goes to the replica of lowest index."""

from collections.abc import Sequence
from itertools import count
from typing import Protocol

from grammar import PastaError
from simulator.replica import Arrival, Replica

__all__ = ["ROUTERS", "Router", "RouterError", "least_loaded", "prefix_aware", "router"]

ROUTERS = ("least-loaded", "prefix-aware", "round-robin")
# Source: the cache-aware policy of SGLang's router: affinity to a cache, unless the load is off balance by more than so
# many requests (its `balance_abs_threshold`).
MAX_IMBALANCE = 32


class RouterError(PastaError):
    """Report a router that does not exist."""


class Router(Protocol):
    """Chooses a replica."""

    def __call__(self, arrival: Arrival, replicas: Sequence[Replica], /) -> int:
        """Return the index of a replica."""


def least_loaded(arrival: Arrival, replicas: Sequence[Replica], /) -> int:
    """Choose the replica with the fewest unfinished requests."""
    del arrival
    return min(range(len(replicas)), key=lambda index: (replicas[index].num_unfinished, index))


def prefix_aware(arrival: Arrival, replicas: Sequence[Replica], /) -> int:
    """Choose the replica that has most of the prompt cached, the less loaded of equals.

    If it has more unfinished requests than the least loaded by over `MAX_IMBALANCE`, choose the latter.
    """
    hits = [replica.hit_tokens(arrival) for replica in replicas]
    index = min(range(len(replicas)), key=lambda i: (-hits[i], replicas[i].num_unfinished, i))
    least = least_loaded(arrival, replicas)
    is_too_busy = replicas[index].num_unfinished - replicas[least].num_unfinished > MAX_IMBALANCE
    return least if is_too_busy else index


def router(name: str) -> Router:
    """Return a fresh router of a name.

    Raises:
        RouterError: no such router.
    """
    if name == "least-loaded":
        return least_loaded
    if name == "prefix-aware":
        return prefix_aware
    if name == "round-robin":
        turns = count()
        return lambda _, replicas: next(turns) % len(replicas)
    raise RouterError(f"no router {name!r}: choose from {', '.join(ROUTERS)}")
