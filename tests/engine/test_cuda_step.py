"""The CUDA step against the readable step, for every family: on a GPU, or in Triton's interpreter."""

from dataclasses import replace

import pytest
import torch

from grammar import parse
from pasta_toolkit.runtime import KV_LAYOUTS
from reference_engine import Engine, EngineOptions, Job
from reference_engine.errors import EngineError
from reference_engine.forced import forced_answer
from reference_engine.model import random_model
from reference_engine.pool.storage import KvStorage
from reference_engine.step.batch import StepBatch
from tests.support.cuda_batches import random_steps, to_device
from tests.support.cuda_device import DEVICE
from tests.support.cuda_models import NUM_SLOTS, oracle, run, tiny_model
from tests.support.engine_models import FAMILIES, tiny_config
from tests.support.engine_runs import KeepingDecoder
from tests.support.engine_serial import byte_tokens

pytest.importorskip("triton", reason="triton is not installed")

from reference_engine.step import cuda_step
from reference_engine.step.cuda_step import CudaStep

DOCUMENT = '<promise topic="a" tokens="10"/><promise topic="b" tokens="10"/><async>x</async><async>yz</async><sync/>.'
TOLERANCE = 5e-5  # float32: logits of about 3, summed in other orders; 1.2e-5 is the largest seen
SIZES = ((3, 1), (1, 1))  # rows of each lane: a prefill or jump-forward beside a thread, then two threads


def first_step(lane_rows: tuple[int, ...]) -> StepBatch:
    """Return a step into an empty pool."""
    generator = torch.Generator().manual_seed(0)
    (batch,) = random_steps([lane_rows], num_slots=NUM_SLOTS, vocabulary=97, generator=generator)
    return to_device(batch, DEVICE)


@pytest.mark.parametrize("family", FAMILIES)
def test_cuda_step_equals_the_readable_step_for_every_family(family: str) -> None:
    model = tiny_model(family)
    ours, our_pool = run(CudaStep(model), model, SIZES)
    theirs, their_pool = run(oracle(model), model, SIZES)
    assert ours.dtype is torch.float32
    assert ours.shape == theirs.shape == (4, model.config.vocabulary_size)
    assert float((ours - theirs).abs().max()) <= TOLERANCE
    assert float((our_pool - their_pool).abs().max()) <= TOLERANCE


def test_cuda_step_in_bfloat16_is_as_near_to_float32_as_the_readable_step() -> None:
    """Both round after each operator, not after the same ones: ours may not be much the worse."""
    model = tiny_model("gemma3", stored=torch.bfloat16)
    exact, _ = run(oracle(wide := tiny_model("gemma3", stored=torch.bfloat16, dtype=torch.float32)), wide, SIZES)
    ours, theirs = (
        float((run(step, model, SIZES)[0] - exact).square().mean().sqrt()) for step in (CudaStep(model), oracle(model))
    )
    assert 0 < ours <= 1.5 * theirs


@pytest.mark.parametrize("layout", KV_LAYOUTS)
def test_an_engine_decodes_with_it_in_every_layout(layout: str) -> None:
    """Threads with rows of their own are read where they lie, like all others: who sees what says the step."""
    model = tiny_model("llama")
    options = EngineOptions(layout=layout, num_slots=3 * 192, row_slots=192)
    answer = forced_answer(parse(DOCUMENT), lambda text: byte_tokens(text, 97))
    kept = []
    for step in (CudaStep(model), oracle(model)):
        decoder = KeepingDecoder((3, 4, 5), answer)
        (recording,) = Engine(model, options=options, step=(step, "")).decode([Job("a", decoder)])
        assert recording.error is None
        kept.append(decoder.kept)
    assert len(kept[0]) == sum(thread.num_lanes for thread in answer.script.threads)
    for (thread, known, ours), (other_thread, other_known, theirs) in zip(*kept, strict=True):
        assert (thread, known) == (other_thread, other_known)
        assert float((ours - theirs).abs().max()) <= TOLERANCE


def test_step_without_outputs_feeds_its_tokens_and_returns_no_logits() -> None:
    model = tiny_model("llama")
    storage = KvStorage.allocate(model.config, NUM_SLOTS, dtype=model.dtype, device=DEVICE)
    batch = replace(first_step((2,)), outputs=torch.zeros(0, dtype=torch.int64, device=DEVICE))
    assert CudaStep(model)(storage, batch).shape == (0, 97)
    assert storage.entries[:, batch.slots].abs().sum(dim=(2, 3)).all()


def test_pool_of_another_type_than_the_model_is_refused() -> None:
    model = tiny_model("llama")
    storage = KvStorage.allocate(model.config, NUM_SLOTS, dtype=torch.bfloat16, device=DEVICE)
    with pytest.raises(EngineError, match=r"a KV pool of torch\.bfloat16 does not fit a model of torch\.float32"):
        CudaStep(model)(storage, first_step((1,)))


def test_model_on_the_cpu_is_refused_unless_the_interpreter_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cuda_step, "is_interpreted", lambda: False)
    model = random_model(tiny_config("llama"), generator=torch.Generator().manual_seed(0))
    with pytest.raises(EngineError, match="needs a model on a CUDA device, found one on 'cpu'"):
        CudaStep(model)
