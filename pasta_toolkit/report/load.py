"""What a load does to requests: percentiles, throughput, goodput, use of memory. Values and their definitions."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeVar

__all__ = ["BreakEven", "LoadPoint", "Objective", "Quantiles", "nearest_rank", "quantiles"]

NANOSECONDS_PER_SECOND = 1e9
PERCENT = 100

Number = TypeVar("Number", int, float)


@dataclass(frozen=True, slots=True)
class Quantiles:
    """Percentiles by nearest rank, and the mean, in seconds."""

    mean_s: float
    p50_s: float
    p90_s: float
    p99_s: float


def nearest_rank(ordered: Sequence[Number], rank: int) -> Number:
    """Return a percentile of sorted numbers: the least that is no less than `rank` per cent of them.

    >>> nearest_rank([1, 2, 3, 4], 50)
    2
    """
    return ordered[-(-len(ordered) * rank // PERCENT) - 1]


def quantiles(values_ns: Sequence[int]) -> Quantiles:
    """Summarise durations; all 0 if there are none."""
    if not values_ns:
        return Quantiles(0.0, 0.0, 0.0, 0.0)
    ordered = sorted(values_ns)
    ranks = (50, 90, 99)
    p50, p90, p99 = (nearest_rank(ordered, rank) / NANOSECONDS_PER_SECOND for rank in ranks)
    return Quantiles(sum(ordered) / len(ordered) / NANOSECONDS_PER_SECOND, p50, p90, p99)


@dataclass(frozen=True, slots=True)
class Objective:
    """A service level objective: what a request must not exceed to count as good; None where there is no limit."""

    ttft_s: float | None = None
    tpot_s: float | None = None
    latency_s: float | None = None

    def is_met(self, *, ttft_s: float, tpot_s: float, latency_s: float) -> bool:
        """Say whether a request is good."""
        met = ((self.ttft_s, ttft_s), (self.tpot_s, tpot_s), (self.latency_s, latency_s))
        return all(limit is None or value <= limit for limit, value in met)


@dataclass(frozen=True, slots=True)
class LoadPoint:
    """One strategy at one arrival rate.

    `goodput_per_s` counts good requests, `throughput_tokens_per_s` tokens of rendered answers, both over the makespan.
    `utilisation` is the busy share of the makespan of all replicas; `kv_mean_tokens` the slots in use while busy, by
    time. `speedup` is the geometric mean, request by request, of sequential over own latency at the same rate;
    `cached_share` the part of all prompts' tokens that a prefix cache held. `loss` is the mean account in seconds, from
    `perfect` on, for strategies that have one.
    """

    strategy: str
    rate_per_s: float
    num_requests: int
    latency: Quantiles
    ttft: Quantiles
    tpot: Quantiles
    queueing: Quantiles
    throughput_tokens_per_s: float
    goodput_per_s: float
    utilisation: float
    kv_mean_tokens: float
    kv_peak_tokens: int
    kv_slots: int | None
    num_preemptions: int
    speedup: float = 1.0
    cached_share: float = 0.0
    loss: tuple[tuple[str, float], ...] = ()


@dataclass(frozen=True, slots=True)
class BreakEven:
    """The rate above which a strategy no longer pays, between two rates that were simulated.

    `low_per_s` still pays, `high_per_s` does not; None where no simulated rate does the one, or the other.
    """

    strategy: str
    low_per_s: float | None
    high_per_s: float | None
