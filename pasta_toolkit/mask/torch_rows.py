"""Applies sets of tokens to torch tensors, on any device. The only file of the mask's core that knows torch.

On the CPU a float row is handed to the compiled loops without a copy. Elsewhere each set is moved to the device when it
is first needed, as one truth value a token, and kept there.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pasta_toolkit.mask.token_set import TokenSet

__all__ = ["apply_set", "apply_to_tensor", "as_numpy"]


def as_numpy(tensor: Any) -> Any:
    """Return a numpy view of a tensor's own memory, or None where numpy has no such view."""
    if tensor.device.type != "cpu" or str(tensor.dtype) not in {"torch.float32", "torch.float64"}:
        return None
    return tensor.detach().numpy()


def apply_set(legal: TokenSet, logits: Any) -> None:
    """Apply one set to one row, in place."""
    view = as_numpy(logits)
    if view is not None:
        legal.apply(view)
        return
    if tuple(logits.shape) != (legal.num_logits,):
        raise ValueError(f"a row of {legal.num_logits} logits is needed, found the shape {tuple(logits.shape)}")
    logits.masked_fill_(_forbidden_on(legal, logits.device), float("-inf"))


def _forbidden_on(legal: TokenSet, device: Any) -> Any:
    import torch  # noqa: PLC0415

    key = str(device)
    if key not in legal.on_device:
        legal.on_device[key] = torch.from_numpy(~legal.is_legal).to(device)
    return legal.on_device[key]


def apply_to_tensor(sets: Sequence[TokenSet], logits: Any, rows: NDArray[np.integer[Any]]) -> bool:
    """Apply set `rows[i]` to line i of a tensor, in place; return False where numpy can view it and do it faster.

    Only the sets that occur are moved to the device.
    """
    import torch  # noqa: PLC0415

    if as_numpy(logits) is not None:
        return False
    distinct, lines = np.unique(rows, return_inverse=True)
    forbidden = torch.stack([_forbidden_on(sets[row], logits.device) for row in distinct.tolist()])  # (sets, logits)
    logits.masked_fill_(forbidden[torch.from_numpy(lines).to(logits.device)], float("-inf"))
    return True
