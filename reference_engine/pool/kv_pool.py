"""The KV pool of all threads: slots with their keys, values and positions, and lines that say who sees which slot.

A line is kept for each live thread and changed step by step: a fork copies its parent's line, a token fed sets one
place, a join unites two lines. `Orders.sees` is the law behind the lines. Knows no requests and no schedule.
"""

from dataclasses import dataclass, field

import numpy as np
import torch
from numpy.typing import NDArray

from pasta_toolkit.runtime import Copied, KvLayout
from reference_engine.model.config import ModelConfig
from reference_engine.pool.placement import Holding, Placement, placement_for
from reference_engine.pool.storage import KvStorage

__all__ = ["KvPool", "Line"]

FIRST_LINES = 16  # ours: threads that live at once before the table of lines grows


@dataclass(slots=True, eq=False)
class Line:
    """A thread's place in the pool: what it holds, what it sees (a row of the table), its own tokens' slots in order.

    In layout `copied` a line that does not exist yet, of a branch that has fed nothing, is the `prefix` that it will
    copy.
    """

    index: int
    holding: Holding = field(default_factory=Holding)
    own_slots: list[int] = field(default_factory=list)
    prefix: NDArray[np.int64] | None = None


class KvPool:
    """Storage, placement and visibility together. State: which slots are in use, and the lines of live threads."""

    def __init__(
        self,
        config: ModelConfig,
        layout: KvLayout,
        num_slots: int,
        *,
        dtype: torch.dtype = torch.float32,
        device: torch.device | str = "cpu",
    ) -> None:
        self.layout = layout
        self.placement: Placement = placement_for(layout, num_slots)
        self.storage = KvStorage.allocate(config, num_slots, dtype=dtype, device=device)
        self.slot_positions = np.zeros(num_slots, dtype=np.int64)
        self.is_filled = np.zeros(num_slots, dtype=np.bool_)
        self.seen = np.zeros((FIRST_LINES, num_slots), dtype=np.bool_)
        self._free_lines = list(range(FIRST_LINES))[::-1]

    @property
    def num_slots(self) -> int:
        """Slots of the pool."""
        return self.storage.num_slots

    @property
    def num_free(self) -> int:
        """Slots that nobody owns."""
        return self.placement.num_free

    @property
    def extent(self) -> int:
        """One more than the last slot that is filled."""
        filled = self.is_filled.nonzero()[0]
        return int(filled[-1]) + 1 if len(filled) else 0

    def open_line(self) -> Line:
        """Return the line of a new thread, which sees nothing."""
        if not self._free_lines:
            self._grow()
        line = Line(self._free_lines.pop())
        self.seen[line.index] = False
        return line

    def fork(self, parent: Line) -> Line:
        """Return the line of a branch: it sees what its parent sees now."""
        line = self.open_line()
        self.seen[line.index] = self.seen[parent.index]
        if self.copies:
            line.prefix = self.seen[parent.index].nonzero()[0]
        return line

    @property
    def copies(self) -> bool:
        """Whether a branch has a copy of its prefix."""
        return isinstance(self.layout, Copied)

    def copy_prefix(self, line: Line, prefix: NDArray[np.int64]) -> None:
        """Copy what a branch shares into slots of its own, which it sees instead; they are not its own tokens'."""
        targets = self._move(prefix, line)
        self.seen[line.index] = False
        self.seen[line.index, targets] = True
        line.prefix = None

    def place(self, line: Line, positions: NDArray[np.int64]) -> NDArray[np.int64]:
        """Give a thread slots for its next tokens; it sees them from now on."""
        slots = np.array(self.placement.place(line.holding, len(positions)), dtype=np.int64)
        line.own_slots += slots.tolist()
        self.is_filled[slots] = True
        self.slot_positions[slots] = positions
        return slots

    def see(self, line: Line, slots: NDArray[np.int64]) -> None:
        """Let a thread see slots."""
        self.seen[line.index, slots] = True

    def join(self, main: Line, branch: Line) -> None:
        """Let the main thread see a branch's own tokens, and close the branch's line."""
        own = np.array(branch.own_slots, dtype=np.int64)
        if self.placement.join(main.holding, branch.holding):
            own = self._move(own, main)
        main.own_slots += own.tolist()
        self.see(main, own)
        self.close(branch)

    def close(self, line: Line) -> None:
        """Free all that a thread holds."""
        owned = self.owned_slots(line.holding)
        self.is_filled[owned] = False
        self.seen[:, owned] = False
        self.placement.release(line.holding)
        line.own_slots = []
        self._free_lines.append(line.index)

    def erase(self, line: Line) -> None:
        """Overwrite what a thread holds: numbers that are not finite would spoil even those who do not see them."""
        self.storage.entries[:, torch.from_numpy(self.owned_slots(line.holding))] = 0

    def owned_slots(self, holding: Holding) -> NDArray[np.int64]:
        """Return the slots of all units that a thread holds, filled or not."""
        size = self.placement.unit_slots
        units = np.array((*holding.owned, *holding.kept), dtype=np.int64)
        return (units[:, None] * size + np.arange(size)).reshape(-1)

    def _move(self, sources: NDArray[np.int64], line: Line) -> NDArray[np.int64]:
        targets = np.array(self.placement.place(line.holding, len(sources)), dtype=np.int64)
        self.storage.copy(torch.from_numpy(sources), torch.from_numpy(targets))
        self.is_filled[targets] = True
        self.slot_positions[targets] = self.slot_positions[sources]
        return targets

    def _grow(self) -> None:
        lines = len(self.seen)
        self.seen = np.concatenate([self.seen, np.zeros_like(self.seen)])
        self._free_lines = list(range(lines, 2 * lines))[::-1]
