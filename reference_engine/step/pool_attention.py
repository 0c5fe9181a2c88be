"""Attention over the KV pool where it lies, in Triton: no keys are copied, blocks that nobody sees are not read.

One program takes a tile of rows with all query heads that share a head of keys and values, and walks over its part of
the tile's blocks with a running softmax; where rows are few, several programs share a tile's blocks and a second kernel
unites what they found. Knows visibility as booleans; knows no layers, no positions and no threads.

Source: the running softmax of Milakov and Gimelshein (arXiv 1805.02867), as tiled by Dao et al. (FlashAttention, arXiv
2205.14135); parts united by their log-sum-exps as in Dao et al., Flash-Decoding (2023); the lists of blocks are ours.
"""

# Triton types its kernels itself, when it compiles them.
# mypy: disable-error-code="no-untyped-def, untyped-decorator"

import torch
import triton
import triton.language as tl

from reference_engine.step.attention_plan import AttentionPlan
from reference_engine.step.block_map import BLOCK_SLOTS

__all__ = ["attend_pool", "is_interpreted"]

LOG2_E = tl.constexpr(1.4426950408889634)  # exp(x) = 2 ** (x * log2(e)); the machine has the power of two only
LEAST_DOT = 16  # the narrowest side of a matrix product in Triton
MOST_TURN_BYTES = 16_384  # of keys in a turn of the loop; with the values, twice, it fits every GPU since Ampere
MOST_TURN_BLOCKS = 4
WIDE_TILE_NUMBERS = 8192  # a tile of so many sums takes 8 warps: with 4 the compiler runs out of registers
OPTIONS = {"num_stages": 2, "enable_fp_fusion": True}


def is_interpreted() -> bool:
    """Say whether Triton's interpreter runs the kernels, on the CPU (`TRITON_INTERPRET=1` when they were defined)."""
    return not isinstance(_attend_tile, triton.JITFunction)


def attend_pool(
    query: torch.Tensor, entries: torch.Tensor, plan: AttentionPlan, *, scale: float, softcap: float | None = None
) -> torch.Tensor:
    """Return what each query gathers from the slots that its row sees: (rows, heads, head_dim).

    `query` is (rows, heads, head_dim), contiguous; `entries` is a layer of the pool, of the same type: (slots,
    2 * kv_heads, head_dim). Neighbouring query heads share a head of keys and values. A row that sees nothing gets 0.
    """
    if query.dtype is not entries.dtype:
        raise ValueError(f"queries of {query.dtype} cannot read a pool of {entries.dtype}; both have the model's type")
    is_whole = plan.num_splits == 1
    parts = query.new_empty((plan.num_splits, *query.shape), dtype=query.dtype if is_whole else torch.float32)
    log_sums = query.new_empty(parts.shape[:-1], dtype=torch.float32)
    _launch_tiles(query, entries, plan, parts=parts, log_sums=log_sums, scale=scale, softcap=softcap)
    return parts[0] if is_whole else _united(parts, log_sums, query.dtype)


def _launch_tiles(
    query: torch.Tensor,
    entries: torch.Tensor,
    plan: AttentionPlan,
    *,
    parts: torch.Tensor,
    log_sums: torch.Tensor,
    scale: float,
    softcap: float | None,
) -> None:
    num_rows, num_heads, head_dim = query.shape
    num_kv_heads, block_map, padded_dim = entries.shape[1] // 2, plan.block_map, _padded(head_dim)
    visible = block_map.visible.contiguous().view(torch.uint8)
    sizes = (num_rows, block_map.visible.shape[1], block_map.blocks.shape[1], entries.stride(0))
    _attend_tile[block_map.num_tiles, num_kv_heads, plan.num_splits](
        *(query, entries, visible, block_map.counts, block_map.blocks, parts, log_sums),
        *sizes,
        scale,
        1.0 if softcap is None else softcap,
        queries_per_kv_head=num_heads // num_kv_heads,
        head_dim=head_dim,
        padded_dim=padded_dim,
        tile_queries=plan.tile_queries,
        turn_blocks=_turn_blocks(padded_dim * query.element_size()),
        block_slots=BLOCK_SLOTS,
        has_softcap=softcap is not None,
        widens=is_interpreted() and query.dtype is torch.bfloat16,
        num_warps=8 if plan.tile_queries * padded_dim >= WIDE_TILE_NUMBERS else 4,
        **OPTIONS,
    )


