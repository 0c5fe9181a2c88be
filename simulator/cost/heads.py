"""The attention heads that one device holds. Knows no time."""

from dataclasses import dataclass

from pasta_toolkit.specs import ModelSpec

__all__ = ["Heads"]


@dataclass(frozen=True, slots=True, order=True)
class Heads:
    """The head counts, the head size and the bytes of a cached number that an attention kernel works with."""

    num_query_heads: int
    num_kv_heads: int
    head_size: int
    kv_bytes: float = 2

    @staticmethod
    def of(model: ModelSpec, tensor_parallel: int = 1) -> "Heads":
        """Return the share of one device."""
        query_heads = model.num_query_heads // tensor_parallel
        return Heads(query_heads, model.kv_heads_per_device(tensor_parallel), model.head_size, model.kv_bytes)

    @property
    def group_size(self) -> float:
        """Return the query heads that share a kv head."""
        return self.num_query_heads / self.num_kv_heads

    @property
    def token_bytes(self) -> float:
        """Return the bytes of one token in the KV cache of one layer."""
        return 2 * self.num_kv_heads * self.head_size * self.kv_bytes
