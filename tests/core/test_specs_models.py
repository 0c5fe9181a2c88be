"""Model specs: counts by formula against published ones, and what tensor parallelism splits."""

import json
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pasta_toolkit.specs import ModelSpec, SpecError, load_hardware, load_model, model_specs, place
from tests.support.cost_data import DATA, needs_data

PUBLISHED_PARAMETERS = {
    "gemma-7b": 8_537_680_896,
    "llama-3.1-8b": 8_030_261_248,
    "llama-2-7b": 6_738_415_616,
    "smollm2-135m": 134_515_008,
    "smollm2-360m": 361_821_120,
    "mistral-7b-v0.2": 7_241_732_096,
    "qwen2.5-7b": 7_615_616_512,
}


@pytest.mark.parametrize(("name", "num_parameters"), PUBLISHED_PARAMETERS.items())
def test_parameters_with_norms_and_biases_are_the_published_ones(name: str, num_parameters: int) -> None:
    assert load_model(name).num_parameters == num_parameters


@needs_data
def test_derived_quantities_agree_with_the_collected_table() -> None:
    entries = json.loads((DATA / "hardware_models.json").read_text(encoding="utf-8"))["models"]
    for entry in entries:
        model = load_model(entry["name"])
        read = model.weight_bytes_per_step(0) - model.weight_bytes * model.num_vector_parameters
        assert model.num_matrix_parameters == entry["params_formula"], entry["name"]
        assert model.kv_bytes_per_token() == entry["kv_bytes_per_token_bf16"], entry["name"]
        assert read == entry["weight_bytes_read_per_step_bf16"], entry["name"]


@pytest.mark.parametrize("model", model_specs(), ids=lambda model: model.name)
def test_an_untied_embedding_is_not_read_but_for_its_rows(model: ModelSpec) -> None:
    more_rows = model.weight_bytes_per_step(5) - model.weight_bytes_per_step(0)
    embedding = 0 if model.has_tied_embeddings else model.vocabulary_size * model.hidden_size
    assert more_rows == 5 * model.hidden_size * model.weight_bytes
    assert model.weight_bytes_per_step(0) == model.total_weight_bytes - embedding * model.weight_bytes


@given(model=st.sampled_from(model_specs()), context=st.integers(0, 100_000))
def test_flops_of_a_token_rise_by_the_attended_tokens(model: ModelSpec, context: int) -> None:
    query_size = model.num_query_heads * model.head_size
    attention = model.flops_per_token(context) - model.flops_per_token(0)
    assert attention == 4 * query_size * model.attended_tokens(context)
    assert model.attended_tokens(context) <= model.num_layers * context


def test_half_of_gemma_2_sees_its_window_only() -> None:
    model = load_model("gemma-2-9b")
    assert model.attended_tokens(1000) == 42 * 1000
    assert model.attended_tokens(8192) == 21 * 8192 + 21 * 4096


@pytest.mark.parametrize("degree", [2, 4, 8])
def test_tensor_parallel_shards_add_up_to_the_whole(degree: int) -> None:
    model = load_model("llama-3.1-70b")
    whole = sum(matrix.num_weights for matrix in model.matrices())
    assert degree * sum(matrix.num_weights for matrix in model.matrices(degree)) == whole
    assert degree * model.kv_bytes_per_token(degree) == model.kv_bytes_per_token()


def test_kv_heads_are_repeated_when_there_are_fewer_than_devices() -> None:
    assert load_model("qwen2.5-7b").kv_heads_per_device(7) == 1


def test_a_degree_that_does_not_divide_the_heads_is_refused() -> None:
    with pytest.raises(
        SpecError, match="tensor parallel degree 3 does not suit 'google/gemma-7b': it must divide its 16"
    ):
        load_model("gemma-7b").matrices(3)


def test_a_model_that_is_too_large_is_refused_in_a_sentence() -> None:
    message = (
        "'meta-llama/Llama-3.1-70B' does not fit 'H100-SXM5-80GB': its weights take 131.4 GiB, and 72.0 GiB "
        r"\(90% of the memory\) are usable; take a larger device or a higher tensor parallel degree"
    )
    with pytest.raises(SpecError, match=message):
        place(load_model("llama-3-70b"), load_hardware("h100"))


@pytest.mark.parametrize(
    ("key", "value", "message"),
    [
        ("num_layers", 0, "num_layers is 0; it must be a positive number"),
        ("num_kv_heads", 5, "num_query_heads is 32; it must be a multiple of num_kv_heads, 5"),
        ("num_sliding_window_layers", 33, "num_sliding_window_layers must lie between 0 and num_layers, 32"),
        ("num_sliding_window_layers", 1, "layers with a sliding window need sliding_window_tokens"),
        ("source", (), "source is empty; say where the values come from"),
    ],
)
def test_an_impossible_shape_is_refused(key: str, value: object, message: str) -> None:
    with pytest.raises(SpecError, match=message):
        replace(load_model("llama-3.1-8b"), **{key: value})


def test_what_weights_leave_is_for_the_kv_cache() -> None:
    model, hardware = load_model("llama-3.1-8b"), load_hardware("rtx-4090")
    placement = place(model, hardware)
    left = 0.9 * hardware.memory_capacity_bytes - model.total_weight_bytes
    assert placement.kv_capacity_tokens == left // model.kv_bytes_per_token()


def test_tensor_parallelism_needs_an_interconnect() -> None:
    with pytest.raises(SpecError, match="'TPUv5p' has no interconnect_bandwidth_bytes_per_s"):
        place(load_model("gemma-7b"), load_hardware("tpuv5p"), tensor_parallel=2)
