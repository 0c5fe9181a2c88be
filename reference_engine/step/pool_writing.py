"""Rotates what a layer has projected and writes keys and values to their slots, in one Triton kernel.

In PyTorch this is a dozen small operators a layer, each of which costs a launch. Knows no attention and no visibility.
"""

# Triton types its kernels itself, when it compiles them.
# mypy: disable-error-code="no-untyped-def, untyped-decorator"

from dataclasses import dataclass

import torch
import triton
import triton.language as tl

__all__ = ["HeadNorms", "write_pool"]

OPTIONS = {"num_warps": 1, "num_stages": 1, "enable_fp_fusion": True}


@dataclass(frozen=True, slots=True)
class HeadNorms:
    """The scales of the norms of queries and keys, head by head (Qwen 3, Gemma 3)."""

    query: torch.Tensor  # (head_dim,) float32
    key: torch.Tensor  # (head_dim,) float32
    epsilon: float


def write_pool(
    projected: torch.Tensor,
    entries: torch.Tensor,
    slots: torch.Tensor,
    *,
    cosine: torch.Tensor,
    sine: torch.Tensor,
    norms: HeadNorms | None = None,
) -> torch.Tensor:
    """Write the keys and values of rows to `slots` (rows,) of a layer of the pool; return their queries.

    `projected` is (rows, (heads + 2 * kv_heads) * head_dim): queries, keys, values; `entries` is (slots, 2 * kv_heads,
    head_dim); `cosine` and `sine` are (rows, head_dim / 2) float32. The queries come back as (rows, heads, head_dim).
    Queries and keys are normalised where `norms` are given, then rotated as `Rotation` does, all in float32.
    """
    num_rows, head_dim = len(projected), entries.shape[2]
    num_heads = projected.shape[1] // head_dim
    num_queries = num_heads - entries.shape[1]
    query = projected.new_empty((num_rows, num_queries, head_dim))
    weights = (cosine, cosine) if norms is None else (norms.query, norms.key)  # not read where there are none
    _write_head[num_rows, num_heads](
        *(projected, entries, slots, cosine, sine, *weights, query, entries.stride(0)),
        0.0 if norms is None else norms.epsilon,
        num_queries=num_queries,
        num_kv_heads=entries.shape[1] // 2,
        half_dim=head_dim // 2,
        padded_half=triton.next_power_of_2(head_dim // 2),
        has_norms=norms is not None,
        **OPTIONS,
    )
    return query


@triton.jit
def _write_head(  # noqa: PLR0917
    projected,  # (rows, heads, head_dim)
    entries,  # (slots, 2 * kv_heads, head_dim)
    slots,  # (rows,)
    cosines,  # (rows, head_dim / 2)
    sines,  # (rows, head_dim / 2)
    query_norm,  # (head_dim,)
    key_norm,  # (head_dim,)
    queries,  # (rows, query heads, head_dim)
    slot_stride,
    epsilon,
    num_queries: tl.constexpr,
    num_kv_heads: tl.constexpr,
    half_dim: tl.constexpr,
    padded_half: tl.constexpr,
    has_norms: tl.constexpr,
):
    """Bring one head of one row to where it belongs."""
    row, head = tl.program_id(0).to(tl.int64), tl.program_id(1)
    number = tl.arange(0, padded_half)
    is_number = number < half_dim
    source = projected + (row * tl.num_programs(1) + head) * 2 * half_dim + number
    first = tl.load(source, mask=is_number, other=0.0).to(tl.float32)
    second = tl.load(source + half_dim, mask=is_number, other=0.0).to(tl.float32)
    if head < num_queries + num_kv_heads:
        if has_norms:
            norm = query_norm + number
            if head >= num_queries:
                norm = key_norm + number
            square = tl.sum(first * first, axis=0) + tl.sum(second * second, axis=0)
            shrink = tl.rsqrt(square / (2 * half_dim) + epsilon)
            first = first * shrink * tl.load(norm, mask=is_number, other=0.0)
            second = second * shrink * tl.load(norm + half_dim, mask=is_number, other=0.0)
        cosine = tl.load(cosines + row * half_dim + number, mask=is_number, other=0.0)
        sine = tl.load(sines + row * half_dim + number, mask=is_number, other=0.0)
        turned = first * cosine - second * sine
        second = second * cosine + first * sine
        first = turned
    target = queries + (row * num_queries + head) * 2 * half_dim + number
    if head >= num_queries:
        target = entries + tl.load(slots + row) * slot_stride + (head - num_queries) * 2 * half_dim + number
    tl.store(target, first.to(entries.dtype.element_ty), mask=is_number)
    tl.store(target + half_dim, second.to(entries.dtype.element_ty), mask=is_number)
