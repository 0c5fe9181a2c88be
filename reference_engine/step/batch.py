"""The tensors of one step: which tokens are fed, where they stand, what they see. Knows no threads and no weights."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

import torch

from reference_engine.pool.storage import KvStorage

__all__ = ["CacheRows", "StepBatch", "StepFunction"]


@dataclass(frozen=True, slots=True)
class CacheRows:
    """Where lanes lie when each thread owns a contiguous row of the pool (layout `copied`).

    The pool is then (rows, row_slots); lane i of the step reads and writes row `rows[i]`, of which the first
    `lengths[i]` slots are filled once its own tokens are in.
    """

    rows: tuple[int, ...]
    lengths: tuple[int, ...]
    row_slots: int


@dataclass(frozen=True, slots=True)
class StepBatch:
    """One step as tensors. A row is one fed token; the rows of a lane stand together, in order.

    The keys and values of all rows are written before anything is read, so a row's own slot is among those it sees, and
    within a lane `visible` is causal. Slots at `extent` and behind are seen by nobody in this step.
    """

    tokens: torch.Tensor  # (rows,) int64
    positions: torch.Tensor  # (rows,) int64
    slots: torch.Tensor  # (rows,) int64: where the keys and values go
    visible: torch.Tensor  # (rows, extent) bool
    slot_positions: torch.Tensor  # (extent,) int64: the position that each slot's token has; for sliding windows
    outputs: torch.Tensor  # (outputs,) int64: the rows whose logits are wanted
    lane_rows: tuple[int, ...]  # rows of each lane; their sum is the number of rows
    cache_rows: CacheRows | None = None  # layout `copied` only

    @property
    def extent(self) -> int:
        """Slots that the step can see."""
        return int(self.visible.shape[1])

    @property
    def num_lanes(self) -> int:
        """Lanes of the step."""
        return len(self.lane_rows)


# Feeds a step's tokens into the pool and returns their logits, (outputs, vocabulary) float32.
StepFunction: TypeAlias = Callable[[KvStorage, StepBatch], torch.Tensor]
