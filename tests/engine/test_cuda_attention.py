"""The attention kernel against attention in float64: on a GPU, or in Triton's interpreter where there is none."""

from dataclasses import dataclass, replace

import pytest
import torch
from hypothesis import example, given, settings
from hypothesis import strategies as st

from reference_engine.step.attention_plan import AttentionPlan
from reference_engine.step.block_map import BLOCK_SLOTS, BlockMap
from tests.support.attention_oracle import plain_attention
from tests.support.cuda_batches import lane_slots, lanes_visible
from tests.support.cuda_device import DEVICE

pytest.importorskip("triton", reason="triton is not installed")

from reference_engine.step.pool_attention import attend_pool

# Outputs are averages of normal numbers, at most 4 or so. float32: sums of a few hundred products. The others: queries,
# keys and values are exact, shares are rounded before they are multiplied, and so is the result.
TOLERANCE = {torch.float32: 1e-5, torch.float16: 5e-3, torch.bfloat16: 4e-2}


@dataclass(frozen=True, slots=True)
class Shape:
    """What the kernel is called with, apart from the numbers."""

    num_rows: int
    extent: int
    num_kv_heads: int = 1
    queries_per_kv_head: int = 2
    head_dim: int = 16
    num_splits: int = 1
    softcap: float | None = None
    dtype: torch.dtype = torch.float32
    density: float = 0.3

    def plan(self, visible: torch.Tensor) -> AttentionPlan:
        """Return the plan of a step, with the shape's splits, whether they pay or not."""
        planned = AttentionPlan.of(
            visible,
            num_kv_heads=self.num_kv_heads,
            queries_per_kv_head=self.queries_per_kv_head,
            dtype=self.dtype,
            target_programs=1,
        )
        return replace(planned, num_splits=self.num_splits)

    def numbers(self, generator: torch.Generator, *, num_slots: int) -> tuple[torch.Tensor, torch.Tensor]:
        """Return queries (rows, heads, head_dim) and a layer of a pool (slots, 2 * kv_heads, head_dim)."""
        num_heads = self.num_kv_heads * self.queries_per_kv_head
        query = torch.randn(self.num_rows, num_heads, self.head_dim, generator=generator)
        entries = torch.randn(num_slots, 2 * self.num_kv_heads, self.head_dim, generator=generator)
        return query.to(DEVICE, self.dtype), entries.to(DEVICE, self.dtype)


def error(shape: Shape, query: torch.Tensor, entries: torch.Tensor, visible: torch.Tensor) -> float:
    """Return the largest difference from the oracle, as a share of what is tolerated."""
    scale = shape.head_dim**-0.5
    ours = attend_pool(query, entries, shape.plan(visible), scale=scale, softcap=shape.softcap)
    assert (ours.shape, ours.dtype) == (query.shape, query.dtype)
    theirs = plain_attention(query, entries, visible, scale=scale, softcap=shape.softcap)
    return float((ours.double() - theirs).abs().max()) / TOLERANCE[shape.dtype]


SHAPES = st.builds(
    Shape,
    num_rows=st.integers(1, 7),
    extent=st.integers(1, 90),
    num_kv_heads=st.integers(1, 2),
    queries_per_kv_head=st.sampled_from([1, 2, 3, 7]),
    head_dim=st.sampled_from([16, 24, 64, 80, 128, 256]),
    num_splits=st.sampled_from([1, 2, 4]),
    softcap=st.sampled_from([None, 2.0]),
    dtype=st.sampled_from(list(TOLERANCE)),
    density=st.sampled_from([0.0, 0.05, 0.5]),
)


@settings(max_examples=20)
@given(shape=SHAPES, seed=st.integers(0, 2**31))
@example(Shape(1, 1), 0)
@example(Shape(3, 50, queries_per_kv_head=24), 1)  # more query heads than the least tile has places
@example(Shape(20, 40, queries_per_kv_head=1), 2)  # two tiles
@example(Shape(2, 140, num_splits=8, softcap=5.0, dtype=torch.bfloat16), 3)  # more splits than a turn has blocks
def test_kernel_equals_plain_attention_for_any_shape(shape: Shape, seed: int) -> None:
    generator = torch.Generator().manual_seed(seed)
    query, entries = shape.numbers(generator, num_slots=shape.extent + 3)
    visible = torch.rand(shape.num_rows, shape.extent, generator=generator) < shape.density
    own = torch.randint(0, shape.extent, (shape.num_rows,), generator=generator)
    visible[torch.arange(shape.num_rows), own] = True  # at density 0 this is all that a row sees
    assert error(shape, query, entries, visible.to(DEVICE)) <= 1


@pytest.mark.parametrize("layout", ["paged", "interleaved"])
def test_kernel_equals_plain_attention_for_ragged_lanes(layout: str) -> None:
    lane_rows = [1, 5, 1, 2]
    prefix, lanes = lane_slots(layout, len(lane_rows), 9, num_slots=160)
    visible = lanes_visible(prefix, lanes, lane_rows).to(DEVICE)
    shape = Shape(sum(lane_rows), visible.shape[1], queries_per_kv_head=3)
    query, entries = shape.numbers(torch.Generator().manual_seed(0), num_slots=160)
    assert error(shape, query, entries, visible) <= 1


@pytest.mark.parametrize("num_splits", [1, 4])
def test_kernel_never_reads_a_block_that_no_row_of_the_tile_sees(num_splits: int) -> None:
    """Whatever is read and merely hidden would spoil the result: 0 times NaN is NaN."""
    prefix, lanes = lane_slots("paged", 6, 20, num_slots=320)
    visible = lanes_visible(prefix, lanes[1:2], [1])
    shape = Shape(1, visible.shape[1], num_splits=num_splits)
    query, entries = shape.numbers(torch.Generator().manual_seed(0), num_slots=320)
    visited = BlockMap.of(visible, rows_per_tile=8).visited(0)
    is_read = torch.zeros(320 // BLOCK_SLOTS, dtype=torch.bool, device=DEVICE)
    is_read[visited] = True
    assert len(visited) == 4  # two pages of the prefix, two of the lane
    spoilt = entries.masked_fill(~is_read.repeat_interleave(BLOCK_SLOTS)[:, None, None], float("nan"))
    ours = attend_pool(query, spoilt, shape.plan(visible.to(DEVICE)), scale=0.25)
    assert torch.equal(ours, attend_pool(query, entries, shape.plan(visible.to(DEVICE)), scale=0.25))


def test_row_that_sees_nothing_gets_zero() -> None:
    shape = Shape(2, 20)
    query, entries = shape.numbers(torch.Generator().manual_seed(0), num_slots=20)
    visible = torch.zeros(2, 20, dtype=torch.bool, device=DEVICE)
    visible[0, 17] = True
    ours = attend_pool(query, entries, shape.plan(visible), scale=1.0)
    assert torch.allclose(ours[0], entries[17, 1].expand(2, -1))
    assert not ours[1].any()


def test_queries_of_another_type_than_the_pool_are_refused() -> None:
    shape = Shape(1, 16)
    query, entries = shape.numbers(torch.Generator().manual_seed(0), num_slots=16)
    visible = torch.ones(1, 16, dtype=torch.bool, device=DEVICE)
    with pytest.raises(ValueError, match=r"queries of torch.float16 cannot read a pool of torch.float32"):
        attend_pool(query.half(), entries, shape.plan(visible), scale=1.0)