def _united(parts: torch.Tensor, log_sums: torch.Tensor, dtype: torch.dtype) -> torch.Tensor:
    """Return (rows, heads, head_dim) from parts (splits, rows, heads, head_dim)."""
    num_splits, num_rows, num_heads, head_dim = parts.shape
    united = parts.new_empty(parts.shape[1:], dtype=dtype)
    num_places = num_rows * num_heads
    _unite_splits[num_places,](
        *(parts, log_sums, united, num_places),
        num_splits=num_splits,
        head_dim=head_dim,
        padded_dim=_padded(head_dim),
        **OPTIONS,
    )
    return united


def _padded(head_dim: int) -> int:
    padded: int = triton.next_power_of_2(head_dim)
    return max(LEAST_DOT, padded)


def _turn_blocks(slot_bytes: int) -> int:
    """Return how many blocks a turn of the loop takes, a power of 2: fewer, the wider a head is."""
    return max(1, min(MOST_TURN_BYTES // (BLOCK_SLOTS * slot_bytes), MOST_TURN_BLOCKS))


@triton.jit(do_not_specialize=["num_rows", "extent", "list_length"])
def _attend_tile(  # noqa: PLR0917
    queries,  # (rows, heads, head_dim)
    entries,  # (slots, 2 * kv_heads, head_dim)
    visible,  # (rows, extent) uint8
    counts,  # (tiles,)
    blocks,  # (tiles, blocks + 1)
    parts,  # (splits, rows, heads, head_dim): what this program gathers, divided by its sum of weights
    log_sums,  # (splits, rows, heads): the logarithm of that sum, to base 2
    num_rows,
    extent,
    list_length,
    slot_stride,
    scale,
    softcap,
    queries_per_kv_head: tl.constexpr,
    head_dim: tl.constexpr,
    padded_dim: tl.constexpr,
    tile_queries: tl.constexpr,
    turn_blocks: tl.constexpr,
    block_slots: tl.constexpr,
    has_softcap: tl.constexpr,
    widens: tl.constexpr,
):
    """Let a tile's queries gather what they see in one split of the tile's blocks."""
    tile, kv_head, split = tl.program_id(0), tl.program_id(1), tl.program_id(2)
    rows_per_tile: tl.constexpr = tile_queries // queries_per_kv_head
    place = tl.arange(0, tile_queries)
    row = (tile * rows_per_tile + place // queries_per_kv_head).to(tl.int64)
    head = kv_head * queries_per_kv_head + place % queries_per_kv_head
    is_query = (place < rows_per_tile * queries_per_kv_head) & (row < num_rows)
    number = tl.arange(0, padded_dim)
    is_number = is_query[:, None] & (number < head_dim)[None, :]
    own = row * tl.num_programs(1) * queries_per_kv_head + head
    query = tl.load(queries + own[:, None] * head_dim + number[None, :], mask=is_number, other=0.0)
    most = tl.full([tile_queries], float("-inf"), dtype=tl.float32)
    total = tl.zeros([tile_queries], dtype=tl.float32)
    gathered = tl.zeros([tile_queries, padded_dim], dtype=tl.float32)

    count = tl.load(counts + tile)
    share = tl.cdiv(tl.cdiv(count, tl.num_programs(2)), turn_blocks) * turn_blocks
    end = tl.minimum((split + 1) * share, count)
    turn_slot = tl.arange(0, turn_blocks * block_slots)
    for begin in range(split * share, end, turn_blocks):
        listed = begin + turn_slot // block_slots
        block = tl.load(blocks + tile * list_length + listed, mask=listed < end, other=0)
        slot = (block * block_slots + turn_slot % block_slots).to(tl.int64)
        is_slot = (listed < end) & (slot < extent)
        seen = tl.load(
            visible + row[:, None] * extent + slot[None, :],
            mask=is_query[:, None] & is_slot[None, :],
            other=0,
        )
        keys = entries + slot[:, None] * slot_stride + kv_head * head_dim + number[None, :]
        is_entry = is_slot[:, None] & (number < head_dim)[None, :]
        key = tl.load(keys, mask=is_entry, other=0.0)
        score = _score(query, key, scale, softcap, has_softcap, widens)
        score = tl.where(seen != 0, score, float("-inf"))
        value = tl.load(keys + tl.num_programs(1) * head_dim, mask=is_entry, other=0.0)
        most, total, gathered = _gather(score, value, most, total, gathered, widens)

    result = split.to(tl.int64) * num_rows * tl.num_programs(1) * queries_per_kv_head + own
    divisor = tl.where(total > 0, total, 1.0)
    log_sum = tl.where(total > 0, most + tl.log2(divisor), float("-inf"))
    tl.store(log_sums + result, log_sum, mask=is_query)
    gathered = (gathered / divisor[:, None]).to(parts.dtype.element_ty)
    tl.store(parts + result[:, None] * head_dim + number[None, :], gathered, mask=is_number)


@triton.jit
def _score(query, key, scale, softcap, has_softcap: tl.constexpr, widens: tl.constexpr):  # noqa: PLR0917
    """Return the scores of queries (queries, head_dim) and keys (slots, head_dim), times log2(e)."""
    score = _product(query, tl.trans(key), widens) * scale
    if has_softcap:
        # tanh from an exponential that cannot overflow
        small = tl.exp2(tl.abs(score / softcap) * (-2.0 * LOG2_E))
        score = softcap * (1.0 - small) / (1.0 + small) * tl.where(score < 0, -1.0, 1.0)
    return score * LOG2_E


@triton.jit
def _gather(score, value, most, total, gathered, widens: tl.constexpr):  # noqa: PLR0917
    """Take one turn's scores and values into the running maximum, sum of weights, and weighted sum of values."""
    new_most = tl.maximum(most, tl.max(score, axis=1))
    base = tl.where(new_most == float("-inf"), 0.0, new_most)  # of a row that has seen nothing yet
    weight = tl.exp2(score - base[:, None])
    shrink = tl.exp2(most - base)
    gathered = gathered * shrink[:, None] + _product(weight.to(value.dtype), value, widens)
    return new_most, total * shrink + tl.sum(weight, axis=1), gathered


@triton.jit
def _product(left, right, widens: tl.constexpr):
    """Multiply matrices, summing in float32; the interpreter cannot multiply bfloat16 unless it is widened."""
    if widens:
        left, right = left.to(tl.float32), right.to(tl.float32)
    return tl.dot(left, right, input_precision="ieee")


@triton.jit(do_not_specialize=["num_places"])
def _unite_splits(  # noqa: PLR0917
    parts,  # (splits, places, head_dim) float32
    log_sums,  # (splits, places) float32
    united,  # (places, head_dim)
    num_places,
    num_splits: tl.constexpr,
    head_dim: tl.constexpr,
    padded_dim: tl.constexpr,
):
    """Average one query's parts, each by its share of all weights."""
    place = tl.program_id(0).to(tl.int64)
    part_place = tl.arange(0, num_splits) * num_places + place
    number = tl.arange(0, padded_dim)
    log_sum = tl.load(log_sums + part_place)
    most = tl.max(log_sum, axis=0)
    weight = tl.exp2(log_sum - tl.where(most == float("-inf"), 0.0, most))
    part = tl.load(
        parts + part_place[:, None] * head_dim + number[None, :], mask=(number < head_dim)[None, :], other=0.0
    )
    total = tl.sum(weight, axis=0)
    average = tl.sum(part * weight[:, None], axis=0) / tl.where(total > 0, total, 1.0)
    tl.store(united + place * head_dim + number, average.to(united.dtype.element_ty), mask=number < head_dim)
