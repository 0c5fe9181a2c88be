"""Rotates queries and keys to their positions. Knows frequencies and angles, no layers and no caches.

The two halves of a head are the coordinates of its pairs, as Hugging Face's files have them: number i turns with number
i + head_dim / 2. (GGUF's Llama files interleave the pairs; the loader undoes that.)
Source: Su et al., RoFormer (arXiv 2104.09864), equation 34.
"""

import math
from dataclasses import dataclass

import torch

from reference_engine.model.config import ModelConfig, RopeScaling

__all__ = ["Rotation", "inverse_frequencies"]


@dataclass(frozen=True, slots=True)
class Rotation:
    """The angles of the tokens of a step."""

    cosine: torch.Tensor  # (rows, 1, head_dim)
    sine: torch.Tensor  # (rows, 1, head_dim)

    @classmethod
    def at(
        cls,
        config: ModelConfig,
        positions: torch.Tensor,
        *,
        is_sliding: bool = False,
        dtype: torch.dtype = torch.float32,
    ) -> "Rotation":
        """Return the rotation of tokens at positions (rows,) in a layer that slides, or does not.

        Angles are computed in float32, whatever `dtype` the rotation is then applied in.
        """
        frequencies = inverse_frequencies(config, is_sliding=is_sliding).to(positions.device)
        angles = positions[:, None].float() * frequencies
        angles = torch.cat((angles, angles), dim=-1)[:, None]
        return cls(angles.cos().to(dtype), angles.sin().to(dtype))

    def apply(self, heads: torch.Tensor) -> torch.Tensor:
        """Rotate heads (rows, heads, head_dim)."""
        first, second = heads.chunk(2, dim=-1)
        return heads * self.cosine + torch.cat((-second, first), dim=-1) * self.sine


def inverse_frequencies(config: ModelConfig, *, is_sliding: bool = False) -> torch.Tensor:
    """Return radians per position of each pair: (head_dim / 2,) float32, scaled as the layer's kind asks."""
    if is_sliding and config.sliding_rope_theta is not None:
        return _unscaled(config.sliding_rope_theta, config.head_dim)
    frequencies = _unscaled(config.rope_theta, config.head_dim)
    return frequencies if config.rope_scaling is None else _scaled(frequencies, config.rope_scaling)


def _unscaled(theta: float, head_dim: int) -> torch.Tensor:
    return 1 / theta ** (torch.arange(0, head_dim, 2, dtype=torch.int64).float() / head_dim)


def _scaled(frequencies: torch.Tensor, scaling: RopeScaling) -> torch.Tensor:
    if scaling.kind == "linear":
        return frequencies / scaling.factor
    turns = scaling.original_positions * frequencies / (2 * math.pi)  # of each pair over the trained length
    low, high = scaling.low_frequency_factor, scaling.high_frequency_factor
    share_kept = ((turns - low) / (high - low)).clamp(0, 1)
    return frequencies * share_kept + frequencies / scaling.factor * (1 - share_kept)
