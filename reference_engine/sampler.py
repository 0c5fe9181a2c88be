"""Chooses a token from a row of logits: the largest one, or a random one of the likeliest. Knows no mask and no model."""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from reference_engine.errors import EngineError

__all__ = ["Sampling", "choose_token"]


@dataclass(frozen=True, slots=True)
class Sampling:
    """How tokens are chosen. At temperature 0 the largest logit wins, and the lowest id of equals.

    `top_p` keeps the smallest set of likeliest tokens whose probabilities sum to at least so much. Source: Holtzman et
    al. (2020), nucleus sampling. Each thread has a generator of its own, so what it draws does not depend on others.
    """

    temperature: float = 0.0
    top_p: float = 1.0
    seed: int = 0

    def __post_init__(self) -> None:
        """Refuse values that mean nothing."""
        if not (math.isfinite(self.temperature) and self.temperature >= 0):
            raise EngineError(f"the temperature is 0 (the likeliest token) or more, found {self.temperature}")
        if not 0 < self.top_p <= 1:
            raise EngineError(f"top-p is a share above 0 and at most 1, found {self.top_p}")
        if self.seed < 0:
            raise EngineError(f"a seed is not negative, found {self.seed}")

    @property
    def is_greedy(self) -> bool:
        """Whether nothing is drawn at all."""
        return self.temperature == 0

    def generator(self, thread: int) -> np.random.Generator:
        """Return the generator of one thread."""
        return np.random.default_rng([self.seed, thread])


def choose_token(logits: NDArray[np.float32], sampling: Sampling, *, generator: np.random.Generator) -> int:
    """Return a token of a row of logits, (vocabulary,); minus infinity forbids one.

    Raises:
        EngineError: no token is left.
    """
    best = int(logits.argmax())
    if not math.isfinite(logits[best]):
        raise EngineError("the model gives no probability to any token that may come next")
    return best if sampling.is_greedy else _draw(logits, sampling, generator)


def _draw(logits: NDArray[np.float32], sampling: Sampling, generator: np.random.Generator) -> int:
    tokens = np.flatnonzero(np.isfinite(logits))
    scaled = (logits[tokens].astype(np.float64) - logits.max()) / sampling.temperature
    weights = np.exp(scaled)
    if sampling.top_p < 1:
        tokens, weights = _nucleus(tokens, weights, sampling.top_p)
    sums = weights.cumsum()
    return int(tokens[min(np.searchsorted(sums, generator.random() * sums[-1], side="right"), len(tokens) - 1)])


def _nucleus(
    tokens: NDArray[np.int64], weights: NDArray[np.float64], top_p: float
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Return the likeliest tokens, in falling order, equals by id."""
    order = np.argsort(-weights, kind="stable")
    sums = weights[order].cumsum()
    kept = order[: int(np.searchsorted(sums, top_p * sums[-1])) + 1]
    return tokens[kept], weights[kept]
