"""How well predictions agree with measurements: errors, signs and ranks. Pure functions of numbers."""

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import fmean

from pasta_toolkit.dag.statistics import quantile

__all__ = ["Errors", "errors_of", "rank_correlation", "sign_agreement"]

P95 = 0.95
SIGN_GAP = 0.05  # below, noise alone can turn the sign
MIN_PAIRS = 3  # two pairs always agree or disagree wholly


@dataclass(frozen=True, slots=True)
class Errors:
    """Relative errors: median and 95th percentile of their absolute values, and the median with its sign (bias)."""

    count: int
    median: float
    p95: float
    bias: float


def errors_of(errors: Sequence[float]) -> Errors:
    """Sum up relative errors; of none all is 0."""
    if not errors:
        return Errors(0, 0.0, 0.0, 0.0)
    sizes = sorted(map(abs, errors))
    return Errors(len(errors), quantile(sizes, 0.5), quantile(sizes, P95), quantile(sorted(errors), 0.5))


def sign_agreement(pairs: Sequence[tuple[float, float]], *, gap: float = SIGN_GAP) -> tuple[float | None, int]:
    """Return how often a predicted speed-up is on the measured one's side of 1, and of how many.

    Only pairs (predicted, measured) whose measured speed-up is further than `gap` from 1 count.

    >>> sign_agreement([(1.5, 1.2), (1.1, 0.9), (0.9, 1.01)])
    (0.5, 2)
    """
    clear = [(predicted, measured) for predicted, measured in pairs if abs(measured - 1) > gap]
    if not clear:
        return None, 0
    return sum((predicted > 1) == (measured > 1) for predicted, measured in clear) / len(clear), len(clear)


def rank_correlation(pairs: Sequence[tuple[float, float]]) -> float | None:
    """Return Spearman's rank correlation, ties at their mean rank; None of too few pairs or of equal values.

    Source: Spearman (1904), as Pearson's correlation of the ranks.

    >>> rank_correlation([(1, 10), (2, 20), (3, 25), (4, 90)])
    1.0
    """
    if len(pairs) < MIN_PAIRS:
        return None
    first, second = _ranks([one for one, _ in pairs]), _ranks([other for _, other in pairs])
    mean = fmean(first)
    covariance = sum((one - mean) * (other - mean) for one, other in zip(first, second, strict=True))
    spread = sum((one - mean) ** 2 for one in first) * sum((other - mean) ** 2 for other in second)
    return float(covariance / spread**0.5) if spread else None


def _ranks(values: Sequence[float]) -> list[float]:
    """Return each value's rank from 1, equal values at the mean of theirs."""
    order = sorted(range(len(values)), key=lambda index: values[index])
    ranks = [0.0] * len(values)
    begin = 0
    while begin < len(order):
        end = begin
        while end + 1 < len(order) and values[order[end + 1]] == values[order[begin]]:
            end += 1
        for index in order[begin : end + 1]:
            ranks[index] = (begin + end) / 2 + 1
        begin = end + 1
    return ranks
