"""Steps for the engine's benchmarks: lanes with a common prefix, all at the same context. Runs no model."""

import torch

from reference_engine.model import ModelConfig
from reference_engine.pool.storage import KvStorage
from reference_engine.step.batch import CacheRows, StepBatch

__all__ = ["CONTEXT", "OWN", "copied_step", "filled_pool", "interleaved_step"]

CONTEXT = 256  # tokens that each lane sees, its own new one included
OWN = 32  # of them, those that no other lane sees
SEED = 5


def filled_pool(config: ModelConfig, *, num_slots: int, dtype: torch.dtype) -> KvStorage:
    """Return a pool whose slots hold numbers as large as keys and values are."""
    storage = KvStorage.allocate(config, num_slots, dtype=dtype)
    storage.entries.normal_(generator=torch.Generator().manual_seed(SEED))
    return storage


def interleaved_step(config: ModelConfig, num_lanes: int) -> StepBatch:
    """Return a step of lanes over one pool: the prefix once, then the lanes' own slots in the order of decoding."""
    shared = CONTEXT - OWN
    slots = torch.arange(shared + num_lanes * OWN)
    lanes = torch.arange(num_lanes)
    is_own = (slots - shared) % num_lanes == lanes[:, None]
    return _step(config, slots[-num_lanes:], (slots < shared) | is_own)


def copied_step(config: ModelConfig, num_lanes: int) -> StepBatch:
    """Return a step of lanes with a row of the pool each, the prefix copied into all."""
    slots = torch.arange(num_lanes * CONTEXT)
    rows = torch.arange(num_lanes)
    owned = CacheRows(tuple(range(num_lanes)), (CONTEXT,) * num_lanes, CONTEXT)
    return _step(config, rows * CONTEXT + CONTEXT - 1, slots // CONTEXT == rows[:, None], cache_rows=owned)


def _step(
    config: ModelConfig, slots: torch.Tensor, visible: torch.Tensor, *, cache_rows: CacheRows | None = None
) -> StepBatch:
    num_lanes = len(slots)
    generator = torch.Generator().manual_seed(SEED)
    return StepBatch(
        tokens=torch.randint(0, config.vocabulary_size, (num_lanes,), generator=generator),
        positions=torch.full((num_lanes,), CONTEXT - 1),
        slots=slots,
        visible=visible,
        slot_positions=torch.arange(visible.shape[1]),
        outputs=torch.arange(num_lanes),
        lane_rows=(1,) * num_lanes,
        cache_rows=cache_rows,
    )
