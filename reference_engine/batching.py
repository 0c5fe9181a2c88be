"""Turns the lanes of a step into its tensors: chooses slots, feeds tokens, fills in who sees what. Runs no model."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from pasta_toolkit.runtime import Lane
from reference_engine.pool import KvPool, Line
from reference_engine.step.batch import CacheRows, StepBatch
from reference_engine.threads import EngineRequest, EngineThread, FedToken

__all__ = ["FedLane", "feed_lane", "step_batch"]


@dataclass(frozen=True, slots=True, eq=False)
class FedLane:
    """What one lane feeds, row by row, and what each row sees."""

    line: Line
    tokens: list[int]
    positions: NDArray[np.int64]
    slots: NDArray[np.int64]
    seen: NDArray[np.bool_]  # (rows, slots of the pool)
    decodes: bool


def feed_lane(pool: KvPool, request: EngineRequest, lane: Lane) -> FedLane:
    """Give the tokens of a lane their slots and note that they are fed; its thread sees all of them afterwards."""
    thread = request.threads[lane.thread]
    line = request.line(thread)
    if lane.copied_tokens and line.prefix is not None:
        pool.copy_prefix(line, line.prefix)
    fed = _next_tokens(request, thread, lane)
    positions = np.array([token.position for token in fed], dtype=np.int64)
    slots = pool.place(line, positions)
    num_refilled = min(len(thread.lost), len(fed))
    seen = _seen_rows(pool, request, thread, line=line, fed=fed, slots=slots, num_refilled=num_refilled)
    thread.fed += fed
    thread.lost = thread.lost[num_refilled:]
    pool.see(line, slots)
    return FedLane(line, [token.token for token in fed], positions, slots, seen, lane.decodes)


def step_batch(pool: KvPool, lanes: Sequence[FedLane]) -> StepBatch:
    """Return the tensors of a step, on the pool's device."""
    device = pool.storage.entries.device
    extent = pool.extent
    rows = [len(lane.tokens) for lane in lanes]
    last_rows = np.cumsum(rows) - 1
    return StepBatch(
        tokens=torch.tensor([token for lane in lanes for token in lane.tokens], device=device),
        positions=torch.from_numpy(np.concatenate([lane.positions for lane in lanes])).to(device),
        slots=torch.from_numpy(np.concatenate([lane.slots for lane in lanes])).to(device),
        visible=torch.from_numpy(np.concatenate([lane.seen[:, :extent] for lane in lanes])).to(device),
        slot_positions=torch.from_numpy(pool.slot_positions[:extent]).to(device),
        outputs=torch.tensor(
            [last for last, lane in zip(last_rows.tolist(), lanes, strict=True) if lane.decodes],
            dtype=torch.int64,
            device=device,
        ),
        lane_rows=tuple(rows),
        cache_rows=_cache_rows(pool, lanes) if pool.copies else None,
    )


def _next_tokens(request: EngineRequest, thread: EngineThread, lane: Lane) -> list[FedToken]:
    """Return what the lane feeds: lost tokens as they were, then new ones, numbered in order."""
    fed = thread.lost[: lane.num_tokens]
    num_new = lane.num_tokens - len(fed)
    new_tokens = thread.tokens[thread.num_fed : thread.num_fed + num_new]
    if len(new_tokens) != num_new:
        raise ValueError(f"thread {thread.index} of {request.name!r} does not know the {num_new} tokens it is to feed")
    first = request.orders.next_order
    request.orders.next_order += num_new
    thread.num_fed += num_new
    return fed + [
        FedToken(token, lane.first_position + place, thread.index, first + place)
        for place, token in enumerate(new_tokens)
    ]


def _seen_rows(
    pool: KvPool,
    request: EngineRequest,
    thread: EngineThread,
    *,
    line: Line,
    fed: Sequence[FedToken],
    slots: NDArray[np.int64],
    num_refilled: int,
) -> NDArray[np.bool_]:
    """Return what each row sees: all that its thread does, and the lane's rows up to itself.

    A refilled token sees less than its thread does now: only what it saw when it was fed first.
    """
    seen = np.repeat(pool.seen[line.index][None], len(fed), axis=0)
    seen[:, slots] = np.tri(len(fed), dtype=np.bool_)
    if not num_refilled:
        return seen
    known = [*zip(thread.fed, line.own_slots, strict=False), *zip(fed, slots.tolist(), strict=True)]
    for row, query in enumerate(fed[:num_refilled]):
        hidden = [slot for key, slot in known if not request.sees(query, key)]
        seen[row, hidden] = False
    return seen


def _cache_rows(pool: KvPool, lanes: Sequence[FedLane]) -> CacheRows:
    holdings = [lane.line.holding for lane in lanes]
    return CacheRows(
        tuple(holding.owned[0] for holding in holdings),
        tuple(holding.num_filled for holding in holdings),
        pool.placement.unit_slots,
    )
