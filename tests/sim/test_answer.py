from hypothesis import assume, example, given, settings
from hypothesis import strategies as st

from pasta_toolkit.report.prediction import LOSS_TERMS
from pasta_toolkit.runtime import Copied, Limits, Request, Script, TagTokens, script_of_chunks
from simulator.answer import predict_pasta, predict_sequential, trace_of
from simulator.model_cost import ModelCost
from simulator.replica import Arrival, Serving
from simulator.simulation import simulate
from simulator.token_levels import token_levels
from tests.support.sim_dags import PlainModel, answer_of_outline, dag_of_outline, plain_cost
from tests.support.sim_outlines import (
    Outline,
    OutlineBranch,
    OutlineGroup,
    critical_path_tokens,
    outlines,
    script_of_outline,
)

TAGS = TagTokens(4, 3, 2, 3, 4, 2)


@given(outlines())
@settings(max_examples=50, deadline=None)
def test_the_script_of_a_dag_is_that_of_its_outline(outline):
    assume(outline.decoded_tokens)
    made, expected = script_of_chunks(dag_of_outline(outline).chunks), script_of_outline(outline)
    assert [thread.decoded_tokens for thread in made.threads] == [t.decoded_tokens for t in expected.threads]
    assert [thread.num_lanes for thread in made.threads] == [thread.num_lanes for thread in expected.threads]


@given(outlines())
@settings(max_examples=50, deadline=None)
def test_predicted_speedup_is_the_ideal_one_where_only_steps_cost(outline):
    prediction = predict_pasta(answer_of_outline(outline), plain_cost())
    assert prediction.latency_ns == max(1, critical_path_tokens(outline)) * 1_000
    if prediction.sequential_tokens:
        assert abs(prediction.speedup - prediction.ideal_speedup) < 1e-9
        assert all(abs(prediction.loss.terms_ns[name]) <= 1 for name in LOSS_TERMS[3:])


@given(
    outlines(),
    st.integers(1, 90),
    st.builds(PlainModel, st.integers(0, 999), st.integers(0, 99), st.integers(0, 9), st.integers(0, 9)),
    st.integers(1, 4),
    st.booleans(),
)
@settings(max_examples=50, deadline=None)
def test_the_loss_account_adds_and_multiplies_up(outline, prompt, model, max_lanes, jumps):
    cost, serving = ModelCost(model), Serving(Limits(max_lanes), Copied())
    answer = answer_of_outline(outline, prompt_tokens=prompt)
    prediction = predict_pasta(answer, cost, serving=serving, jump_forward=TAGS if jumps else None)
    loss = prediction.loss
    assert loss.perfect_ns + sum(loss.terms_ns.values()) == prediction.latency_ns
    if all(loss.levels_ns):
        speedup = prediction.sequential_ns / loss.perfect_ns
        for factor in loss.factors.values():
            speedup *= factor
        assert abs(speedup / prediction.speedup - 1) < 1e-9


def term_of(name, answer, cost, **options):
    return predict_pasta(answer, cost, **options).loss.terms_ns[name]


BALANCED = Outline((OutlineGroup((OutlineBranch(0, 5, 22), OutlineBranch(0, 5, 22)), 10, 2),), 10)
LOPSIDED = Outline((OutlineGroup((OutlineBranch(0, 5, 40), OutlineBranch(0, 5, 4)), 0, 2),), 10)


