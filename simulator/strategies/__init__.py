"""Decoding strategies side by side on the same answers."""

from simulator.strategies.catalogue import STRATEGIES, StrategyError, StrategyOptions, strategy
from simulator.strategies.single import Apar, Pasta, PlanThenFill, Sequential
from simulator.strategies.skeleton import SkeletonOfThought
from simulator.strategies.speculative import Speculative, SpeculativeError, expected_tokens
from simulator.strategies.strategy import Strategy

__all__ = [
    "STRATEGIES",
    "Apar",
    "Pasta",
    "PlanThenFill",
    "Sequential",
    "SkeletonOfThought",
    "Speculative",
    "SpeculativeError",
    "Strategy",
    "StrategyError",
    "StrategyOptions",
    "expected_tokens",
    "strategy",
]
