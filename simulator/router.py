"""Which replica a request goes to. Pure choices; a tie goes to the replica of lowest index."""

from collections.abc import Sequence
from itertools import count
from typing import Protocol

from grammar import PastaError
from simulator.replica import Arrival, Replica

__all__ = ["ROUTERS", "Router", "RouterError", "least_loaded", "router"]

ROUTERS = ("least-loaded", "round-robin")


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


def router(name: str) -> Router:
    """Return a fresh router of a name.

    Raises:
        RouterError: no such router.
    """
    if name == "least-loaded":
        return least_loaded
    if name == "round-robin":
        turns = count()
        return lambda _, replicas: next(turns) % len(replicas)
    raise RouterError(f"no router {name!r}: choose from {', '.join(ROUTERS)}")
