"""Kernel tables that a user points to: found by their columns, refused in one sentence. Small made-up tables."""

import pytest

from grammar import PastaError
from pasta_toolkit.specs import load_hardware, load_model
from simulator.cost import PrefillShape, ServingTableModel, StepShape, shipped_table_model, table_model_of
from simulator.cost.collective import all_reduce_seconds
from simulator.cost.errors import CostError
from simulator.cost.table_files import SHIPPED
from tests.support.cost_data import TRACES, needs_data

MODEL, H100 = load_model("llama-3.1-8b"), load_hardware("h100")
PRODUCTS = "system,m,n,k,latency_us\n" + "".join(
    f"{system},{rows},4096,4096,{10 + rows * speed}\n"
    for system, speed in (("h100_sxm", 1), ("l4", 9))
    for rows in (1, 64)
)
ATTENTION = "system,q_heads,kv_heads,head_dim,batch,context,latency_us\n" + "".join(
    f"h100_sxm,32,8,128,{lanes},{context},{lanes * context / 100}\n" for lanes in (1, 64) for context in (128, 4096)
)
DENSE = "layer,tokens,time_us\n" + "".join(
    f"{layer},{tokens},{tokens}\n"
    for layer in ("qkv_proj", "o_proj", "gate_up_proj", "down_proj", "layernorm", "rotary_emb", "act_fn")
    for tokens in (1, 64)
)
LAYERS = {
    "dense": DENSE,
    "per_sequence": "layer,sequences,time_us\nlm_head,1,5\nlm_head,64,9\n",
    "attention": "prefill_chunk,kv_prefill,n_decode,kv_decode,time_us\n0,0,1,16,3\n0,0,1,4096,30\n",
}


def write(folder, files):
    for name, text in files.items():
        (folder / name).write_text(text, encoding="utf-8")


def profile(prefix):
    return {f"{prefix}_{kind}.csv": text for kind, text in LAYERS.items()}


def test_kernels_are_found_by_their_columns_and_those_of_other_devices_left_out(tmp_path):
    write(tmp_path, {"a.csv": PRODUCTS, "b.csv": ATTENTION, "notes.csv": "x,y\n1,2\n"})
    model = table_model_of(tmp_path, MODEL, H100)
    assert model.name == "table"
    alone = model.step_time(StepShape((128,)))
    assert alone.seconds("attention") == pytest.approx(MODEL.num_layers * 1.28e-6)


def test_the_layers_of_a_served_model_are_found_by_folder_and_by_prefix(tmp_path):
    write(tmp_path, profile("mine"))
    found = [table_model_of(path, MODEL, H100) for path in (tmp_path, tmp_path / "mine")]
    assert all(isinstance(model, ServingTableModel) for model in found)
    assert len({model.step_time(StepShape((500,))).total_ns for model in found}) == 1


def test_a_profilers_own_folder_needs_no_prefix(tmp_path):
    write(tmp_path, {f"{kind}.csv": text for kind, text in LAYERS.items()} | {"skew.csv": "n,nb\n2,1\n"})
    assert isinstance(table_model_of(tmp_path, MODEL, H100), ServingTableModel)
    write(tmp_path, profile("another"))
    with pytest.raises(CostError, match=r"several devices or models; give one of: .*another"):
        table_model_of(tmp_path, MODEL, H100)


def test_layers_of_a_tensor_parallel_degree_are_one_devices_share_and_all_reduces_come_on_top(tmp_path):
    write(tmp_path, profile("mine"))
    shape = StepShape((500, 900), (PrefillShape(30),))
    one, two = (table_model_of(tmp_path, MODEL, H100, tensor_parallel=n).step_time(shape) for n in (1, 2))
    assert one.seconds("all_reduce") == 0
    assert two.seconds("all_reduce") == all_reduce_seconds(MODEL, H100, tensor_parallel=2, num_tokens=32)
    assert two.seconds("matmul") == one.seconds("matmul")


