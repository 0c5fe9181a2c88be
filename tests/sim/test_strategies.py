from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from simulator.answer import predict_pasta
from simulator.cost import StepCost, StepShape
from simulator.model_cost import ModelCost
from simulator.prediction import predict
from simulator.replica import Serving
from simulator.strategies import (
    STRATEGIES,
    Sequential,
    SpeculativeError,
    StrategyError,
    StrategyOptions,
    expected_tokens,
    strategy,
)
from tests.support.sim_dags import PlainModel, answer_of_outline, plain_cost
from tests.support.sim_outlines import Outline, OutlineBranch, OutlineGroup, outlines

TWO_BRANCHES = Outline((OutlineGroup((OutlineBranch(4, 6, 22), OutlineBranch(0, 6, 32)), 3, 2),), 13)


def predicted(name, outline=TWO_BRANCHES, *, prompt=1, options=None, **cost):
    answer = answer_of_outline(outline, prompt_tokens=prompt)
    return predict(answer, strategy(name, options), cost=plain_cost(**cost))


@given(outlines(), st.sampled_from(STRATEGIES))
@settings(max_examples=40, deadline=None)
def test_every_strategy_decodes_every_answer(outline, name):
    prediction = predicted(name, outline)
    assert prediction.strategy == name
    assert 0 < prediction.ttft_ns <= prediction.latency_ns
    assert prediction.decoded_tokens >= prediction.sequential_tokens


@given(outlines())
@settings(max_examples=30, deadline=None)
def test_sequential_under_a_scheduler_is_its_closed_form(outline):
    answer, cost = answer_of_outline(outline, prompt_tokens=9), plain_cost(fed=3, attended=2)
    simulated = predict(answer, Sequential(), cost=cost, serving=Serving())
    assert simulated.latency_ns == predict(answer, Sequential(), cost=cost).latency_ns
    assert simulated.speedup == 1.0


def test_pasta_is_the_prediction_with_its_loss_account():
    answer = answer_of_outline(TWO_BRANCHES)
    assert predict(answer, strategy("pasta"), cost=plain_cost()) == predict_pasta(answer, plain_cost())


def test_the_interval_of_a_cost_model_is_that_of_its_predictions():
    class Doubtful:
        name = "doubtful"

        def step_time(self, shape: StepShape) -> StepCost:
            return replace(PlainModel().step_time(shape), low_factor=0.9, high_factor=1.2)

    prediction = predict(answer_of_outline(TWO_BRANCHES), strategy("pasta"), cost=ModelCost(Doubtful()))
    assert (prediction.low_factor, prediction.high_factor) == (0.9, 1.2)


def test_skeleton_of_thought_costs_its_skeleton_and_its_longest_point():
    """Text: 4 + 3 + 13 main tokens, shared evenly, and points of 20 and 30."""
    assert predicted("skeleton-of-thought").latency_ns == (2 * 6 + 30 + 10) * 1_000


def test_a_prefix_cache_saves_the_prefill_of_question_and_skeleton():
    cold = predicted("skeleton-of-thought", prompt=500, fed=1)
    warm = predicted("skeleton-of-thought-cached", prompt=500, fed=1)
    assert cold.latency_ns - warm.latency_ns == 31 + 500 + 12


def test_skeleton_of_thought_leaves_an_answer_without_two_points_alone():
    single = Outline((OutlineGroup((OutlineBranch(4, 6, 22),), 3, 2),), 13)
    assert predicted("skeleton-of-thought", single).speedup == 1.0


def test_apar_pays_one_token_a_fork_and_never_waits():
    """The later branch: 4 text tokens, two forks, [Child], 30 tokens, end."""
    assert predicted("apar").latency_ns == (4 + 2 + 1 + 30 + 1) * 1_000


def test_plan_then_fill_plans_all_spans_and_then_takes_as_long_as_the_longest():
    """Four spans (4, 20, 30, 3) with promises of 6 tokens; the third starts after 18 tokens; sync; the tail."""
    assert predicted("plan-then-fill").latency_ns == (3 * 6 + 32 + 2 + 13) * 1_000


@given(outlines(), st.integers(0, 5))
@settings(max_examples=15, deadline=None)
def test_speculation_without_any_acceptance_is_the_strategy_itself(outline, seed):
    options = StrategyOptions(acceptance=0.0, draft_cost=0.0, seed=seed)
    for inner, name in (("sequential", "speculative"), ("pasta", "speculative-pasta")):
        assert predicted(name, outline, options=options).latency_ns == predicted(inner, outline).latency_ns


def test_speculation_that_is_always_right_takes_a_step_for_every_draft():
    outline = Outline((), 1 + 5 * 20)
    prediction = predicted(
        "speculative", outline, options=StrategyOptions(draft_tokens=4, acceptance=1.0, draft_cost=0.0)
    )
    assert prediction.num_steps == 1 + 20


def test_speculation_approaches_the_published_mean():
    """Source: Leviathan et al., equation 1; 20,000 tokens, one standard error is 0.7 %."""
    outline = Outline((), 20_001)
    prediction = predicted("speculative", outline, options=StrategyOptions(draft_tokens=4, acceptance=0.7))
    assert abs(20_000 / (prediction.num_steps - 1) / expected_tokens(4, 0.7) - 1) < 0.02


def test_drafts_cost_their_share_of_a_step():
    outline = Outline((), 101)
    free = predicted("speculative", outline, options=StrategyOptions(acceptance=0.0, draft_cost=0.0))
    paid = predicted("speculative", outline, options=StrategyOptions(acceptance=0.0, draft_cost=0.1, draft_tokens=5))
    assert paid.latency_ns - free.latency_ns == 101 * 500


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (StrategyOptions(draft_tokens=0), "a draft has at least 1 token, found 0"),
        (StrategyOptions(acceptance=1.5), "an acceptance rate lies between 0 and 1, found 1.5"),
        (StrategyOptions(draft_cost=-1), "the cost of a drafted token cannot be negative, found -1"),
    ],
)
def test_impossible_drafts_are_refused(options, message):
    with pytest.raises(SpeculativeError, match=message):
        strategy("speculative", options)


def test_unknown_strategies_are_refused():
    with pytest.raises(StrategyError, match="no strategy 'magic': choose from sequential, pasta"):
        strategy("magic")


def test_all_strategies_have_the_name_they_are_asked_for_by():
    assert [strategy(name).name for name in STRATEGIES] == list(STRATEGIES)


def test_drafts_do_not_depend_on_where_an_answer_lies():
    here = answer_of_outline(Outline((), 40))
    speculative = strategy("speculative", StrategyOptions(seed=3))
    drafts = [speculative.job(replace(here, name=name)).stages for name in ("a", "folder/b")]
    assert drafts[0] == drafts[1]
