import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from grammar import AsyncBlock, Document, Promise, Sync, Text, parse
from pasta_toolkit.dag import build_dag, measure
from pasta_toolkit.runtime import TagTokens, script_of_chunks
from pasta_toolkit.specs import load_hardware, load_model
from pasta_toolkit.tokens import load_counter
from simulator.answer import predict_pasta
from simulator.pricing import PricingError, cost_of
from simulator.study import Loads, Study, StudyError, answers_of, kv_capacity, run_study
from simulator.token_levels import token_levels
from tests.support.sim_dags import plain_cost

WORDS = load_counter("words")
TEXT = (
    'Two things.<promise topic="a" tokens="10"/> And <promise topic="b" tokens="20"/><async>One two three.</async>'
    "<async>Four five six seven eight nine ten.</async><sync/> Done."
)
texts = st.lists(st.sampled_from(["one ", "two ", "three ", "four\n"]), max_size=8).map("".join)


@st.composite
def documents(draw):
    """Responses of up to three groups, the last of which may end without sync."""
    nodes = []
    num_groups = draw(st.integers(0, 3))
    for index in range(num_groups):
        for _ in range(draw(st.integers(1, 3))):
            nodes += [Text(draw(texts)), Promise("topic", 10 * draw(st.integers(1, 9))), AsyncBlock(draw(texts))]
        nodes.append(Text(draw(texts)))
        if index < num_groups - 1 or draw(st.booleans()):
            nodes.append(Sync())
    return Document.of([*nodes, Text(draw(texts))])


@given(documents())
@settings(max_examples=100, deadline=None)
def test_a_real_dag_takes_as_many_steps_as_its_critical_path_has_tokens(document):
    (answer,) = answers_of([document], ["a"], prompt_tokens=[1], counter=WORDS)
    measures = measure(build_dag(document, WORDS))
    prediction = predict_pasta(answer, plain_cost())
    assert prediction.latency_ns == max(1, measures.critical_path_tokens) * 1_000
    assert token_levels(answer.dag).critical_path == measures.critical_path_tokens
    assume(not measures.is_empty)
    assert prediction.ideal_speedup == pytest.approx(measures.ideal_speedup)
    assert prediction.decoded_tokens == measures.decoded_tokens


@given(documents())
@settings(max_examples=50, deadline=None)
def test_jump_forward_decodes_the_same_tokens_in_no_more_lanes(document):
    dag, tags = build_dag(document, WORDS), TagTokens.counted(WORDS.count)
    plain, jumping = script_of_chunks(dag.chunks), script_of_chunks(dag.chunks, jump_forward=tags)
    assert [t.num_lanes for t in jumping.threads] <= [t.num_lanes for t in plain.threads]
    assert jumping.threads[0].decoded_tokens == plain.threads[0].decoded_tokens


def study_of(**options):
    answers = answers_of([parse(TEXT)], ["a"], prompt_tokens=[9], counter=WORDS)
    return run_study(answers, Study(**options), cost=plain_cost())


def test_a_study_predicts_summarises_and_draws_a_timeline():
    report = study_of(loads=Loads((1.0, 10.0), num_requests=5))
    assert [prediction.strategy for prediction in report.predictions] == ["sequential", "pasta"]
    assert [summary.strategy for summary in report.summaries] == ["sequential", "pasta"]
    assert [point.rate_per_s for point in report.load] == [1.0, 1.0, 10.0, 10.0]
    assert report.timeline.num_threads == 3


def test_recorded_gaps_keep_their_shape_and_have_mean_one():
    gaps = Loads(recorded_ns=(0, 10, 40)).gaps()
    assert sum(gaps) == pytest.approx(3)
    assert gaps[2] == pytest.approx(3 * gaps[1])


def test_same_seed_same_gaps():
    assert Loads(seed=4).gaps() == Loads(seed=4).gaps()
    assert Loads(seed=4).gaps() != Loads(seed=5).gaps()


def test_a_study_of_nothing_is_refused():
    with pytest.raises(StudyError, match="there is no answer to simulate"):
        run_study([], Study(), cost=plain_cost())
    with pytest.raises(StudyError, match="no answer 'b'; the first is 'a'"):
        study_of(timeline_of="b")


def test_unknown_cost_models_are_refused_and_capacity_is_what_the_weights_leave():
    model, hardware = load_model("gemma-7b"), load_hardware("h100")
    with pytest.raises(PricingError, match="no cost model 'magic': choose from fitted, roofline, table"):
        cost_of(model, hardware, name="magic")
    used = kv_capacity(model, hardware) * model.kv_bytes_per_token(1)
    assert 0 < used < hardware.memory_capacity_bytes


@pytest.mark.parametrize("name", ["fitted", "roofline"])
def test_a_longer_context_and_another_lane_never_make_a_step_cheaper(name):
    cost = cost_of(load_model("gemma-7b"), load_hardware("h100"), name=name)
    for contexts in ((10,), (500,), (10, 10), (500, 500)):
        longer = tuple(context + 100 for context in contexts)
        assert cost.decode_ns(longer) >= cost.decode_ns(contexts)
        assert cost.decode_ns((*contexts, contexts[0])) >= 0.99 * cost.decode_ns(contexts)
