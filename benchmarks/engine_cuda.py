"""The CUDA step and its attention on this GPU, beside what PyTorch offers: `python -m benchmarks.engine_cuda --quick`.

A model of SmolLM2-135M's shape with random bfloat16 weights; lanes share half of their context and have the other half
to themselves. Times are the host's clock around repeated calls between two synchronisations. The first rows compare one
layer's attention with `scaled_dot_product_attention` over the whole pool under a float mask, which is the fastest way
without a kernel of our own; the others compare whole steps with the readable step, with the same step without graphs,
with itself at one lane, and the layouts with each other.
"""

import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import torch
from torch.nn.functional import scaled_dot_product_attention

from benchmarks.common import Plan, Row, medians, run_main
from reference_engine.model import Model, ModelConfig, load_model, random_model, save_folder
from reference_engine.pool.storage import KvStorage
from reference_engine.step.batch import StepBatch
from reference_engine.step.readable import readable_step
from tests.support.cuda_batches import lane_slots, lanes_visible, to_device

SMOLLM2 = ModelConfig(
    architecture="llama",
    num_layers=30,
    hidden_size=576,
    num_heads=9,
    num_kv_heads=3,
    head_dim=64,
    intermediate_size=1536,
    vocabulary_size=49_152,
    max_positions=8192,
    norm_epsilon=1e-5,
    rope_theta=100_000.0,
)
NUM_CALLS, NUM_QUICK_CALLS = 100, 20
PAGE = 16
TARGET_PROGRAMS = 264  # twice the processors of an H100; other GPUs are near enough for one layer
MICROSECONDS_PER_S = 1e6


