"""Waits under Poisson arrivals and constant service: the simulator is Lindley's recursion, and that is M/D/1."""

from itertools import pairwise

import numpy as np
import pytest

from pasta_toolkit.runtime import Limits, Request, Script
from simulator.executor import ConstantCost
from simulator.replica import Arrival, Serving
from simulator.simulation import simulate

SERVICE_NS = 1_000_000
NUM_BATCHES = 30
NUM_ARRIVALS = 3_000_000
SEEDS = (1, 2, 3, 4)
# Source: the two-sided 99 % quantile of Student's t with 119 degrees of freedom.
T_99 = 2.62


def poisson_times(utilisation, *, num_arrivals, seed):
    gaps = np.random.default_rng(seed).exponential(SERVICE_NS / utilisation, num_arrivals)
    return np.cumsum(np.rint(gaps).astype(np.int64))


def lindley_waits(times):
    """Source: Lindley (1952), as a reflected random walk: W_n = S_n - min(S_0 .. S_n), S the sums of service - gap."""
    walk = np.concatenate(([0], np.cumsum(SERVICE_NS - np.diff(times))))
    return walk - np.minimum.accumulate(walk)


def test_the_walk_is_the_recursion():
    times = poisson_times(0.7, num_arrivals=2_000, seed=5).tolist()
    waits = [0]
    for before, after in pairwise(times):
        waits.append(max(0, waits[-1] + SERVICE_NS - (after - before)))
    assert lindley_waits(np.array(times)).tolist() == waits


@pytest.mark.parametrize("utilisation", [0.3, 0.5, 0.7])
def test_the_simulator_waits_to_the_nanosecond_as_lindley_says(utilisation):
    times = poisson_times(utilisation, num_arrivals=5_000, seed=7)
    arrivals = [
        Arrival(at_ns, Request(str(index), 1), Script.sequential(1)) for index, at_ns in enumerate(times.tolist())
    ]
    found = simulate(arrivals, Serving(Limits(max_requests=1)), cost=ConstantCost(SERVICE_NS))
    assert [request.queueing_ns for request in found.requests] == lindley_waits(times).tolist()


@pytest.mark.parametrize("utilisation", [0.3, 0.5, 0.7])
def test_the_mean_wait_is_that_of_m_d_1_within_one_percent(utilisation):
    """W = u D / (2 (1 - u)) (Pollaczek-Khinchine); 12 million arrivals, 99 % interval by means of 120 batches.

    The whole interval lies within 1 %, not only the estimate, so the claim does not rest on a lucky seed.
    """
    theory = utilisation * SERVICE_NS / (2 * (1 - utilisation))
    runs = (lindley_waits(poisson_times(utilisation, num_arrivals=NUM_ARRIVALS, seed=seed)) for seed in SEEDS)
    batches = np.concatenate([run.reshape(NUM_BATCHES, -1).mean(axis=1) for run in runs]) / theory
    margin = T_99 * batches.std(ddof=1) / np.sqrt(len(batches))
    assert abs(batches.mean() - 1) + margin < 0.01
