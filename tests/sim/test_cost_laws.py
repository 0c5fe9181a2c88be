"""Laws of all cost models: terms add up, more work is not faster, one device needs no all-reduce."""

from collections.abc import Callable
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pasta_toolkit.specs import HardwareSpec, ModelSpec, SpecError, load_hardware, load_model
from simulator.cost import CostError, CostModel, PrefillShape, RooflineModel, StepShape, fitted_model, table_model
from simulator.cost.measurements import AttentionRow, MatmulRow

MODEL = load_model("llama-3.1-8b")
HARDWARE = load_hardware("h100")


def small_table_model(model: ModelSpec = MODEL, hardware: HardwareSpec = HARDWARE) -> CostModel:
    """Build a table model from a coarse table that grows with its arguments."""
    matmuls = [
        MatmulRow("h100", rows, outer, inner, 2e-6 + outer * inner * 1e-12 + rows * outer * inner * 3e-15)
        for rows in (1, 64, 512)
        for outer in (1024, 16384)
        for inner in (1024, 16384)
    ]
    attentions = [
        AttentionRow("h100", 32, 8, 128, lanes, context, 1e-5 + lanes * context * 2e-9)
        for lanes in (1, 16, 256)
        for context in (16, 1024, 65536)
    ]
    return table_model(model, hardware, matmuls=matmuls, attentions=attentions)


MODELS = {
    "roofline": RooflineModel(MODEL, HARDWARE),
    "fitted": fitted_model(MODEL, HARDWARE),
    "fitted-window": fitted_model(load_model("gemma-2-9b"), load_hardware("a100")),
    "fitted-generic": fitted_model(load_model("smollm2-135m"), load_hardware("l4")),
    "fitted-sharded": fitted_model(load_model("llama-3.1-70b"), HARDWARE, tensor_parallel=8),
    "table": small_table_model(),
}
every_model = pytest.mark.parametrize("model", MODELS.values(), ids=MODELS.keys())
contexts = st.lists(st.integers(1, 20_000), min_size=1, max_size=40).map(tuple)
prefills = st.lists(st.builds(PrefillShape, st.integers(1, 2048), st.integers(0, 8192)), max_size=3).map(tuple)
shapes = st.builds(StepShape, contexts, prefills)


@every_model
@settings(max_examples=25)
@given(shape=shapes)
def test_terms_are_not_negative_and_add_up_exactly(model: CostModel, shape: StepShape) -> None:
    cost = model.step_time(shape)
    assert all(term.seconds >= 0 for term in cost.terms)
    assert cost.total_seconds == sum(term.seconds for term in cost.terms)
    assert cost.total_seconds == pytest.approx(sum(cost.seconds(name) for name in {term.name for term in cost.terms}))
    assert cost.low_seconds <= cost.total_seconds <= cost.high_seconds


@every_model
@settings(max_examples=25)
@given(num_lanes=st.integers(1, 300), more=st.integers(1, 50), context=st.integers(1, 20_000))
def test_more_lanes_are_not_faster(model: CostModel, num_lanes: int, more: int, context: int) -> None:
    few = model.step_time(StepShape((context,) * num_lanes)).total_seconds
    many = model.step_time(StepShape((context,) * (num_lanes + more))).total_seconds
    assert many >= few * (1 - 1e-12)


@every_model
@settings(max_examples=25)
@given(num_lanes=st.integers(1, 64), context=st.integers(1, 20_000), more=st.integers(1, 5000))
def test_longer_contexts_are_not_faster(model: CostModel, num_lanes: int, context: int, more: int) -> None:
    short = model.step_time(StepShape((context,) * num_lanes)).total_seconds
    long = model.step_time(StepShape((context + more,) * num_lanes)).total_seconds
    assert long >= short * (1 - 1e-12)


@every_model
@settings(max_examples=25)
@given(decode=contexts, chunk=st.integers(1, 1024), context=st.integers(0, 8192), more=st.integers(1, 512))
def test_longer_chunks_are_not_faster(
    model: CostModel, decode: tuple[int, ...], chunk: int, context: int, more: int
) -> None:
    short = model.step_time(StepShape(decode, (PrefillShape(chunk, context),))).total_seconds
    long = model.step_time(StepShape(decode, (PrefillShape(chunk + more, context),))).total_seconds
    assert long >= short * (1 - 1e-12)


@every_model
@settings(max_examples=25)
@given(decode=contexts)
def test_the_order_of_lanes_does_not_matter(model: CostModel, decode: tuple[int, ...]) -> None:
    forward, backward = model.step_time(StepShape(decode)), model.step_time(StepShape(decode[::-1]))
    assert forward.total_seconds == pytest.approx(backward.total_seconds, rel=1e-12)


