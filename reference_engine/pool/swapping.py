"""Moves what a request holds out of the pool into the host's memory, and back to other slots. Knows no schedule."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from reference_engine.pool.kv_pool import KvPool, Line
from reference_engine.pool.placement import Holding

__all__ = ["Swapped", "swap_in", "swap_out"]


@dataclass(frozen=True, slots=True, eq=False)
class Swapped:
    """All slots that some lines held: their content, and who of the lines saw which of them."""

    slots: NDArray[np.int64]  # (held,): where they were
    entries: torch.Tensor  # (layers, held, 2 * kv_heads, head_dim), on the CPU
    positions: NDArray[np.int64]  # (held,)
    is_filled: NDArray[np.bool_]  # (held,)
    seen: NDArray[np.bool_]  # (lines, held)


def swap_out(pool: KvPool, lines: Sequence[Line]) -> Swapped:
    """Save what the lines hold and free their slots; holdings and own slots go on saying where everything was."""
    slots = np.concatenate([pool.owned_slots(line.holding) for line in lines])
    swapped = Swapped(
        slots,
        pool.storage.entries[:, torch.from_numpy(slots)].cpu(),
        pool.slot_positions[slots],
        pool.is_filled[slots],
        pool.seen[np.ix_(np.array([line.index for line in lines]), slots)],
    )
    pool.is_filled[slots] = False
    pool.seen[:, slots] = False
    for line in lines:
        freed = Holding(list(line.holding.owned), list(line.holding.kept))
        pool.placement.release(freed)
    return swapped


def swap_in(pool: KvPool, lines: Sequence[Line], swapped: Swapped) -> None:
    """Put everything back, each unit where there is room.

    Raises:
        PoolError: there is none; the budget of the runtime sees to it that this does not happen.
    """
    for line in lines:
        line.holding.owned = pool.placement.take(len(line.holding.owned))
        line.holding.kept = pool.placement.take(len(line.holding.kept))
    slots = np.concatenate([pool.owned_slots(line.holding) for line in lines])
    pool.storage.entries[:, torch.from_numpy(slots)] = swapped.entries.to(pool.storage.entries.device)
    pool.slot_positions[slots] = swapped.positions
    pool.is_filled[slots] = swapped.is_filled
    moved = dict(zip(swapped.slots.tolist(), slots.tolist(), strict=True))
    for line, seen in zip(lines, swapped.seen, strict=True):
        pool.seen[line.index, slots] = seen
        line.own_slots = [moved[slot] for slot in line.own_slots]
        if line.prefix is not None:
            line.prefix = np.array([moved[slot] for slot in line.prefix.tolist()], dtype=np.int64)
