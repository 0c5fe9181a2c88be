"""The memory of the KV pool: keys and values of all threads, slot by slot. Knows neither threads nor who sees what."""

from dataclasses import dataclass

import torch

from reference_engine.errors import PoolError
from reference_engine.model.config import ModelConfig

__all__ = ["KvStorage"]

KEYS_AND_VALUES = 2


@dataclass(frozen=True, slots=True)
class KvStorage:
    """One tensor for all layers; a slot holds one token's keys and values, keys first, side by side.

    Keys are stored rotated to the positions of their tokens, so that slots may lie anywhere.
    """

    entries: torch.Tensor  # (layers, slots, 2 * kv_heads, head_dim)

    @classmethod
    def allocate(
        cls, config: ModelConfig, num_slots: int, *, dtype: torch.dtype, device: torch.device | str = "cpu"
    ) -> "KvStorage":
        """Allocate a pool of zeros; `num_bytes` says how large it is.

        Raises:
            PoolError: no slots are asked for, or more than the memory has.
        """
        if num_slots < 1:
            raise PoolError(f"a KV pool has at least 1 slot, found {num_slots}")
        shape = (config.num_layers, num_slots, KEYS_AND_VALUES * config.num_kv_heads, config.head_dim)
        try:
            return cls(torch.zeros(shape, dtype=dtype, device=device))
        except RuntimeError as error:  # torch's own error for memory that is not there, on CPU and CUDA alike
            size = cls.bytes_needed(config, num_slots, dtype=dtype)
            raise PoolError(
                f"no memory for a KV pool of {num_slots} slots ({size / 2**30:.1f} GiB): {error}"
            ) from error

    @staticmethod
    def bytes_needed(config: ModelConfig, num_slots: int, *, dtype: torch.dtype) -> int:
        """Return 2 x layers x KV heads x head size x bytes of a number x slots."""
        numbers = KEYS_AND_VALUES * config.num_layers * config.num_kv_heads * config.head_dim * num_slots
        return numbers * dtype.itemsize

    @property
    def num_bytes(self) -> int:
        """Bytes of the pool."""
        return self.entries.numel() * self.entries.element_size()

    @property
    def num_slots(self) -> int:
        """Slots of the pool."""
        return int(self.entries.shape[1])

    @property
    def num_kv_heads(self) -> int:
        """Heads of keys, and as many of values."""
        return int(self.entries.shape[2]) // KEYS_AND_VALUES

    def keys(self, layer: int, extent: int) -> torch.Tensor:
        """Return the keys of the first slots of a layer: (extent, kv_heads, head_dim), a view."""
        return self.entries[layer, :extent, : self.num_kv_heads]

    def values(self, layer: int, extent: int) -> torch.Tensor:
        """Return the values of the first slots of a layer: (extent, kv_heads, head_dim), a view."""
        return self.entries[layer, :extent, self.num_kv_heads :]

    def copy(self, sources: torch.Tensor, targets: torch.Tensor) -> None:
        """Copy slots onto others, in all layers; `sources` and `targets` are (slots,) int64 and share no slot."""
        self.entries[:, targets] = self.entries[:, sources]
