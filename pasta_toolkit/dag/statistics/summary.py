"""Sums up the measures of a data set: totals, averages, quantiles. Knows no files and no formats."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from pasta_toolkit.dag.measures import Measures
from pasta_toolkit.dag.statistics.table import MeasureTable

__all__ = ["QUANTILES", "Distribution", "Summary", "geometric_mean", "quantile", "summarise", "values_by_measure"]

QUANTILES = {"min": 0.0, "p5": 0.05, "p25": 0.25, "median": 0.5, "p75": 0.75, "p95": 0.95, "max": 1.0}


@dataclass(frozen=True, slots=True)
class Distribution:
    """Mean and quantiles of one measure over the documents that are not empty; `quantiles` has the keys of `QUANTILES`.

    Source of the quantiles: linear interpolation, type 7 of Hyndman and Fan (1996), as numpy does by default.
    """

    mean: float
    quantiles: dict[str, float]


@dataclass(frozen=True, slots=True)
class Summary:
    """What a data set comes to.

    Averages of ratios are geometric means over the documents that are not empty (see `Measures.is_empty`); token
    counts, promises, groups and syncs are totals over all. An average of no document is None.
    """

    documents: int
    empty_documents: int
    sequential_documents: int
    slower_documents: int
    geomean_ideal_speedup: float | None
    geomean_ideal_speedup_with_promises: float | None
    geomean_parallelism: float | None
    geomean_theoretical_speedup: float | None
    documents_with_baseline: int
    empty_baselines: int
    sequential_tokens: int
    critical_path_tokens: int
    decoded_tokens: int
    tag_tokens: int
    promises: int
    promise_groups: int
    syncs: int
    distributions: dict[str, Distribution]

    @property
    def tag_overhead(self) -> float:
        """All tag tokens / all decoded tokens."""
        return self.tag_tokens / self.decoded_tokens if self.decoded_tokens else 0.0

    @property
    def sequential_share(self) -> float | None:
        """The share of documents without a promise among those that are not empty."""
        num_full = self.documents - self.empty_documents
        return self.sequential_documents / num_full if num_full else None


def summarise(table: MeasureTable) -> Summary:
    """Sum up a table of measures."""
    full = [measures for measures in table if not measures.is_empty]
    parallel = [measures for measures in full if measures.num_promises]
    return Summary(
        documents=len(table),
        empty_documents=len(table) - len(full),
        sequential_documents=len(full) - len(parallel),
        slower_documents=sum(measures.critical_path_tokens > measures.sequential_tokens for measures in full),
        geomean_ideal_speedup=geometric_mean(measures.ideal_speedup for measures in full),
        geomean_ideal_speedup_with_promises=geometric_mean(measures.ideal_speedup for measures in parallel),
        geomean_parallelism=geometric_mean(measures.parallelism for measures in full),
        geomean_theoretical_speedup=geometric_mean(table.theoretical_speedups),
        documents_with_baseline=len(table.theoretical_speedups),
        empty_baselines=table.num_empty_baselines,
        sequential_tokens=sum(table.columns["sequential_tokens"]),
        critical_path_tokens=sum(table.columns["critical_path_tokens"]),
        decoded_tokens=sum(table.columns["decoded_tokens"]),
        tag_tokens=sum(table.columns["tag_tokens"]),
        promises=sum(table.columns["num_promises"]),
        promise_groups=sum(table.columns["num_groups"]),
        syncs=sum(table.columns["num_syncs"]),
        distributions=_distributions(full),
    )


def geometric_mean(values: Iterable[float]) -> float | None:
    """Return exp(mean(log(value))) of positive values, or None of no value.

    >>> geometric_mean([1.0, 4.0])
    2.0
    """
    logarithms = [math.log(value) for value in values]
    return math.exp(math.fsum(logarithms) / len(logarithms)) if logarithms else None


def values_by_measure(full: Sequence[Measures]) -> dict[str, list[float]]:
    """Return what each document has of each measure; the documents are those that are not empty."""
    return {
        "ideal_speedup": [measures.ideal_speedup for measures in full],
        "parallelism": [measures.parallelism for measures in full],
        "width": [measures.width for measures in full],
        "promises": [measures.num_promises for measures in full],
        "tag_overhead": [measures.tag_overhead for measures in full],
    }


def _distributions(full: Sequence[Measures]) -> dict[str, Distribution]:
    if not full:
        return {}
    return {name: _distribution(sorted(values)) for name, values in values_by_measure(full).items()}


def _distribution(ordered: Sequence[float]) -> Distribution:
    quantiles = {name: quantile(ordered, share) for name, share in QUANTILES.items()}
    return Distribution(math.fsum(ordered) / len(ordered), quantiles)


def quantile(ordered: Sequence[float], share: float) -> float:
    """Return the quantile of sorted numbers, linear between neighbours.

    >>> quantile([1.0, 2.0, 4.0], 0.75)
    3.0
    """
    place = share * (len(ordered) - 1)
    below = math.floor(place)
    above = min(below + 1, len(ordered) - 1)
    return ordered[below] + (ordered[above] - ordered[below]) * (place - below)
