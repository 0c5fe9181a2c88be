"""The parts of the CPU step by themselves: linear layers, ties between logits, the choice of a step, the real model."""

import json
from functools import partial
from pathlib import Path

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from reference_engine.errors import EngineError, ModelError
from reference_engine.model import Model, load_model
from reference_engine.step import packed_linear
from reference_engine.step.choice import choose_step
from reference_engine.step.cpu_step import CpuStep
from reference_engine.step.huge_pages import PAGE_BYTES, Memory, into_huge_pages
from reference_engine.step.output_layer import OutputLayer
from reference_engine.step.packed_linear import PackedLinear, PlainLinear, can_pack, linear_of
from reference_engine.step.readable import readable_step
from reference_engine.text import load_tokenizer
from tests.support.cpu_steps import as_type, fed_logits, logits_of, scattered_run
from tests.support.engine_models import our_model, tiny_config

BFLOAT16_STEP = 2**-8  # between neighbouring numbers, as a share of them
needs_packing = pytest.mark.skipif(
    not can_pack(torch.bfloat16), reason="this processor or build has no bfloat16 in oneDNN"
)


@needs_packing
@given(num_rows=st.integers(0, 40), has_bias=st.booleans(), seed=st.integers(0, 1000))
def test_a_packed_layer_multiplies_as_a_plain_one_does(num_rows, has_bias, seed):
    generator = torch.Generator().manual_seed(seed)
    weight, rows = torch.randn(24, 40, generator=generator), torch.randn(num_rows, 40, generator=generator)
    bias = torch.randn(24, generator=generator).bfloat16() if has_bias else None
    exact = rows.bfloat16().double() @ weight.bfloat16().double().T + (0 if bias is None else bias.double())
    for layer in (PackedLinear(weight.bfloat16(), bias), PlainLinear(weight.bfloat16(), bias)):
        torch.testing.assert_close(layer(rows.bfloat16()).double(), exact, rtol=BFLOAT16_STEP, atol=1e-5)


def test_weights_are_packed_only_where_that_is_faster(monkeypatch):
    weight = torch.ones(4, 4)
    assert isinstance(linear_of(weight), PlainLinear)
    monkeypatch.setattr(packed_linear, "can_pack", lambda dtype: False)
    assert isinstance(linear_of(weight.bfloat16()), PlainLinear)
    monkeypatch.setattr(packed_linear, "can_pack", lambda dtype: True)
    assert isinstance(linear_of(weight), PackedLinear)


@pytest.mark.parametrize("vocabulary", [97, 384])
def test_what_ties_after_rounding_is_told_apart(vocabulary):
    generator = torch.Generator().manual_seed(5)
    weight = torch.randn(vocabulary, 16, generator=generator)
    weight[vocabulary - 2 :] = weight[:2] = 4 * weight[0]
    weight[1, 3] += 0.02 * weight[1, 3]  # too little to be seen in 8 bits of the sum
    weight = weight.bfloat16()
    rows = torch.cat((weight[:1].float(), torch.randn(5, 16, generator=generator))).bfloat16().float()
    exact = rows @ weight.float().T
    rounded = exact.bfloat16()
    assert (rounded[0] == rounded[0].max()).sum() == 4
    logits = OutputLayer(weight, softcap=None)(rows)
    assert torch.equal(logits.argmax(dim=-1), exact.argmax(dim=-1))
    assert exact[0].argmax() == 1
    torch.testing.assert_close(logits, exact, rtol=BFLOAT16_STEP, atol=1e-5)


def test_a_model_that_tells_nothing_is_left_as_it_is():
    logits = OutputLayer(torch.zeros(500, 16, dtype=torch.bfloat16), softcap=None)(torch.ones(3, 16))
    assert torch.equal(logits, torch.zeros(3, 500))


