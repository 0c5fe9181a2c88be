"""Plans an annotation: which blocks run in which branches, and where the main thread waits. Knows no text.

A sync hardly pays by itself: two groups share the work of one among as many threads, and pay for more tags. So syncs
are put only where something must be seen; a plan is a chain of segments between such places, and dynamic programming
finds the best.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

from pasta_toolkit.annotate.constraints import Constraints
from pasta_toolkit.annotate.costs import Costs
from pasta_toolkit.annotate.search import Piece, search

__all__ = ["Plan", "find_plan"]

MOST_SYNC_PLACES = 6  # ours: a bound on the work; no real answer is known to need more


@dataclass(frozen=True, slots=True)
class Plan:
    """Segments in order, with a sync behind each but the last, and the tokens of the critical path."""

    segments: tuple[tuple[Piece, ...], ...]
    tokens: int


def find_plan(costs: Costs, constraints: Constraints, *, most_branches: int) -> Plan:
    """Return the plan with the shortest critical path; it has no branches where none make it shorter."""
    planner = _Planner(costs, constraints, most_branches)
    joined = {0: Plan((), 0)}  # the best plan of all before a place, with a sync at its end
    for place in _sync_places(costs, constraints):
        plan = planner.best(joined, place, sync_tokens=costs.tags.sync)
        if plan is not None:
            joined[place] = plan
    end = costs.num_blocks
    plan = planner.best(joined, end, sync_tokens=0)
    tails = [planner.with_text(plan_before, place, end) for place, plan_before in joined.items()]
    return min((*tails, *([plan] if plan is not None else [])), key=lambda plan: plan.tokens)


def _sync_places(costs: Costs, constraints: Constraints) -> Sequence[int]:
    """Return the places of syncs, where there are too many those with the most text since the place before."""
    places = [place for place in constraints.sync_places if 0 < place < costs.num_blocks]
    text_before = {place: costs.content(before, place) for before, place in pairwise([0, *places])}
    heaviest = sorted(places, key=lambda place: -text_before[place])[:MOST_SYNC_PLACES]
    return sorted(heaviest)


@dataclass(frozen=True, slots=True)
class _Planner:
    """Extends plans by one segment."""

    costs: Costs
    constraints: Constraints
    most_branches: int

    def best(self, joined: Mapping[int, Plan], end: int, *, sync_tokens: int) -> Plan | None:
        """Return the best plan up to a place that ends with a parallel segment, if it may beat text of one thread."""
        best: Plan | None = None
        seam = max(0, self.costs.seam(end)) if end < self.costs.num_blocks else 0
        for start, before in joined.items():
            most_tokens = best.tokens if best else before.tokens + self.costs.content(start, end) + seam
            segment = search(
                self.costs,
                self.constraints,
                start=start,
                end=end,
                limit=most_tokens - before.tokens - sync_tokens,
                most_branches=self.most_branches,
            )
            if segment is not None:
                best = Plan((*before.segments, segment.pieces), before.tokens + segment.tokens + sync_tokens)
        return best

    def with_text(self, before: Plan, start: int, end: int) -> Plan:
        """Return a plan whose last segment is text of the main thread."""
        text = (Piece(start, end, is_branch=False),) if start < end else ()
        return Plan((*before.segments, text), before.tokens + self.costs.content(start, end))
