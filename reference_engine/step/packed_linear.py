"""Linear layers for the CPU: packed once for oneDNN where it multiplies the weights' type, plain ones elsewhere.

PyTorch's own `linear` packs bfloat16 weights anew at every call, which takes as long as the product of a few rows.
Knows no layer of a transformer.
"""

from typing import Protocol

import torch
from torch.nn.functional import linear

from reference_engine.step.huge_pages import Memory

__all__ = ["Linear", "PackedLinear", "PlainLinear", "can_pack", "linear_of"]

TYPICAL_ROWS = 16  # ours: the rows that oneDNN chooses its layout for; measured no slower with 1 row than one for 1


class Linear(Protocol):
    """Multiplies rows (rows, in) by weights (out, in)."""

    @property
    def memory(self) -> Memory:
        """Where the weights lie."""

    def __call__(self, rows: torch.Tensor) -> torch.Tensor:
        """Return (rows, out), bias included."""


class PackedLinear:
    """A layer in oneDNN's own layout."""

    __slots__ = ("_bias", "_weight")

    def __init__(self, weight: torch.Tensor, bias: torch.Tensor | None = None) -> None:
        self._weight = torch.ops.mkldnn._reorder_linear_weight(weight, TYPICAL_ROWS)
        self._bias = bias

    @property
    def memory(self) -> Memory:
        """Where the packed weights lie."""
        return Memory(torch.ops.mkldnn.data_ptr(self._weight), torch.ops.mkldnn._nbytes(self._weight))

    def __call__(self, rows: torch.Tensor) -> torch.Tensor:
        """Return (rows, out), bias included."""
        product: torch.Tensor = torch.ops.mkldnn._linear_pointwise.default(
            rows, self._weight, self._bias, "none", [], ""
        )
        return product


class PlainLinear:
    """A layer as PyTorch has it."""

    __slots__ = ("_bias", "_weight")

    def __init__(self, weight: torch.Tensor, bias: torch.Tensor | None = None) -> None:
        self._weight = weight
        self._bias = bias

    @property
    def memory(self) -> Memory:
        """Where the weights lie."""
        return Memory(self._weight.data_ptr(), self._weight.nbytes)

    def __call__(self, rows: torch.Tensor) -> torch.Tensor:
        """Return (rows, out), bias included."""
        return linear(rows, self._weight, self._bias)


def can_pack(dtype: torch.dtype) -> bool:
    """Whether this processor and this build of PyTorch multiply packed weights of a type.

    Only bfloat16 is packed: float32, which is for exactness, would lose with 1 to 3 rows what it gains with more.
    """
    if dtype != torch.bfloat16 or not torch._C._has_mkldnn:
        return False
    has_bfloat16: bool = torch.ops.mkldnn._is_mkldnn_bf16_supported()
    return has_bfloat16


def linear_of(weight: torch.Tensor, bias: torch.Tensor | None = None) -> Linear:
    """Return the faster of the two layers for weights (out, in)."""
    return PackedLinear(weight, bias) if can_pack(weight.dtype) else PlainLinear(weight, bias)