@pytest.mark.parametrize(
    ("kind", "dtype", "sentence"),
    [
        ("auto", torch.float32, "CPU step: float32 weights, not packed; bfloat16 is faster"),
        ("cpu", torch.bfloat16, "CPU step: bfloat16 weights, packed once for oneDNN"),
        ("readable", torch.float32, "readable step on cpu: plain PyTorch, the oracle of the faster steps"),
    ],
)
def test_a_sentence_says_which_step_runs(kind, dtype, sentence, monkeypatch):
    monkeypatch.setattr("reference_engine.step.choice.can_pack", lambda dtype: dtype == torch.bfloat16)
    model = as_type(our_model(tiny_config("llama")), dtype)
    step, found = choose_step(model, kind=kind)
    assert found == sentence
    run = scattered_run([[3, 1], [1, 1]], 2)
    expected, _ = logits_of(partial(readable_step, model), model, run)
    assert (logits_of(step, model, run)[0] - expected).abs().max() < (1e-4 if dtype == torch.float32 else 1)


def test_a_machine_without_bfloat16_in_onednn_is_told_so(monkeypatch):
    monkeypatch.setattr("reference_engine.step.choice.can_pack", lambda dtype: False)
    _, sentence = choose_step(as_type(our_model(tiny_config("llama")), torch.bfloat16), kind="cpu")
    assert "packed anew at every step, since oneDNN has no bfloat16 on this machine" in sentence


def test_steps_that_cannot_run_here_are_refused():
    model = our_model(tiny_config("llama"))
    with pytest.raises(
        EngineError, match="no step is called 'fast'; choose auto, readable, cpu, cuda, native or native-int8"
    ):
        choose_step(model, kind="fast")
    elsewhere = as_type(model, torch.float32, device="meta")
    with pytest.raises(EngineError, match="the CPU step needs a model on the CPU, found one on 'meta'"):
        choose_step(elsewhere, kind="cpu")
    assert choose_step(elsewhere)[1].startswith("readable step on meta")


@pytest.fixture(scope="module")
def smollm2() -> Model:
    try:
        return load_model("smollm2")
    except ModelError:
        pytest.skip("SmolLM2 is not fetched: pasta model fetch")


@needs_packing
def test_the_real_model_in_bfloat16_picks_what_float32_picks_or_what_it_likes_as_much(smollm2):
    tokenizer, narrow = load_tokenizer("smollm2"), as_type(smollm2, torch.bfloat16)
    lines = (Path(__file__).parents[2] / "examples" / "answers.jsonl").read_text("utf-8").splitlines()
    answers = [tokenizer.encode(json.loads(line)["output"])[:128] for line in lines[:3]]
    step = CpuStep(narrow)
    exact = torch.cat([fed_logits(partial(readable_step, smollm2), smollm2, answer, chunk=128) for answer in answers])
    ours = torch.cat([fed_logits(step, narrow, answer, chunk=16) for answer in answers])
    picked = ours.argmax(dim=-1)
    lost = exact.amax(dim=-1) - exact.gather(1, picked[:, None])[:, 0]
    assert lost.max() < 0.2  # of logits that spread over 40
    # 99.3 % of 13,382 tokens of AlpacaEval answers, 98.8 % of the 3,966 tokens of these examples
    assert (picked == exact.argmax(dim=-1)).float().mean() > 0.98
    assert (ours - exact).abs().mean() < 0.1


@given(st.lists(st.tuples(st.integers(0, 5 << 20), st.integers(0, 5 << 20)), max_size=4))
@settings(max_examples=20, deadline=None)
def test_huge_pages_are_asked_for_and_no_number_changes(pieces):
    """At most the pages that the pieces touch are granted; an address where nothing lies is none of them."""
    weights = torch.arange(10 << 18, dtype=torch.int32)  # 10 MiB
    asked = [Memory(weights.data_ptr() + offset, num_bytes) for offset, num_bytes in pieces]
    granted = into_huge_pages([*asked, Memory(PAGE_BYTES, 100)])
    assert 0 <= granted <= sum(num_bytes // PAGE_BYTES + 2 for _, num_bytes in pieces)
    assert torch.equal(weights, torch.arange(10 << 18, dtype=torch.int32))


def test_the_memory_of_a_layer_is_that_of_its_weights():
    weight = torch.ones(64, 32, dtype=torch.float32)
    assert PlainLinear(weight).memory == (weight.data_ptr(), weight.nbytes)


@needs_packing
def test_the_memory_of_a_packed_layer_holds_at_least_its_weights():
    memory = PackedLinear(torch.ones(64, 32, dtype=torch.bfloat16)).memory
    assert memory.num_bytes >= 64 * 32 * 2
    assert memory.address > 0
