import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pasta_toolkit.report.load import BreakEven, LoadPoint, Objective, quantiles
from pasta_toolkit.runtime import Limits
from simulator.answer import predict_pasta
from simulator.arrivals import unit_gaps
from simulator.load import Cluster, break_even, load_curve, narrowed, serve
from simulator.replica import Serving
from simulator.strategies import Pasta, Sequential
from tests.support.sim_dags import answer_of_outline, plain_cost
from tests.support.sim_outlines import Outline, OutlineBranch, OutlineGroup

TWO_BRANCHES = Outline((OutlineGroup((OutlineBranch(4, 6, 22), OutlineBranch(0, 6, 32)), 3, 2),), 13)
ANSWER = answer_of_outline(TWO_BRANCHES, prompt_tokens=20)
GAPS = unit_gaps("poisson", 200, generator=random.Random(5))


@given(st.lists(st.integers(0, 10**9), min_size=1, max_size=200))
def test_quantiles_are_values_that_so_many_do_not_exceed(values):
    found = quantiles(values)
    for share, value in ((0.5, found.p50_s), (0.9, found.p90_s), (0.99, found.p99_s)):
        assert round(value * 1e9) in values
        assert sum(v <= round(value * 1e9) for v in values) >= share * len(values)
        assert sum(v < round(value * 1e9) for v in values) < share * len(values)


def test_without_load_the_speedup_is_that_of_one_answer():
    point = serve([ANSWER], GAPS[:5], Pasta(), rate_per_s=0.001, cost=plain_cost(), cluster=Cluster())
    assert point.speedup == pytest.approx(ANSWER.sequential_tokens / 63)  # 16 + 32 + 2 + 13 tokens on the critical path
    assert point.queueing.p99_s < 1e-6


def test_one_server_is_busy_as_long_as_its_services_take():
    cluster = Cluster(Serving(Limits(max_requests=1)))
    point = serve([ANSWER], GAPS, Sequential(), rate_per_s=9_000, cost=plain_cost(), cluster=cluster)
    tokens = len(GAPS) * ANSWER.sequential_tokens
    assert point.throughput_tokens_per_s == pytest.approx(point.utilisation * tokens / (tokens * 1e-6))


def test_latency_grows_with_the_rate_and_parallel_decoding_stops_paying():
    """A device on which every fed token costs as much as the step itself, so that lanes do not come cheap."""
    curve = load_curve(
        [ANSWER],
        GAPS,
        [Sequential(), Pasta()],
        rates_per_s=[10, 5_000, 40_000],
        cost=plain_cost(step=200, fed=800),
        cluster=Cluster(),
    )
    sequential = [point.latency.p50_s for point in curve if point.strategy == "sequential"]
    assert sequential == sorted(sequential)
    assert all(point.speedup == 1.0 for point in curve if point.strategy == "sequential")
    found = break_even(curve, "pasta")
    assert found.strategy == "pasta"
    assert found.high_per_s is not None


def point_of(rate, speedup):
    zero = quantiles([])
    return LoadPoint("pasta", rate, 1, zero, zero, zero, zero, 0, 0, 0, 0, 0, None, 0, speedup)


@pytest.mark.parametrize(
    ("speedups", "expected"),
    [
        ((1.5, 1.2, 0.9), (2, 3)),
        ((0.9, 0.8, 0.7), (None, 1)),
        ((1.5, 1.4, 1.3), (3, None)),
        ((1.5, 0.9, 1.1), (3, None)),
    ],
)
def test_break_even_lies_between_the_last_rate_that_pays_and_the_next(speedups, expected):
    points = [point_of(rate, speedup) for rate, speedup in zip((1, 2, 3), speedups, strict=True)]
    found = break_even(points, "pasta")
    assert (found.low_per_s, found.high_per_s) == expected


def test_an_objective_counts_what_meets_all_its_limits():
    objective = Objective(ttft_s=1, latency_s=5)
    assert objective.is_met(ttft_s=1, tpot_s=99, latency_s=5)
    assert not objective.is_met(ttft_s=1.1, tpot_s=0, latency_s=2)


def test_goodput_counts_good_requests_only():
    cluster = Cluster(objective=Objective(latency_s=0))
    point = serve([ANSWER], GAPS[:9], Pasta(), rate_per_s=1, cost=plain_cost(), cluster=cluster)
    assert point.goodput_per_s == 0


def test_a_tight_cache_preempts_and_still_serves_all():
    cluster = Cluster(Serving(kv_slots=400))
    point = serve([ANSWER], GAPS[:40], Pasta(), rate_per_s=100_000, cost=plain_cost(), cluster=cluster)
    assert point.num_preemptions > 0
    assert point.kv_peak_tokens <= 400
    assert point.num_requests == 40


def test_more_replicas_wait_less():
    one, two = (
        serve(
            [ANSWER],
            GAPS,
            Sequential(),
            rate_per_s=20_000,
            cost=plain_cost(),
            cluster=Cluster(Serving(Limits(max_requests=1)), num_replicas=number),
        )
        for number in (1, 2)
    )
    assert two.queueing.mean_s < one.queueing.mean_s


def test_the_account_of_an_answer_is_continued_to_the_load():
    """Mean latency = perfect + all terms; queueing and interference are what the load adds."""
    cost = plain_cost(fed=50)
    alone = predict_pasta(ANSWER, cost).loss
    (point,) = load_curve(
        [ANSWER],
        GAPS,
        [Pasta()],
        rates_per_s=[20_000],
        cost=cost,
        cluster=Cluster(),
        accounts={("pasta", "a"): alone},
    )
    loss = dict(point.loss)
    assert sum(loss.values()) == pytest.approx(point.latency.mean_s)
    assert loss["queueing"] == pytest.approx(point.queueing.mean_s)
    assert loss["interference"] > 0
    assert loss["tag_overhead"] == pytest.approx(alone.terms_ns["tag_overhead"] / 1e9)


def test_a_break_even_is_narrowed_to_a_tenth():
    found = narrowed(BreakEven("pasta", 1.0, 100.0), lambda rate: 7.0 / rate)
    assert found.low_per_s < 7 <= found.high_per_s <= 1.1 * found.low_per_s
    everywhere = BreakEven("pasta", 100.0, None)
    assert narrowed(everywhere, lambda rate: 2.0) == everywhere
