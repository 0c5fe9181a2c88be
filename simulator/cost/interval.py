"""Prediction intervals from the residuals of a fit. Knows no model."""

import math
from collections.abc import Sequence

from pasta_toolkit.dag.statistics import quantile

__all__ = ["COVERAGE", "interval_factors"]

COVERAGE = 0.9
MIN_RESIDUALS = 20  # ours: below, the 5 % and 95 % quantiles are single points


def interval_factors(log_residuals: Sequence[float], *, coverage: float = COVERAGE) -> tuple[float, float]:
    """Return the factors around a prediction between which `coverage` of the residuals lie.

    The residuals are sorted samples of log(measured / predicted). The factors always include 1, and both are 1 where
    too few residuals are known.
    """
    if len(log_residuals) < MIN_RESIDUALS:
        return 1.0, 1.0
    tail = (1 - coverage) / 2
    low = math.exp(quantile(log_residuals, tail))
    high = math.exp(quantile(log_residuals, 1 - tail))
    return min(1.0, low), max(1.0, high)
