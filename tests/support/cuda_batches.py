"""Steps for tests of the CUDA step: lanes that share a prefix, and steps whose slots lie anywhere."""

from collections.abc import Sequence

import torch

from pasta_toolkit.runtime import Interleaved, KvLayout, Paged
from reference_engine.pool.placement import Holding, placement_for
from reference_engine.step.batch import StepBatch

__all__ = ["LAYOUTS", "PREFIX", "lane_slots", "lanes_visible", "random_steps", "to_device"]

LAYOUTS: dict[str, KvLayout] = {"paged": Paged(16), "interleaved": Interleaved()}
PREFIX = 32  # slots that all lanes see: two whole pages
ADVANCE = 3  # positions from a token to the next, so that windows cut


def lane_slots(
    layout: str, num_lanes: int, num_tokens: int, *, num_slots: int, num_prefix: int = PREFIX
) -> tuple[list[int], list[list[int]]]:
    """Return the slots of the prefix, and of each lane's tokens, which the lanes feed in turn."""
    placement = placement_for(LAYOUTS[layout], num_slots)
    prefix = placement.place(Holding(), num_prefix)
    holdings = [Holding() for _ in range(num_lanes)]
    lanes: list[list[int]] = [[] for _ in holdings]
    for _ in range(num_tokens):
        for lane, holding in zip(lanes, holdings, strict=True):
            lane.extend(placement.place(holding, 1))
    return prefix, lanes


def lanes_visible(prefix: Sequence[int], lanes: Sequence[Sequence[int]], lane_rows: Sequence[int]) -> torch.Tensor:
    """Return what the last rows of each lane see, causally: (rows, extent) bool."""
    extent = max(*prefix, *(slot for lane in lanes for slot in lane)) + 1
    visible = torch.zeros(sum(lane_rows), extent, dtype=torch.bool)
    row = 0
    for lane, num_rows in zip(lanes, lane_rows, strict=True):
        for behind in reversed(range(num_rows)):
            visible[row, [*prefix, *lane[: len(lane) - behind]]] = True
            row += 1
    return visible


def random_steps(
    sizes: Sequence[Sequence[int]], *, num_slots: int, vocabulary: int, generator: torch.Generator
) -> list[StepBatch]:
    """Return steps that feed so many rows of each lane; slots lie anywhere, and each row sees some of those before it.

    The last row of each lane is asked for its logits. Lane i stands i positions ahead of lane 0.
    """
    slots = torch.randperm(num_slots, generator=generator)
    slot_positions = torch.zeros(num_slots, dtype=torch.int64)
    steps, num_fed = [], 0
    for lane_rows in sizes:
        num_rows = sum(lane_rows)
        own = slots[num_fed : num_fed + num_rows]
        positions = ADVANCE * num_fed + torch.cat([lane + torch.arange(rows) for lane, rows in enumerate(lane_rows)])
        slot_positions[own] = positions
        visible = torch.zeros(num_rows, num_slots, dtype=torch.bool)
        visible[:, slots[:num_fed]] = torch.rand(num_rows, num_fed, generator=generator) < 0.8
        lane_of_row = torch.repeat_interleave(torch.arange(len(lane_rows)), torch.tensor(lane_rows))
        visible[:, own] = (lane_of_row[:, None] == lane_of_row) & torch.ones(num_rows, num_rows).tril().bool()
        num_fed += num_rows
        extent = int(slots[:num_fed].max()) + 1
        steps.append(
            StepBatch(
                tokens=torch.randint(0, vocabulary, (num_rows,), generator=generator),
                positions=positions,
                slots=own,
                visible=visible[:, :extent].contiguous(),
                slot_positions=slot_positions[:extent].clone(),
                outputs=torch.tensor(lane_rows).cumsum(0) - 1,
                lane_rows=tuple(lane_rows),
            )
        )
    return steps


def to_device(batch: StepBatch, device: torch.device) -> StepBatch:
    """Return a step with its tensors on a device."""
    return StepBatch(
        tokens=batch.tokens.to(device),
        positions=batch.positions.to(device),
        slots=batch.slots.to(device),
        visible=batch.visible.to(device),
        slot_positions=batch.slot_positions.to(device),
        outputs=batch.outputs.to(device),
        lane_rows=batch.lane_rows,
    )
