"""Many jobs under a load: one strategy at one rate, curves over rates, and where a strategy stops paying. No files."""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TypeAlias

from pasta_toolkit.dag.statistics import geometric_mean
from pasta_toolkit.report.load import BreakEven, LoadPoint, Objective, quantiles
from pasta_toolkit.report.prediction import LOSS_TERMS, LossAccount
from simulator.answer import Answer
from simulator.arrivals import arrival_times_ns
from simulator.executor import StepCost
from simulator.job import JobTimes, run_jobs
from simulator.replica import Serving
from simulator.router import least_loaded, router
from simulator.simulation import Simulated
from simulator.strategies import Sequential, Strategy

__all__ = ["Accounts", "Cluster", "break_even", "load_curve", "narrowed", "serve"]

Accounts: TypeAlias = Mapping[tuple[str, str], LossAccount]
NANOSECONDS_PER_SECOND = 1e9


@dataclass(frozen=True, slots=True)
class Cluster:
    """Copies of a model, how each serves, and what a good request is."""

    serving: Serving = field(default_factory=Serving)
    num_replicas: int = 1
    router_name: str = "least-loaded"
    objective: Objective = field(default_factory=Objective)


@dataclass(frozen=True, slots=True)
class _Served:
    answers: Sequence[Answer]
    times: Sequence[JobTimes]
    found: Simulated


def serve(
    answers: Sequence[Answer],
    gaps: Sequence[float],
    strategy: Strategy,
    *,
    rate_per_s: float,
    cost: StepCost,
    cluster: Cluster,
) -> LoadPoint:
    """Serve the i-th answer at the i-th arrival (answers repeat if there are more arrivals), and compare to sequential.

    Raises:
        ArrivalError: the rate is not positive.
        KvError: an answer that the cache cannot hold.
    """
    points = load_curve(answers, gaps, [Sequential(), strategy], rates_per_s=[rate_per_s], cost=cost, cluster=cluster)
    return points[-1]


def load_curve(
    answers: Sequence[Answer],
    gaps: Sequence[float],
    strategies: Sequence[Strategy],
    *,
    rates_per_s: Sequence[float],
    cost: StepCost,
    cluster: Cluster,
    accounts: Accounts | None = None,
    progress: Callable[[str, float], object] = lambda name, rate: None,
) -> list[LoadPoint]:
    """Return a point for each rate and strategy, in this order: the same answers and arrivals, stretched to the rate.

    The speed-up is over sequential decoding under the same load, which is simulated even if it is not asked for.
    `accounts` are those of answers alone, by strategy and name; they are continued to the load.
    """
    points = []
    for rate in rates_per_s:
        baseline = _served(answers, gaps, Sequential(), rate_per_s=rate, cost=cost, cluster=cluster)
        for strategy in strategies:
            progress(strategy.name, rate)
            served = baseline
            if not isinstance(strategy, Sequential):
                served = _served(answers, gaps, strategy, rate_per_s=rate, cost=cost, cluster=cluster)
            point = _point(served, baseline, strategy.name, rate_per_s=rate, cluster=cluster)
            points.append(replace(point, loss=_mean_loss(served, strategy.name, accounts or {})))
    return points


def _mean_loss(served: _Served, strategy: str, accounts: Accounts) -> tuple[tuple[str, float], ...]:
    """Return the mean account of all jobs in seconds; nothing if one has none."""
    means = dict.fromkeys(("perfect", *LOSS_TERMS), 0.0)
    for answer, job in zip(served.answers, served.times, strict=True):
        alone = accounts.get((strategy, answer.name))
        if alone is None:
            return ()
        loaded = alone.under_load(queueing_ns=job.queueing_ns, latency_ns=job.latency_ns)
        for name, cost_ns in (("perfect", loaded.perfect_ns), *loaded.terms_ns.items()):
            means[name] += cost_ns / NANOSECONDS_PER_SECOND / len(served.times)
    return tuple(means.items())


