"""The scheduler against a real log: vLLM 0.19 on an RTX 4090, with that machine's measured kernels as prices."""

import csv
from dataclasses import dataclass
from pathlib import Path
from statistics import median

import pytest

from pasta_toolkit.runtime import Limits, Paged
from pasta_toolkit.specs import load_hardware, load_model
from simulator.cost import ServingProfile, ServingTableModel
from simulator.model_cost import ModelCost
from simulator.prefix_cache import PrefixCache
from simulator.replay import replay
from simulator.replica import Serving
from simulator.trace_files import RecordedRequest, read_recorded
from tests.support.sim_dags import plain_cost

TRACES = Path(__file__).parents[3] / "shared" / "data" / "traces"
LOG = TRACES / "vllm019_rtx4090_llama31_8b_requests.csv"
PAGES, PAGE_TOKENS = 2_588, 16  # stated beside the log, as are the limits below


needs_log = pytest.mark.skipif(not LOG.is_file(), reason="the recorded log is not here")


@dataclass(frozen=True)
class ReplayErrors:
    """Signed errors of the means, and the median and 95th percentile of the requests' own errors."""

    mean_latency: float
    mean_tpot: float
    median_latency: float
    high_latency: float


def replay_errors(*, prices_spread: bool) -> ReplayErrors:
    profile = ServingProfile.read(TRACES / "vllm019_rtx4090_llama31_8b_kernels")
    hardware = load_hardware("rtx-4090")
    table = ServingTableModel(load_model("llama-3.1-8b"), hardware, profile, prices_spread=prices_spread)
    limits = Limits(max_lanes=256, max_batched_tokens=2_048, max_requests=256)
    serving = Serving(limits, Paged(PAGE_TOKENS), PAGES * PAGE_TOKENS, remembers_cache=True)
    found = replay(read_recorded(LOG), serving, cost=ModelCost(table))
    rows = sorted(csv.DictReader(LOG.read_text(encoding="utf-8").splitlines()), key=lambda r: float(r["queued_s"]))
    latency = [
        (times.latency_ns / 1e9, float(row["last_token_s"]) - float(row["queued_s"]))
        for times, row in zip(found.requests, rows, strict=True)
    ]
    tpot = [
        (
            (times.completion_ns - times.first_token_ns) / 1e9 / (times.decoded_tokens - 1),
            (float(row["last_token_s"]) - float(row["first_token_s"])) / (times.decoded_tokens - 1),
        )
        for times, row in zip(found.requests, rows, strict=True)
        if times.decoded_tokens > 1
    ]
    errors = sorted(abs(predicted / real - 1) for predicted, real in latency)
    high = errors[int(0.95 * len(errors))]
    return ReplayErrors(mean_error(latency), mean_error(tpot), median(errors), high)


@needs_log
def test_a_real_log_is_replayed_within_two_percent_at_mean_contexts():
    """The asked bounds. They hold without the price of unequal contexts only: see docs/cost_models.md."""
    found = replay_errors(prices_spread=False)
    assert (abs(found.mean_latency) <= 0.02, abs(found.mean_tpot) <= 0.02) == (True, True)
    assert (found.median_latency <= 0.03, found.high_latency <= 0.08) == (True, True)


@needs_log
def test_the_default_price_of_unequal_contexts_is_too_high_for_the_real_log_by_at_most_so_much():
    """Not the asked bounds (2, 2, 3 and 8 %): measured 5.0, 3.7, 4.1 and 9.9 %, all of it too slow."""
    found = replay_errors(prices_spread=True)
    assert (0 <= found.mean_latency <= 0.055, 0 <= found.mean_tpot <= 0.042) == (True, True)
    assert (found.median_latency <= 0.047, found.high_latency <= 0.105) == (True, True)


def mean_error(pairs):
    return sum(predicted for predicted, _ in pairs) / sum(real for _, real in pairs) - 1


def test_a_prefix_cache_saves_what_was_seen_before():
    """100 tokens in blocks of 30: the second prompt shares two blocks, 10 ns for each token that is fed."""
    load = [RecordedRequest(0, 100, 1, (1, 2, 3)), RecordedRequest(10**9, 100, 1, (1, 2, 9))]
    cold, warm = (
        replay(load, Serving(), cost=plain_cost(fed=10), prefix_cache=cache)
        for cache in (None, PrefixCache(block_tokens=30))
    )
    assert [request.latency_ns for request in cold.requests] == [2_000, 2_000]
    assert [request.latency_ns for request in warm.requests] == [2_000, 2_000 - 60 * 10]
