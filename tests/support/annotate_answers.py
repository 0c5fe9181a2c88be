"""The real answers, a counter that adds up exactly, and the plan of a text in one step."""

import json
from collections.abc import Sequence
from dataclasses import dataclass

from pasta_toolkit.annotate import AnnotationPolicy
from pasta_toolkit.annotate.coarsening import coarsened
from pasta_toolkit.annotate.constraints import Constraints, find_constraints
from pasta_toolkit.annotate.costs import count_costs
from pasta_toolkit.annotate.naming import find_topics
from pasta_toolkit.annotate.outline import find_outline
from pasta_toolkit.annotate.planner import Plan, find_plan
from pasta_toolkit.tokens import TokenCounter
from tests.support.lang_paths import ALPACA_EVAL

__all__ = ["MODELS", "LetterCounter", "Planned", "planned", "real_answers"]

MODELS = ("gemma-2b-it", "gemma-7b-it", "gpt4_1106_preview")


@dataclass(frozen=True)
class LetterCounter:
    """Counts letters as tokens: the tokens of two texts together are exactly the sum, and numbers cost nothing."""

    name: str = "letters"
    is_exact: bool = True

    def count(self, text: str) -> int:
        return sum(map(str.isalpha, text))

    def count_batch(self, texts: Sequence[str]) -> list[int]:
        return list(map(self.count, texts))


@dataclass(frozen=True)
class Planned:
    """A plan and the rules it was made under."""

    plan: Plan
    constraints: Constraints


def planned(text: str, counter: TokenCounter, policy: AnnotationPolicy) -> Planned:
    """Plan a text as `annotate` does."""
    outline = coarsened(find_outline(text, policy))
    topics = find_topics(text, outline.blocks, counter, policy=policy)
    costs = count_costs(text, outline, counter, topics=[best for best, *_ in topics])
    constraints = find_constraints(outline, policy)
    return Planned(find_plan(costs, constraints, most_branches=policy.max_branches), constraints)


def real_answers(model: str) -> list[str]:
    """Return the 400 answers of a model."""
    records = map(json.loads, ALPACA_EVAL.read_text(encoding="utf-8").splitlines())
    return [record["output"] for record in records if record["model"] == model]
