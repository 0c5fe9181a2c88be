"""The scheduler against a real log: vLLM 0.19 on an RTX 4090, with that machine's measured kernels as prices."""

from functools import cache
from pathlib import Path

import pytest

from pasta_toolkit.runtime import Limits, Paged
from pasta_toolkit.specs import load_hardware, load_model
from simulator.cost import ServingProfile, ServingTableModel
from simulator.model_cost import ModelCost
from simulator.replay import ReplayErrors, engine_speed, replay, replay_errors
from simulator.replica import Serving
from simulator.router import MAX_IMBALANCE, prefix_aware, router
from simulator.simulation import Simulated
from simulator.trace_files import RecordedRequest, read_recorded
from tests.support.sim_dags import plain_cost

TRACES = Path(__file__).parents[3] / "shared" / "data" / "traces"
LOG = TRACES / "vllm019_rtx4090_llama31_8b_requests.csv"
PAGES, PAGE_TOKENS = 2_588, 16  # stated beside the log, as are the limits below
SEEN = 30  # requests that the engine's speed is taken from


needs_log = pytest.mark.skipif(not LOG.is_file(), reason="the recorded log is not here")


@cache
def profile() -> ServingProfile:
    return ServingProfile.read(TRACES / "vllm019_rtx4090_llama31_8b_kernels")


@cache
def replayed(*, prices_spread: bool = True, speed: float = 1.0) -> Simulated:
    hardware, model = load_hardware("rtx-4090"), load_model("llama-3.1-8b")
    table = ServingTableModel(model, hardware, profile(), prices_spread=prices_spread, speed=speed)
    limits = Limits(max_lanes=256, max_batched_tokens=2_048, max_requests=256)
    serving = Serving(limits, Paged(PAGE_TOKENS), PAGES * PAGE_TOKENS, remembers_cache=True)
    return replay(read_recorded(LOG), serving, cost=ModelCost(table))


def within_what_was_asked(found: ReplayErrors) -> tuple[bool, ...]:
    means = (abs(found.mean_latency) <= 0.02, abs(found.mean_tpot) <= 0.02)
    return (*means, found.median_latency <= 0.03, found.high_latency <= 0.08)


@needs_log
def test_a_log_is_replayed_within_bounds_once_its_first_requests_told_the_engines_speed():
    """Judged on the other 270 requests. The engine runs 4 % faster than its layers did one by one."""
    recorded = read_recorded(LOG)
    speed = engine_speed(recorded, lambda speed: replayed(speed=speed), num_requests=SEEN)
    assert 1.03 <= speed <= 1.05
    assert all(within_what_was_asked(replay_errors(recorded, replayed(speed=speed), after=SEEN)))


@needs_log
def test_without_the_engines_speed_the_log_is_replayed_too_slowly_by_at_most_so_much():
    """Not the asked bounds (2, 2, 3 and 8 %): measured 5.3, 3.8, 4.5 and 10.4 %, all of it too slow."""
    found = replay_errors(read_recorded(LOG), replayed())
    assert (0 <= found.mean_latency <= 0.058, 0 <= found.mean_tpot <= 0.042) == (True, True)
    assert (found.median_latency <= 0.05, found.high_latency <= 0.11) == (True, True)


@needs_log
def test_at_mean_contexts_the_log_is_replayed_within_bounds_too():
    """A choice made after seeing this log, and wrong for another one: see docs/cost_models.md."""
    assert all(within_what_was_asked(replay_errors(read_recorded(LOG), replayed(prices_spread=False))))


def test_an_engine_that_is_twice_as_fast_is_found_to_be():
    load = [RecordedRequest(0, 100, 3, first_token_ns=500, completion_ns=1_500)]

    def at(speed: float) -> Simulated:
        return replay(load, Serving(), cost=plain_cost(step=round(1_000 / speed)))

    assert engine_speed(load, at) == pytest.approx(2)


def test_a_log_without_ends_is_refused_where_they_are_needed():
    load = [RecordedRequest(0, 100, 1)]
    with pytest.raises(ValueError, match="does not say when its first requests ended"):
        engine_speed(load, lambda _: replay(load, Serving(), cost=plain_cost()))
    with pytest.raises(ValueError, match="does not say when its requests ended"):
        replay_errors(load, replay(load, Serving(), cost=plain_cost()))


BLOCK = 512
SHARED_PROMPT = (1, 2, 3)


def conversations(*hashes: tuple[int, ...]) -> list[RecordedRequest]:
    """Prompts of three blocks, a second apart, one token each."""
    return [RecordedRequest(at * 10**9, 3 * BLOCK, 1, blocks) for at, blocks in enumerate(hashes)]


def test_a_prefix_cache_saves_what_was_seen_before():
    """The second prompt shares two blocks of 512; 10 ns for each token that is fed."""
    load = conversations(SHARED_PROMPT, (1, 2, 9))
    cold, warm = (
        replay(load, Serving(remembers_cache=remembers), cost=plain_cost(fed=10)) for remembers in (False, True)
    )
    whole = 1_000 + 3 * BLOCK * 10
    assert [request.latency_ns for request in cold.requests] == [whole, whole]
    assert [request.latency_ns for request in warm.requests] == [whole, whole - 2 * BLOCK * 10]
    assert (cold.cached_tokens, warm.cached_tokens, warm.prompt_tokens) == (0, 2 * BLOCK, 6 * BLOCK)


def test_what_a_record_says_was_cached_is_not_fed():
    load = [RecordedRequest(0, 100, 1, cached_tokens=60)]
    found = replay(load, Serving(remembers_cache=True), cost=plain_cost(fed=10))
    assert found.requests[0].latency_ns == 1_000 + 40 * 10


def test_a_router_that_knows_prefixes_sends_conversations_back_where_they_were():
    """Three conversations take turns, each with a prompt of its own, which grows by nothing."""
    load = conversations(*[tuple(10 * i + block for block in SHARED_PROMPT) for i in (0, 1, 2)] * 4)
    shares = {
        name: replay(
            load, Serving(remembers_cache=True), cost=plain_cost(fed=10), num_replicas=2, router=router(name)
        ).cached_tokens
        for name in ("prefix-aware", "round-robin")
    }
    assert shares["prefix-aware"] == 9 * (3 * BLOCK - 1)  # all but the three first visits, last tokens apart
    assert shares["round-robin"] < shares["prefix-aware"]


def test_affinity_to_a_cache_ends_where_the_replica_is_too_busy():
    """All at once, the same prompt: the first replica takes so many more, then the other, which has it too by then."""
    load = [RecordedRequest(0, 3 * BLOCK, 1, SHARED_PROMPT) for _ in range(MAX_IMBALANCE + 3)]
    taken: list[int] = []

    def noting(arrival, replicas):
        taken.append(prefix_aware(arrival, replicas))
        return taken[-1]

    replay(load, Serving(remembers_cache=True), cost=plain_cost(fed=10), num_replicas=2, router=noting)
    assert taken == [0] * (MAX_IMBALANCE + 1) + [1, 1]
