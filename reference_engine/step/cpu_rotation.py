"""The rotation of a step's queries and keys, laid out so that it takes four operators a layer. Knows no layers.

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

    straight: torch.Tensor  # (rows, heads + 2 * kv_heads, head_dim)
    crossed_query: torch.Tensor  # (rows, heads, head_dim)
    crossed_entries: torch.Tensor  # (rows, 2 * kv_heads, head_dim)

    @classmethod
    def at(cls, config: ModelConfig, positions: torch.Tensor, *, is_sliding: bool, dtype: torch.dtype) -> "CpuRotation":
        """Return the rotation of tokens at positions (rows,); angles are computed in float32."""
        angles = positions[:, None, None].float() * inverse_frequencies(config, is_sliding=is_sliding)
        cosine, sine = angles.cos(), angles.sin()  # (rows, 1, head_dim / 2)
        straight, crossed = torch.cat((cosine, cosine), dim=-1), torch.cat((-sine, sine), dim=-1)
        turned = (len(positions), config.num_heads + config.num_kv_heads, config.head_dim)
        kept = (len(positions), config.num_kv_heads, config.head_dim)
        crossed = torch.cat((crossed.expand(turned), torch.zeros(kept)), dim=1).to(dtype)
        return cls(
            torch.cat((straight.expand(turned), torch.ones(kept)), dim=1).to(dtype),
            *crossed.split_with_sizes((config.num_heads, 2 * config.num_kv_heads), dim=1),
        )

    def apply(self, heads: torch.Tensor, *, out: torch.Tensor | None) -> tuple[torch.Tensor, torch.Tensor]:
        """Rotate heads (rows, heads + 2 * kv_heads, head_dim).

        Returns queries (rows, heads, head_dim), and keys and values (rows, 2 * kv_heads, head_dim), these in `out`
        where it is given.
        """
        sizes = (self.crossed_query.shape[1], self.crossed_entries.shape[1])
        query, entries = (heads * self.straight).split_with_sizes(sizes, dim=1)
        swapped_query, swapped_entries = heads.roll(heads.shape[-1] // 2, -1).split_with_sizes(sizes, dim=1)
        return (
            torch.addcmul(query, swapped_query, self.crossed_query),
            torch.addcmul(entries, swapped_entries, self.crossed_entries, out=out),
        )