@dataclass(frozen=True, slots=True)
class Case:
    """Lanes that decode one token each, at a context that is half shared and half their own."""

    layout: str
    num_lanes: int
    context: int

    @property
    def name(self) -> str:
        """How the table calls it."""
        return f"{self.layout}, {self.num_lanes} x {self.context}"

    @property
    def num_slots(self) -> int:
        """Slots of a pool that holds the lanes in either layout."""
        return (self.num_lanes + 1) * (self.context // 2 // PAGE + 2) * PAGE

    def batch(self, device: torch.device) -> StepBatch:
        """Return the step."""
        half = self.context // 2
        prefix, lanes = lane_slots(
            self.layout, self.num_lanes, half, num_slots=self.num_slots, num_prefix=self.context - half
        )
        visible = lanes_visible(prefix, lanes, [1] * self.num_lanes)
        rows = torch.arange(self.num_lanes)
        batch = StepBatch(
            tokens=rows,
            positions=torch.full_like(rows, self.context - 1),
            slots=torch.tensor([lane[-1] for lane in lanes]),
            visible=visible,
            slot_positions=torch.zeros(visible.shape[1], dtype=torch.int64),
            outputs=rows,
            lane_rows=(1,) * self.num_lanes,
        )
        return to_device(batch, device)


def benchmark(plan: Plan) -> Iterator[Row]:
    """Compare attention, then steps; refuses where no GPU is."""
    if not torch.cuda.is_available():
        sys.exit("this benchmark measures the CUDA step, and no CUDA device is here; benchmarks/engine.py needs none")
    device = torch.device("cuda")
    widths, contexts = ((1, 16), (512,)) if plan.is_quick else ((1, 4, 16, 64), (256, 2048, 8192))
    cases = [
        Case(layout, lanes, context) for context in contexts for layout in ("paged", "interleaved") for lanes in widths
    ]
    for case in cases:
        yield from attention_rows(case, plan, config=SMOLLM2, device=device)
    model = model_on(device, SMOLLM2)
    for case in cases:
        yield from step_rows(case, plan, model=model)
    for context in contexts:
        yield from comparison_rows(Case("paged", max(widths), context), plan, model=model)


def attention_rows(case: Case, plan: Plan, *, config: ModelConfig, device: torch.device) -> Iterator[Row]:
    """Compare one layer's attention with PyTorch's over the same pool."""
    # Triton is imported behind the refusal above: it comes with PyTorch for CUDA only.
    from reference_engine.step.attention_plan import AttentionPlan  # noqa: PLC0415
    from reference_engine.step.pool_attention import attend_pool  # noqa: PLC0415

    batch = case.batch(device)
    storage = KvStorage.allocate(config, case.num_slots, dtype=torch.bfloat16, device=device)
    storage.entries[0].normal_()
    query = torch.randn(case.num_lanes, config.num_heads, config.head_dim, dtype=torch.bfloat16, device=device)
    attention = AttentionPlan.of(
        batch.visible,
        num_kv_heads=config.num_kv_heads,
        queries_per_kv_head=config.queries_per_kv_head,
        dtype=torch.bfloat16,
        target_programs=TARGET_PROGRAMS,
    )
    hidden = torch.zeros_like(batch.visible, dtype=torch.bfloat16).masked_fill_(~batch.visible, float("-inf"))
    keys, values = (
        part.transpose(0, 1)[None] for part in (storage.keys(0, batch.extent), storage.values(0, batch.extent))
    )
    competitors = {
        "ours": partial(attend_pool, query, storage.entries[0], attention, scale=config.query_scale),
        "sdpa": partial(
            scaled_dot_product_attention, query.transpose(0, 1)[None], keys, values, attn_mask=hidden, enable_gqa=True
        ),
    }
    took = _measured(competitors, plan)
    yield _row(case, "attention", took, peer="sdpa, float mask")


def step_rows(case: Case, plan: Plan, *, model: Model) -> Iterator[Row]:
    """Compare whole steps with the readable step, and with the same step without graphs."""
    from reference_engine.step.cuda_step import CudaStep  # noqa: PLC0415

    batch, storage, step = case.batch(model.device), _storage(case, model), CudaStep(model)
    competitors = {
        "ours": partial(step, storage, batch),
        "readable": partial(readable_step, model, storage, batch),
        "eager": partial(step.run_eagerly, storage, batch),
    }
    took = _measured(competitors, plan)
    yield _row(case, "step", {"ours": took["ours"], "theirs": took["readable"]}, peer="readable step")
    yield _row(case, "step", {"ours": took["ours"], "theirs": took["eager"]}, peer="without graphs")


def comparison_rows(case: Case, plan: Plan, *, model: Model) -> Iterator[Row]:
    """Compare a wide step with a step of one lane, and the layout with the interleaved one."""
    from reference_engine.step.cuda_step import CudaStep  # noqa: PLC0415

    others = {
        "one lane": Case(case.layout, 1, case.context),
        "interleaved": Case("interleaved", case.num_lanes, case.context),
    }
    cases = {"ours": case, **others}
    competitors = {
        name: partial(CudaStep(model), _storage(other, model), other.batch(model.device))
        for name, other in cases.items()
    }
    took = _measured(competitors, plan)
    for name in others:
        yield _row(case, "step", {"ours": took["ours"], "theirs": took[name]}, peer=name)


def model_on(device: torch.device, config: ModelConfig) -> Model:
    """Return a model with random bfloat16 weights on a device."""
    drawn = random_model(config, generator=torch.Generator().manual_seed(0), dtype=torch.bfloat16)
    with tempfile.TemporaryDirectory() as folder:
        save_folder(drawn, Path(folder))
        return load_model(folder, dtype=torch.bfloat16, device=device)


def _storage(case: Case, model: Model) -> KvStorage:
    return KvStorage.allocate(model.config, case.num_slots, dtype=model.dtype, device=model.device)


def _measured(competitors: dict[str, Callable[[], object]], plan: Plan) -> dict[str, float]:
    """Return the median microseconds of a call of each, taken in turn."""
    num_calls = NUM_QUICK_CALLS if plan.is_quick else NUM_CALLS
    measures = {name: partial(_microseconds, call, num_calls) for name, call in competitors.items()}
    return medians(measures, plan)


def _microseconds(call: Callable[[], object], num_calls: int) -> float:
    call()  # what a pause has cooled down is not measured
    torch.cuda.synchronize()
    begin = time.perf_counter()
    for _ in range(num_calls):
        call()
    torch.cuda.synchronize()
    return (time.perf_counter() - begin) / num_calls * MICROSECONDS_PER_S


def _row(case: Case, metric: str, took: dict[str, float], *, peer: str) -> Row:
    ours, theirs = took.values()
    return Row.of(case.name, metric, unit="us", ours=ours, peer=peer, theirs=theirs, is_cost=True)


if __name__ == "__main__":
    run_main(__doc__ or "", benchmark)
