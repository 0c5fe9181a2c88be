"""Padding to the sizes of graphs, which runs anywhere; and the graphs themselves, which need a GPU."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from reference_engine.pool.storage import KvStorage
from reference_engine.step.batch import StepBatch
from tests.support.cuda_batches import random_steps, to_device
from tests.support.cuda_device import DEVICE, needs_cuda
from tests.support.cuda_models import NUM_SLOTS, oracle, run, tiny_model
from tests.support.engine_models import FAMILIES

pytest.importorskip("triton", reason="triton is not installed")

from reference_engine.step.cuda_step import CudaStep
from reference_engine.step.graph_step import StepSize, allocate_buffers, fill_buffers

TOLERANCE = 5e-5  # float32, as in the test of the step without graphs
SIZES = ((5, 1, 3), (1, 1), (2,), (1, 1, 1), (1,), (1, 1))


def steps_of(sizes: list[tuple[int, ...]]) -> list[StepBatch]:
    """Return random steps on the device."""
    steps = random_steps(sizes, num_slots=NUM_SLOTS, vocabulary=97, generator=torch.Generator().manual_seed(6))
    return [to_device(batch, DEVICE) for batch in steps]


@given(num_rows=st.integers(1, 64), extent=st.integers(1, 5000), num_slots=st.integers(1, 5000))
def test_size_is_the_least_power_of_two_that_holds_the_step(num_rows: int, extent: int, num_slots: int) -> None:
    extent = min(extent, num_slots)
    visible = torch.ones(num_rows, extent, dtype=torch.bool)
    rows = torch.zeros(num_rows, dtype=torch.int64)
    batch = StepBatch(rows, rows, rows, visible, torch.zeros(extent, dtype=torch.int64), rows, (num_rows,))
    size = StepSize.of(batch, num_slots=num_slots)
    assert size.rows in {1, 2, 4, 8, 16, 32, 64}
    assert num_rows <= size.rows < 2 * num_rows
    assert extent <= size.extent <= min(num_slots, max(256, 2 * extent - 1))
    assert size.extent == num_slots or size.extent & (size.extent - 1) == 0


def test_padded_step_does_what_the_step_does_and_nothing_else() -> None:
    """Buffers are used again and again: what a step that saw more has left in them must not show."""
    model = tiny_model("gemma2")
    step = CudaStep(model)
    buffers = allocate_buffers(StepSize(4, NUM_SLOTS), DEVICE)
    pools = [KvStorage.allocate(model.config, NUM_SLOTS, dtype=model.dtype, device=DEVICE) for _ in range(2)]
    for batch in steps_of([(2, 1), (1,)]):
        buffers.visible.fill_(True)
        fill_buffers(buffers, batch)
        padded = step.run_eagerly(pools[0], buffers)[: len(batch.outputs)]
        assert float((padded - step.run_eagerly(pools[1], batch)).abs().max()) <= TOLERANCE
    assert float((pools[0].entries - pools[1].entries).abs().max()) <= TOLERANCE


def test_buffers_made_in_inference_mode_may_be_filled_outside() -> None:
    (batch,) = steps_of([(3,)])
    with torch.inference_mode():
        buffers = allocate_buffers(StepSize(4, NUM_SLOTS), DEVICE)
        fill_buffers(buffers, batch)
    fill_buffers(buffers, batch)
    assert buffers.tokens.tolist() == [*batch.tokens.tolist(), int(batch.tokens[0])]


@needs_cuda
@pytest.mark.parametrize("family", FAMILIES)
def test_graphs_equal_the_readable_step_for_every_family(family: str) -> None:
    model = tiny_model(family)
    ours, our_pool = run(CudaStep(model), model, SIZES)
    theirs, their_pool = run(oracle(model), model, SIZES)
    assert float((ours - theirs).abs().max()) <= TOLERANCE
    assert float((our_pool - their_pool).abs().max()) <= TOLERANCE


@needs_cuda
def test_one_graph_is_captured_for_each_size_and_replayed_afterwards() -> None:
    model = tiny_model("llama")
    step = CudaStep(model)
    assert step._graphs is not None
    run(step, model, SIZES)  # 9, 2, 2, 3, 1 and 2 rows
    assert {size.rows for size in step._graphs._graphs} == {16, 2, 4, 1}


@needs_cuda
def test_logits_outlive_the_next_replay() -> None:
    model = tiny_model("llama")
    step = CudaStep(model)
    storage = KvStorage.allocate(model.config, NUM_SLOTS, dtype=model.dtype, device=DEVICE)
    first, second = steps_of([(1,), (1,)])
    logits = step(storage, first)
    kept = logits.clone()
    step(storage, second)
    assert torch.equal(logits, kept)


@needs_cuda
def test_another_pool_gets_graphs_of_its_own() -> None:
    model = tiny_model("llama")
    step = CudaStep(model)
    first, first_pool = run(step, model, SIZES)
    second, second_pool = run(step, model, SIZES)
    assert float((first - second).abs().max()) <= TOLERANCE
    assert float((first_pool - second_pool).abs().max()) <= TOLERANCE


@needs_cuda
def test_graphs_captured_in_inference_mode_run_outside_and_the_other_way_round() -> None:
    model = tiny_model("llama")
    step = CudaStep(model)
    storage = KvStorage.allocate(model.config, NUM_SLOTS, dtype=model.dtype, device=DEVICE)
    (batch,) = steps_of([(1,)])
    with torch.inference_mode():
        inside = step(storage, batch)
    assert torch.equal(inside, step(storage, batch))


@needs_cuda
def test_prefill_of_more_rows_than_a_graph_takes_equals_the_readable_step() -> None:
    model = tiny_model("gemma3")
    sizes = ((70,), (1,))
    ours, _ = run(CudaStep(model), model, sizes)
    theirs, _ = run(oracle(model), model, sizes)
    assert float((ours - theirs).abs().max()) <= TOLERANCE


@needs_cuda
def test_bfloat16_agrees_with_float32_on_nearly_all_tokens() -> None:
    model = tiny_model("llama", stored=torch.bfloat16)
    wide = tiny_model("llama", stored=torch.bfloat16, dtype=torch.float32)
    sizes = ((1,) * 8,) * 16
    ours, _ = run(CudaStep(model), model, sizes)
    theirs, _ = run(oracle(wide), wide, sizes)
    agreement = (ours.argmax(dim=1) == theirs.argmax(dim=1)).float().mean()
    assert float(agreement) >= 0.99
    assert not torch.equal(ours, theirs)