@every_model
@settings(max_examples=25)
@given(decode=contexts)
def test_unequal_contexts_cost_no_less_than_equal_ones(model: CostModel, decode: tuple[int, ...]) -> None:
    assert model.step_time(StepShape(decode)).seconds("unequal_contexts") >= 0
    assert model.step_time(StepShape((decode[0],) * len(decode))).seconds("unequal_contexts") == 0


def test_one_device_is_the_same_as_no_tensor_parallelism() -> None:
    shape = StepShape((100, 2000))
    assert fitted_model(MODEL, HARDWARE, tensor_parallel=1).step_time(shape) == fitted_model(MODEL, HARDWARE).step_time(
        shape
    )
    assert RooflineModel(MODEL, HARDWARE, 1).step_time(shape).seconds("all_reduce") == 0


def test_two_devices_halve_the_weights_and_pay_for_all_reduces() -> None:
    shape = StepShape((100,))
    one, two = (RooflineModel(MODEL, HARDWARE, degree).step_time(shape) for degree in (1, 2))
    vectors = (MODEL.num_vector_parameters + MODEL.hidden_size) * MODEL.weight_bytes
    bandwidth = HARDWARE.memory_bandwidth_bytes_per_s
    assert two.seconds("weights") - vectors / bandwidth == pytest.approx(
        (one.seconds("weights") - vectors / bandwidth) / 2
    )
    # 65 all-reduces of 4096 bf16 numbers: 8 us each, and 2 (N - 1) / N of 8 KiB over 450 GB/s.
    assert two.seconds("all_reduce") == pytest.approx(65 * (8e-6 + 8192 / 450e9))


def test_a_chunk_of_a_prompt_changes_nothing_for_the_lanes_beside_it() -> None:
    model = fitted_model(MODEL, HARDWARE)
    alone, beside = (
        model.step_time(StepShape((200,) * 60 + (9_000,) * 2, chunks)) for chunks in ((), (PrefillShape(300),))
    )
    assert alone.seconds("unequal_contexts") == beside.seconds("unequal_contexts") > 0


def test_a_device_may_say_how_long_its_smallest_all_reduce_takes() -> None:
    slow = replace(HARDWARE, all_reduce_latency_s=20e-6)
    seconds = RooflineModel(MODEL, slow, 2).step_time(StepShape((100,))).seconds("all_reduce")
    assert seconds == pytest.approx(65 * (20e-6 + 8192 / 450e9))


@settings(max_examples=50)
@given(decode=contexts)
def test_the_roofline_of_decoding_is_its_closed_form(decode: tuple[int, ...]) -> None:
    cost = RooflineModel(MODEL, HARDWARE).step_time(StepShape(decode))
    read = MODEL.weight_bytes_per_step(len(decode)) + sum(decode) * MODEL.kv_bytes_per_token()
    flops = sum(MODEL.flops_per_token(context) for context in decode)
    memory, compute = read / HARDWARE.memory_bandwidth_bytes_per_s, flops / HARDWARE.bf16_dense_flops_per_s
    launches = 3e-6 * (3 * MODEL.num_layers + 1)
    assert cost.total_seconds == pytest.approx(max(memory, compute) + launches)


def test_a_roofline_twice_as_fast_takes_half_the_time_but_for_launches() -> None:
    fast = replace(
        HARDWARE,
        memory_bandwidth_bytes_per_s=2 * HARDWARE.memory_bandwidth_bytes_per_s,
        bf16_dense_flops_per_s=2 * HARDWARE.bf16_dense_flops_per_s,
    )
    shape = StepShape((500,) * 300)
    one, two = RooflineModel(MODEL, HARDWARE).step_time(shape), RooflineModel(MODEL, fast).step_time(shape)
    launch = one.seconds("launch")
    assert two.total_seconds - launch == pytest.approx((one.total_seconds - launch) / 2)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (StepShape, "a step has no lanes and no prefills"),
        (lambda: StepShape((5, 0)), "a decode lane attends to 0 tokens; it sees at least itself"),
        (lambda: PrefillShape(0), "a prefill of 0 tokens behind 0: a chunk has at least 1 token"),
        (lambda: PrefillShape(1, -1), "a prefill of 1 tokens behind -1"),
    ],
)
def test_impossible_steps_are_refused(make: Callable[[], object], message: str) -> None:
    with pytest.raises(CostError, match=message):
        make()


def test_a_device_without_clock_is_refused_by_the_fitted_model() -> None:
    with pytest.raises(CostError, match="'TPUv5e' has no num_compute_units, which the kernel formulas need"):
        fitted_model(load_model("smollm2-135m"), load_hardware("tpuv5e"))


def test_a_model_that_does_not_fit_is_refused() -> None:
    with pytest.raises(SpecError, match=r"'meta-llama/Llama-3.1-70B' does not fit 'L4-24GB'"):
        RooflineModel(load_model("llama-3.1-70b"), load_hardware("l4"))
