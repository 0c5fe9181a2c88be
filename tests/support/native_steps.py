"""What this machine can run of the native step, and steps larger than those of the other tests."""

import shutil

import pytest
import torch

from reference_engine.errors import EngineError
from reference_engine.native.build import COMPILERS, INSTRUCTION_SETS, instruction_set
from reference_engine.pool.storage import KvStorage
from reference_engine.step.batch import StepBatch
from tests.support.cpu_steps import VOCABULARY, own_causal

__all__ = ["AVAILABLE", "FAMILIES", "large_step", "needs_native", "read_pool"]

FAMILIES = ("llama", "llama3", "llama_biased", "mistral", "qwen2", "qwen3")


def _available() -> tuple[str, ...]:
    names = tuple(INSTRUCTION_SETS)
    try:
        best = instruction_set()
    except EngineError:
        return ()
    return names[names.index(best) :] if any(map(shutil.which, COMPILERS)) else ()


AVAILABLE = _available()  # a processor that has one set has all that follow it
needs_native = pytest.mark.skipif(not AVAILABLE, reason="no compiler, or no processor with AVX2")


def read_pool(config, num_slots: int, *, dtype: torch.dtype, seed: int) -> KvStorage:
    """Return a pool of small random numbers, each of which bfloat16 can hold."""
    storage = KvStorage.allocate(config, num_slots, dtype=dtype)
    drawn = torch.randn(storage.entries.shape, generator=torch.Generator().manual_seed(seed)).bfloat16()
    storage.entries.copy_(drawn)
    return storage


def large_step(lane_rows, *, num_slots: int, seen_share: float, seed: int) -> StepBatch:
    """Return a step of lanes that see a share of a full pool, and their own rows, which lie anywhere in it."""
    generator = torch.Generator().manual_seed(seed)
    num_rows = sum(lane_rows)
    slots = torch.randperm(num_slots, generator=generator)[:num_rows]
    lanes = torch.repeat_interleave(torch.arange(len(lane_rows)), torch.tensor(lane_rows))
    by_lane = torch.rand(len(lane_rows), num_slots, generator=generator) < seen_share
    visible = by_lane[lanes]
    visible[:, slots] = own_causal(lane_rows)
    slot_positions = torch.randint(0, num_slots, (num_slots,), generator=generator)
    return StepBatch(
        tokens=torch.randint(0, VOCABULARY, (num_rows,), generator=generator),
        positions=slot_positions[slots],
        slots=slots,
        visible=visible,
        slot_positions=slot_positions,
        outputs=torch.arange(num_rows),
        lane_rows=tuple(lane_rows),
    )
