"""Plans an annotation by structure: the grouping of blocks into branches with the shortest critical path."""

from collections.abc import Sequence

from pasta_toolkit.annotate.assembly import Part
from pasta_toolkit.annotate.coarsening import coarsened
from pasta_toolkit.annotate.constraints import find_constraints
from pasta_toolkit.annotate.costs import count_costs
from pasta_toolkit.annotate.naming import find_topics
from pasta_toolkit.annotate.outline import find_outline
from pasta_toolkit.annotate.planner import find_plan
from pasta_toolkit.annotate.policy import AnnotationPolicy
from pasta_toolkit.tokens import TokenCounter

__all__ = ["plan_by_structure"]


def plan_by_structure(text: str, counter: TokenCounter, policy: AnnotationPolicy) -> Sequence[Sequence[Part]]:
    """Return the groups of the fastest annotation that the structure of the text allows."""
    outline = coarsened(find_outline(text, policy))
    topics = find_topics(text, outline.blocks, counter, policy=policy)
    costs = count_costs(text, outline, counter, topics=[best for best, *_ in topics])
    plan = find_plan(costs, find_constraints(outline, policy), most_branches=policy.max_branches)
    return [
        [
            Part(
                text[outline.blocks[piece.start].start : outline.blocks[piece.end - 1].end],
                topics[piece.start] if piece.is_branch else (),
            )
            for piece in segment
        ]
        for segment in plan.segments
    ]
