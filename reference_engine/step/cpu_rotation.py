"""The rotation of a step's queries and keys, laid out so that it takes three operators a layer. Knows no layers.

Heads of queries, keys and values lie side by side; values are turned by no angle, so that one product serves all.
"""

from dataclasses import dataclass

import torch

from reference_engine.model.config import ModelConfig
from reference_engine.model.rotary import inverse_frequencies

__all__ = ["CpuRotation"]


@dataclass(frozen=True, slots=True, eq=False)
class CpuRotation:
    """The factors of all heads of a step's rows: of a number itself, and of the number half a head further."""

    num_heads: int
    straight: torch.Tensor  # (rows, heads + 2 * kv_heads, head_dim)
    first_crossed: torch.Tensor  # (rows, heads + 2 * kv_heads, head_dim / 2): what the second half adds to the first
    second_crossed: torch.Tensor  # (rows, heads + 2 * kv_heads, head_dim / 2): what the first half adds to the second

    @classmethod
    def at(cls, config: ModelConfig, positions: torch.Tensor, *, is_sliding: bool, dtype: torch.dtype) -> "CpuRotation":
        """Return the rotation of tokens at positions (rows,); angles are computed in float32."""
        angles = positions[:, None, None].float() * inverse_frequencies(config, is_sliding=is_sliding)
        cosine, sine = angles.cos(), angles.sin()  # (rows, 1, head_dim / 2)
        turned = (len(positions), config.num_heads + config.num_kv_heads, config.head_dim // 2)
        kept = (len(positions), config.num_kv_heads, config.head_dim // 2)
        cosine = torch.cat((cosine.expand(turned), torch.ones(kept)), dim=1).to(dtype)
        sine = torch.cat((sine.expand(turned), torch.zeros(kept)), dim=1).to(dtype)
        return cls(config.num_heads, torch.cat((cosine, cosine), dim=-1), -sine, sine)

    def apply(self, heads: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Rotate heads (rows, heads + 2 * kv_heads, head_dim).

        Returns queries (rows, heads, head_dim), and keys and values (rows, 2 * kv_heads, head_dim).
        """
        half = heads.shape[-1] // 2
        rotated = heads * self.straight
        first, second = heads.split_with_sizes((half, half), dim=-1)
        rotated_first, rotated_second = rotated.split_with_sizes((half, half), dim=-1)
        rotated_first.addcmul_(second, self.first_crossed)
        rotated_second.addcmul_(first, self.second_crossed)
        query, entries = rotated.split_with_sizes((self.num_heads, heads.shape[1] - self.num_heads), dim=1)
        return query, entries