def narrowed(found: BreakEven, speedup_at: Callable[[float], float], *, ratio: float = 1.1) -> BreakEven:
    """Halve the (logarithmic) distance between the two rates until they differ by less than a tenth.

    A rate that is missing stays so: a strategy that pays at every rate, or at none, has nothing to narrow.
    """
    low, high = found.low_per_s, found.high_per_s
    if low is None or high is None:
        return found
    while high / low > ratio:
        middle = math.sqrt(low * high)
        low, high = (middle, high) if speedup_at(middle) > 1 else (low, middle)
    return BreakEven(found.strategy, low, high)


def break_even(points: Sequence[LoadPoint], strategy: str) -> BreakEven:
    """Find between which simulated rates a strategy's speed-up falls to 1 or below, and stays there.

    A speed-up that recovers at a higher rate still counts as paying below that rate.
    """
    own = sorted((point.rate_per_s, point.speedup) for point in points if point.strategy == strategy)
    paying = [rate for rate, speedup in own if speedup > 1]
    low = max(paying, default=None)
    high = min((rate for rate, speedup in own if speedup <= 1 and (low is None or rate > low)), default=None)
    return BreakEven(strategy, low, high)


def _served(
    answers: Sequence[Answer],
    gaps: Sequence[float],
    strategy: Strategy,
    *,
    rate_per_s: float,
    cost: StepCost,
    cluster: Cluster,
) -> _Served:
    times = arrival_times_ns(gaps, rate_per_s=rate_per_s)
    chosen = [answers[index % len(answers)] for index in range(len(times))]
    jobs = [strategy.job(answer, at_ns=at_ns) for answer, at_ns in zip(chosen, times, strict=True)]
    route = least_loaded if cluster.router_name == "least-loaded" else router(cluster.router_name)
    found = run_jobs(jobs, cluster.serving, cost=strategy.priced(cost), num_replicas=cluster.num_replicas, router=route)
    return _Served(chosen, *found)


def _point(served: _Served, baseline: _Served, strategy: str, *, rate_per_s: float, cluster: Cluster) -> LoadPoint:
    found, times = served.found, served.times
    makespan_s = found.makespan_ns / NANOSECONDS_PER_SECOND
    tpots = [_tpot_ns(answer, job) for answer, job in zip(served.answers, times, strict=True)]
    tokens = sum(answer.sequential_tokens for answer in served.answers)
    return LoadPoint(
        strategy=strategy,
        rate_per_s=rate_per_s,
        num_requests=len(times),
        latency=quantiles([job.latency_ns for job in times]),
        ttft=quantiles([job.ttft_ns for job in times]),
        tpot=quantiles(tpots),
        queueing=quantiles([job.queueing_ns for job in times]),
        throughput_tokens_per_s=tokens / makespan_s if makespan_s else 0.0,
        goodput_per_s=_num_good(times, tpots, cluster.objective) / makespan_s if makespan_s else 0.0,
        utilisation=sum(found.busy_ns) / (found.makespan_ns * len(found.busy_ns)) if found.makespan_ns else 0.0,
        kv_mean_tokens=sum(found.slot_ns) / sum(found.busy_ns) if sum(found.busy_ns) else 0.0,
        kv_peak_tokens=max(found.peak_slots),
        kv_slots=cluster.serving.kv_slots,
        num_preemptions=sum(job.num_preemptions for job in times),
        cached_share=found.cached_tokens / found.prompt_tokens if found.prompt_tokens else 0.0,
        speedup=geometric_mean(b.latency_ns / j.latency_ns for b, j in zip(baseline.times, times, strict=True)) or 1.0,
    )


def _tpot_ns(answer: Answer, job: JobTimes) -> int:
    further = answer.sequential_tokens - 1
    return (job.latency_ns - job.ttft_ns) // further if further > 0 else 0


def _num_good(times: Sequence[JobTimes], tpots: Sequence[int], objective: Objective) -> int:
    return sum(
        objective.is_met(
            ttft_s=job.ttft_ns / NANOSECONDS_PER_SECOND,
            tpot_s=tpot_ns / NANOSECONDS_PER_SECOND,
            latency_s=job.latency_ns / NANOSECONDS_PER_SECOND,
        )
        for job, tpot_ns in zip(times, tpots, strict=True)
    )
