"""The strategies by name. Knows what options each takes; simulates nothing."""

from dataclasses import dataclass

from grammar import PastaError
from pasta_toolkit.runtime import TagTokens
from simulator.strategies.single import Apar, Pasta, PlanThenFill, Sequential
from simulator.strategies.skeleton import SkeletonOfThought
from simulator.strategies.speculative import Speculative
from simulator.strategies.strategy import Strategy

__all__ = ["STRATEGIES", "StrategyError", "StrategyOptions", "strategy"]

STRATEGIES = (
    "sequential",
    "pasta",
    "skeleton-of-thought",
    "skeleton-of-thought-cached",
    "apar",
    "plan-then-fill",
    "speculative",
    "speculative-pasta",
)


class StrategyError(PastaError):
    """Report a strategy that does not exist."""


@dataclass(frozen=True, slots=True)
class StrategyOptions:
    """What strategies may be told; each takes what concerns it."""

    jump_forward: TagTokens | None = None
    draft_tokens: int = 4
    acceptance: float = 0.7
    draft_cost: float = 0.05
    seed: int = 0


def strategy(name: str, options: StrategyOptions | None = None) -> Strategy:
    """Return a strategy by its name.

    Raises:
        StrategyError: no such strategy.
        SpeculativeError: a draft that cannot be.
    """
    given = options or StrategyOptions()
    plain: dict[str, Strategy] = {
        "sequential": Sequential(),
        "pasta": Pasta(given.jump_forward),
        "skeleton-of-thought": SkeletonOfThought(),
        "skeleton-of-thought-cached": SkeletonOfThought(has_prefix_cache=True),
        "apar": Apar(),
        "plan-then-fill": PlanThenFill(),
    }
    if name in plain:
        return plain[name]
    if name not in STRATEGIES:
        raise StrategyError(f"no strategy {name!r}: choose from {', '.join(STRATEGIES)}")
    inner = plain["sequential" if name == "speculative" else "pasta"]
    return Speculative(inner, given.draft_tokens, given.acceptance, given.draft_cost, given.seed)