def test_norms_of_queries_and_keys_run_in_every_layer_and_the_embedding_once(tmp_path):
    shape = StepShape((500,))
    write(tmp_path, profile("mine"))
    seconds = [table_model_of(tmp_path, MODEL, H100).step_time(shape).seconds("elementwise")]
    for layer in ("qk_norm", "embedding"):
        write(tmp_path, {"mine_dense.csv": f"{DENSE}{layer},1,2\n{layer},64,2\n"})
        seconds.append(table_model_of(tmp_path, MODEL, H100).step_time(shape).seconds("elementwise"))
    assert [found - seconds[0] for found in seconds[1:]] == pytest.approx([MODEL.num_layers * 2e-6, 2e-6])


@pytest.mark.parametrize("name", ["a100", "b200", "h100", "h200", "l40s"])
def test_kernels_of_these_devices_come_with_the_package(name):
    model = shipped_table_model(MODEL, load_hardware(name))
    alone, many = (model.step_time(StepShape((500,) * lanes)).total_seconds for lanes in (1, 32))
    assert model.name == "table"
    assert 0.002 < alone < many < 2 * alone < 0.1


@needs_data
@pytest.mark.parametrize("name", ["matmul.csv", "decode_attention.csv"])
def test_shipped_kernels_are_the_measured_ones(name):
    source = {"matmul.csv": "aic012_gemm_bf16_m1_512.csv", "decode_attention.csv": "aic012_decode_attention_bf16.csv"}
    assert (SHIPPED / name).read_bytes() == (TRACES / source[name]).read_bytes()


def test_of_other_devices_no_kernels_come_with_the_package():
    with pytest.raises(CostError, match="no measured kernels of 'L4-24GB' come with this package, only those of a100"):
        shipped_table_model(MODEL, load_hardware("l4"))


def test_an_engine_that_is_faster_than_its_layers_takes_less_time(tmp_path):
    write(tmp_path, profile("mine"))
    shape = StepShape((500, 900))
    plain, fast = (table_model_of(tmp_path, MODEL, H100, speed=speed).step_time(shape) for speed in (1.0, 1.25))
    assert fast.total_seconds == pytest.approx(plain.total_seconds / 1.25)


@pytest.mark.parametrize(
    ("files", "options", "message"),
    [
        ({}, {}, "holds no kernel tables; docs/cost_models.md says which columns"),
        (
            {"a.csv": PRODUCTS.replace("h100_sxm", "b200")},
            {},
            "lack products or attention of 'H100-SXM5-80GB': b200, l4",
        ),
        ({"a.csv": PRODUCTS}, {}, "lack products or attention of 'H100-SXM5-80GB': h100_sxm, l4"),
        (profile("one") | profile("two"), {}, "has the layers of several devices or models; give one of: "),
        (profile("one"), {"tensor_parallel": 3}, "does not suit"),
        (
            profile("one") | {"one_dense.csv": f"{DENSE}moe,1,1\n"},
            {},
            "has a layer 'moe': how often it runs is not known",
        ),
        (profile("one"), {"speed": -1.0}, "the speed of an engine must be a positive number, found -1.0"),
        ({"a.csv": PRODUCTS, "b.csv": ATTENTION}, {"speed": 1.5}, "an engine's speed (1.5) is one over its layers'"),
        (profile("one") | {"one_dense.csv": "layer,tokens,time_us\nqkv_proj,1,1\n"}, {}, "has no layer 'o_proj'"),
    ],
)
def test_tables_that_do_not_do_are_refused_in_one_sentence(tmp_path, files, options, message):
    write(tmp_path, files)
    with pytest.raises(PastaError) as caught:
        table_model_of(tmp_path, MODEL, H100, **options)
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


@needs_data
def test_real_tables_are_found_among_many_files():
    kernels = table_model_of(TRACES, MODEL, H100)
    layers = table_model_of(TRACES / "vllm019_rtx4090_llama31_8b_kernels", MODEL, load_hardware("rtx-4090"))
    assert 5e-3 < kernels.step_time(StepShape((1024,))).total_seconds < 8e-3
    assert 15e-3 < layers.step_time(StepShape((1024,))).total_seconds < 19e-3