def test_each_term_is_found_by_what_causes_it():
    """Prices that have but one cause, in nanoseconds, against figures computed by hand."""
    lopsided, balanced = answer_of_outline(LOPSIDED), answer_of_outline(BALANCED)
    steps = plain_cost()
    assert term_of("imbalance", lopsided, steps) == (38 - 20) * 1_000  # 38 + 2 tokens of text in two branches
    assert term_of("sync_idling", lopsided, steps) == (20 - 14) * 1_000  # 40 tokens among three threads: 13.3 each
    assert term_of("tag_overhead", lopsided, steps) == (5 + 2 + 2) * 1_000  # first promise, its branch's tags, sync
    assert term_of("imbalance", balanced, steps) == 0
    assert term_of("batch_inflation", balanced, plain_cost(step=0, fed=7)) == 7 * (
        15 + 10 + 7
    )  # lanes beyond one in steps 6-20, 11-20 and 21-27
    assert term_of("unequal_contexts", balanced, plain_cost(longest=3)) == 0  # threads in lockstep see equally much
    two = Serving(Limits(max_lanes=2))
    assert term_of("unequal_contexts", balanced, plain_cost(longest=3), serving=two) > 0
    assert term_of("unequal_contexts", balanced, plain_cost(attended=4)) < 50 * 4  # means are rounded, sums are not
    assert term_of("serialisation", balanced, steps, serving=Serving(Limits(max_lanes=1))) > 0
    assert term_of("jump_forward", balanced, steps, jump_forward=TAGS) < 0


def test_a_copied_prefix_costs_the_fork():
    cost = ModelCost(PlainModel(), copy_ns_per_token=10)
    answer = answer_of_outline(BALANCED, prompt_tokens=100)
    copied = predict_pasta(answer, cost, serving=Serving(layout=Copied()))
    assert copied.loss.terms_ns["fork_overhead"] == 10 * (105 + 110)
    assert predict_pasta(answer, cost).loss.terms_ns["fork_overhead"] == 0


@given(st.integers(1, 300), st.integers(0, 90))
@settings(max_examples=50, deadline=None)
def test_sequential_prediction_is_what_the_scheduler_does(prompt, num_tokens):
    cost = plain_cost(fed=11, attended=3)
    found = simulate([Arrival(0, Request("a", prompt), Script.sequential(num_tokens))], Serving(), cost=cost)
    outline = Outline((), num_tokens)
    prediction = predict_sequential(answer_of_outline(outline, prompt_tokens=prompt), cost)
    assert prediction.latency_ns == found.requests[0].latency_ns
    assert prediction.ttft_ns == found.requests[0].ttft_ns


@given(outlines())
@example(Outline((OutlineGroup((OutlineBranch(0, 1, 40), OutlineBranch(9, 1, 2)), 0, 1),), 0))
@settings(max_examples=50, deadline=None)
def test_token_levels_only_grow(outline):
    levels = token_levels(dag_of_outline(outline))
    assert levels.all_share <= levels.branches_share <= levels.without_tags <= levels.critical_path
    assert levels.critical_path == critical_path_tokens(outline)


@given(outlines())
@settings(max_examples=50, deadline=None)
def test_jump_forward_takes_as_many_steps_as_tokens_are_decoded_on_the_critical_path(outline):
    """1 for `<async>`, 1 for `</async>`, 1 for the sync, and what is free of a promise tag."""
    tags = TagTokens(3, 2, 2, 1, 1, 1)
    jumped = predict_pasta(answer_of_outline(outline), plain_cost(), jump_forward=tags)
    shorter = Outline(
        tuple(
            OutlineGroup(
                tuple(
                    OutlineBranch(b.text_before, len(tags.promise_lanes(b.promise_tag)), b.tokens)
                    for b in group.branches
                ),
                group.text_after,
                min(1, group.sync_tag),
            )
            for group in outline.groups
        ),
        outline.tail,
    )
    assert jumped.num_steps == max(1, critical_path_tokens(shorter))
    assert answer_of_outline(outline).script(tags).critical_path == jumped.num_steps


def test_the_trace_of_an_answer_ends_when_the_prediction_says():
    answer = answer_of_outline(LOPSIDED, prompt_tokens=20)
    cost = plain_cost(fed=3, attended=1)
    assert trace_of(answer, cost)[-1].at_ns == predict_pasta(answer, cost).latency_ns
