"""When each chunk runs if every thread may decode at once, in tokens. Knows no documents, no hardware and no pictures.

In this schedule, step t (counted from 0) decodes one token of each thread that has one to decode and waits for nothing.
"""

from dataclasses import dataclass
from itertools import accumulate

from pasta_toolkit.dag.graph import Dag

__all__ = ["Schedule", "critical_path", "schedule", "width"]


@dataclass(frozen=True, slots=True)
class Schedule:
    """The earliest schedule: chunk i decodes in steps `starts[i]` to `finishes[i] - 1`.

    `waited_for[i]` is the predecessor that ended last, at equal ends the one of lowest index; None for a first chunk.
    """

    starts: tuple[int, ...]
    finishes: tuple[int, ...]
    waited_for: tuple[int | None, ...]

    @property
    def num_steps(self) -> int:
        """The steps until all is decoded: the tokens of the critical path."""
        return max(self.finishes, default=0)


def schedule(dag: Dag) -> Schedule:
    """Compute the earliest schedule in one pass over the edges.

    Source: the forward pass of the critical path method (Kelley and Walker, 1959) in topological order.
    """
    starts = [0] * len(dag.chunks)
    finishes = [chunk.tokens for chunk in dag.chunks]
    waited_for: list[int | None] = [None] * len(dag.chunks)
    for edge in dag.edges:
        source, target = edge.source, edge.target
        if waited_for[target] is None or finishes[source] > starts[target]:
            starts[target] = finishes[source]
            finishes[target] = finishes[source] + dag.chunks[target].tokens
            waited_for[target] = source
    return Schedule(tuple(starts), tuple(finishes), tuple(waited_for))


def critical_path(dag: Dag) -> tuple[int, ...]:
    """Return the chunks of the longest chain of decoded tokens, in order.

    Ties: the chain ends at the chunk of highest index among those that end last, and goes back to the predecessor of
    lowest index among those that end last.
    """
    plan = schedule(dag)
    if not plan.finishes:
        return ()
    index: int | None = max(range(len(plan.finishes)), key=lambda chunk: (plan.finishes[chunk], chunk))
    path = []
    while index is not None:
        path.append(index)
        index = plan.waited_for[index]
    return tuple(reversed(path))


def width(dag: Dag) -> int:
    """Return the most threads alive at once: the most tokens that one step of the earliest schedule decodes.

    A thread is alive in a step if it decodes a token there; the main thread is not while it waits at a sync. Steps are
    half open: a thread that ends where another begins does not overlap it, and a chunk of 0 tokens is never alive.
    Parallelism is the mean of what width is the maximum of.
    """
    plan = schedule(dag)
    changes = [(start, 1) for start, finish in zip(plan.starts, plan.finishes, strict=True) if start < finish]
    changes += [(finish, -1) for start, finish in zip(plan.starts, plan.finishes, strict=True) if start < finish]
    return max(accumulate(change for _, change in sorted(changes)), default=0)
