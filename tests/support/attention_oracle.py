"""Attention over a pool in float64, written as the formula stands. Shares no code with what it judges."""

import torch

__all__ = ["plain_attention"]


def plain_attention(
    query: torch.Tensor, entries: torch.Tensor, visible: torch.Tensor, *, scale: float, softcap: float | None
) -> torch.Tensor:
    """Return (rows, heads, head_dim) float64 from queries of that shape and a pool (slots, 2 * kv_heads, head_dim).

    A row of `visible` (rows, extent) that is all False gives 0.
    """
    num_heads, num_kv_heads, extent = query.shape[1], entries.shape[1] // 2, visible.shape[1]
    gathered = torch.zeros_like(query, dtype=torch.float64)
    for head in range(num_heads):
        kv_head = head * num_kv_heads // num_heads
        keys, values = (entries[:extent, place].double() for place in (kv_head, num_kv_heads + kv_head))
        scores = query[:, head].double() @ keys.T * scale
        if softcap is not None:
            scores = softcap * torch.tanh(scores / softcap)
        weights = torch.where(visible, scores.exp(), 0.0)
        sums = weights.sum(dim=1, keepdim=True)
        gathered[:, head] = weights @ values / torch.where(sums > 0, sums, 1.0)
    return gathered
