"""The CPU step equals the readable one: every family, both types, both ways of attention, steps of any form."""

from dataclasses import replace
from functools import cache, partial

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from reference_engine.errors import EngineError
from reference_engine.pool.storage import KvStorage
from reference_engine.step.cpu_step import CpuStep
from reference_engine.step.readable import readable_step
from tests.support.cpu_steps import NUM_SLOTS, as_type, copied_run, logits_of, scattered_run, step_sizes
from tests.support.engine_models import FAMILIES, our_model, tiny_config

SEEDS = st.integers(0, 2**31)
FEW = settings(max_examples=6)

EXACT = 2e-4  # float32: logits up to 40, whose sums run in another order
LEAST_AGREEMENT = 0.95  # of argmaxes over 97 random tokens


@cache
def model_and_step(family, dtype):
    model = as_type(our_model(tiny_config(family)), dtype)
    return model, CpuStep(model)


@pytest.mark.parametrize("make_run", [scattered_run, copied_run])
@pytest.mark.parametrize("family", FAMILIES)
@given(sizes=step_sizes, seed=SEEDS)
@FEW
def test_logits_and_pool_equal_the_readable_steps_in_float32(family, make_run, sizes, seed):
    model, step = model_and_step(family, torch.float32)
    run = make_run(sizes, seed)
    logits, entries = logits_of(step, model, run)
    expected, expected_entries = logits_of(partial(readable_step, model), model, run)
    assert logits.dtype == torch.float32
    torch.testing.assert_close(logits, expected, atol=EXACT, rtol=0)
    torch.testing.assert_close(entries, expected_entries, atol=EXACT, rtol=0)


@pytest.mark.parametrize("make_run", [scattered_run, copied_run])
@pytest.mark.parametrize("family", FAMILIES)
def test_bfloat16_is_nearer_to_float32_than_the_readable_step_is(family, make_run):
    model, step = model_and_step(family, torch.bfloat16)
    wide, _ = model_and_step(family, torch.float32)
    runs = [make_run([[5, 3], [1] * 6, [4], [1, 2, 3], [1, 1], [1] * 5], seed) for seed in range(4)]
    ours = torch.cat([logits_of(step, model, run)[0] for run in runs])
    readable = torch.cat([logits_of(partial(readable_step, model), model, run)[0] for run in runs])
    exact = torch.cat([logits_of(partial(readable_step, wide), wide, run)[0] for run in runs])
    assert (ours - exact).abs().mean() < (readable - exact).abs().mean()
    assert (ours.argmax(-1) == exact.argmax(-1)).float().mean() > LEAST_AGREEMENT


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_the_same_steps_give_the_same_bytes(dtype):
    model, step = model_and_step("llama", dtype)
    run = scattered_run([[5, 3], [1] * 6, [1, 2]], 1)
    first, again = logits_of(step, model, run), logits_of(step, model, run)
    assert torch.equal(first[0], again[0])
    assert torch.equal(first[1], again[1])


def test_logits_may_be_written_to_outside_inference_mode():
    for dtype in (torch.float32, torch.bfloat16):
        model, step = model_and_step("llama", dtype)
        storage = KvStorage.allocate(model.config, NUM_SLOTS, dtype=dtype)
        logits = step(storage, scattered_run([[2]], 3).steps[0])
        assert logits.fill_(1.0).eq(1.0).all()


def test_a_step_that_nobody_decodes_in_has_no_logits():
    model, step = model_and_step("llama", torch.bfloat16)
    batch = replace(scattered_run([[4]], 1).steps[0], outputs=torch.zeros(0, dtype=torch.int64))
    storage = KvStorage.allocate(model.config, NUM_SLOTS, dtype=torch.bfloat16)
    assert step(storage, batch).shape == (0, model.config.vocabulary_size)
    assert storage.entries[:, batch.slots].abs().amax(dim=(0, 2, 3)).min() > 0


def test_a_pool_of_another_type_is_refused():
    model, step = model_and_step("llama", torch.bfloat16)
    storage = KvStorage.allocate(model.config, NUM_SLOTS, dtype=torch.float32)
    with pytest.raises(EngineError, match=r"a KV pool of torch\.float32 does not fit a model of torch\.bfloat16"):
        step(storage, scattered_run([[1]], 1).steps[0])
    assert not storage.entries.any()
