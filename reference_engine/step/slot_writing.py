"""Writes the keys and values of a step's rows into their slots on the CPU, layer by layer. Chooses no slot."""

from dataclasses import dataclass

import torch

from reference_engine.pool.storage import KvStorage

__all__ = ["SlotWriter"]


@dataclass(frozen=True, slots=True, eq=False)
class SlotWriter:
    """Where a step writes. Slots that follow each other are a slice, which takes a plain copy."""

    targets: tuple[
        torch.Tensor, ...
    ]  # a layer: the slots (rows, 2 * kv_heads, head_dim), or all where they are scattered
    slots: torch.Tensor | None  # (rows,) int64 where they are scattered

    @classmethod
    def of(cls, storage: KvStorage, slots: torch.Tensor) -> "SlotWriter":
        """Return the writer of a step that fills some slots (rows,)."""
        numbers = slots.tolist()
        first, end = numbers[0], numbers[0] + len(numbers)
        if numbers == list(range(first, end)):
            return cls(storage.entries[:, first:end].unbind(), None)
        return cls(storage.entries.unbind(), slots)

    def write(self, layer: int, entries: torch.Tensor) -> None:
        """Write the keys and values of all rows (rows, 2 * kv_heads, head_dim) of a layer."""
        if self.slots is None:
            self.targets[layer].copy_(entries)
        else:
            self.targets[layer].index_copy_(0, self.slots, entries)
