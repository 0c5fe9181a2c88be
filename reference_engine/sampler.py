"""Chooses a token from a row of logits: the largest one, or one drawn from the likeliest. Knows no mask, no model."""

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
    weights = np.exp((logits - logits.max()).astype(np.float64) / sampling.temperature)
    if sampling.top_p < 1:
        tokens = _nucleus(weights, sampling.top_p)
        weights = weights[tokens]
    else:
        tokens = np.arange(len(weights))
    sums = weights.cumsum()
    place = np.searchsorted(sums, generator.random() * sums[-1], side="right")
    return int(tokens[min(int(place), int(weights.nonzero()[0][-1]))])


def _nucleus(weights: NDArray[np.float64], top_p: float) -> NDArray[np.int64]:
    """Return the likeliest tokens, in falling order, equals by id.

    Tokens so light that all of them together are lighter than what the nucleus leaves out are not even sorted.
    """
    heavy = np.flatnonzero(weights >= (1 - top_p) * weights.sum() / len(weights))
    order = heavy[np.argsort(-weights[heavy], kind="stable")]
    sums = weights[order].cumsum()
    kept: NDArray[np.int64] = order[: int(np.searchsorted(sums, top_p * weights.sum())) + 1]
    return kept
