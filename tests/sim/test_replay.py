"""The scheduler against a real log: vLLM 0.19 on an RTX 4090, with that machine's measured kernels as prices."""

import csv
from dataclasses import dataclass
from pathlib import Path
from statistics import median

import pytest

from pasta_toolkit.runtime import Limits, Paged
from pasta_toolkit.specs import load_hardware, load_model
from simulator.cost import ServingProfile, ServingTableModel, StepCost, StepShape
from simulator.model_cost import ModelCost
from simulator.prefix_cache import PrefixCache
from simulator.replay import replay
from simulator.replica import Serving
from simulator.trace_files import RecordedRequest, read_recorded
from tests.support.sim_dags import plain_cost

TRACES = Path(__file__).parents[3] / "shared" / "data" / "traces"
LOG = TRACES / "vllm019_rtx4090_llama31_8b_requests.csv"
PAGES, PAGE_TOKENS = 2_588, 16  # stated beside the log, as are the limits below


@dataclass(frozen=True)
class MeanContext:
    """Prices decode lanes at their mean context."""

    model: ServingTableModel
    name: str = "mean context"

    def step_time(self, shape: StepShape) -> StepCost:
        contexts = shape.decode_contexts
        if contexts:
            contexts = (round(sum(contexts) / len(contexts)),) * len(contexts)
        return self.model.step_time(StepShape(contexts, shape.prefills))


@pytest.mark.skipif(not LOG.is_file(), reason="the recorded log is not here")
def test_a_real_log_is_replayed_within_two_percent():
    profile = ServingProfile.read(TRACES / "vllm019_rtx4090_llama31_8b_kernels")
    table = ServingTableModel(load_model("llama-3.1-8b"), load_hardware("rtx-4090"), profile)
    limits = Limits(max_lanes=256, max_batched_tokens=2_048, max_requests=256)
    serving = Serving(limits, Paged(PAGE_TOKENS), PAGES * PAGE_TOKENS, remembers_cache=True)
    found = replay(read_recorded(LOG), serving, cost=ModelCost(MeanContext(table)))
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
    assert abs(mean_error(latency)) < 0.02
    assert abs(mean_error(tpot)) < 0.02
    errors = sorted(abs(predicted / real - 1) for predicted, real in latency)
    assert median(errors) < 0.03
    assert errors[int(0.95 * len(errors))] < 0.08


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
