"""The block map against its definition, and against closed forms for lanes in the layouts `paged` and `interleaved`."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from reference_engine.step.attention_plan import AttentionPlan
from reference_engine.step.block_map import BLOCK_SLOTS, BlockMap
from tests.support.cuda_batches import PREFIX, lane_slots, lanes_visible

PREFIX_BLOCKS = PREFIX // BLOCK_SLOTS


@given(
    num_rows=st.integers(1, 20),
    extent=st.integers(1, 150),
    rows_per_tile=st.sampled_from([1, 3, 5, 16]),
    density=st.sampled_from([0.0, 0.01, 0.1, 0.9]),
    seed=st.integers(0, 2**31),
)
def test_block_map_lists_exactly_the_blocks_that_a_row_of_the_tile_sees(
    num_rows: int, extent: int, rows_per_tile: int, density: float, seed: int
) -> None:
    visible = torch.rand(num_rows, extent, generator=torch.Generator().manual_seed(seed)) < density
    block_map = BlockMap.of(visible, rows_per_tile=rows_per_tile)
    assert block_map.num_tiles == -(-num_rows // rows_per_tile)
    assert block_map.num_blocks == -(-extent // BLOCK_SLOTS)
    for tile in range(block_map.num_tiles):
        rows = visible[tile * rows_per_tile : (tile + 1) * rows_per_tile]
        seen = {int(slot) // BLOCK_SLOTS for slot in rows.any(dim=0).nonzero().flatten()}
        assert block_map.visited(tile) == sorted(seen)


@pytest.mark.parametrize("num_lanes", [2, 6, 16, 24])
@pytest.mark.parametrize("num_tokens", [1, 16, 37])
def test_paged_lane_visits_the_prefix_and_its_own_pages_only(num_lanes: int, num_tokens: int) -> None:
    prefix, lanes = lane_slots("paged", num_lanes, num_tokens, num_slots=1600)
    block_map = BlockMap.of(lanes_visible(prefix, lanes, [1] * num_lanes), rows_per_tile=1)
    own_pages = -(-num_tokens // BLOCK_SLOTS)
    assert block_map.counts.tolist() == [PREFIX_BLOCKS + own_pages] * num_lanes
    assert block_map.num_blocks == PREFIX_BLOCKS + num_lanes * own_pages


@pytest.mark.parametrize("num_lanes", [2, 6, 16, 24, 40])
@pytest.mark.parametrize("num_tokens", [1, 16, 37])
def test_interleaved_lane_visits_all_blocks_unless_lanes_are_more_than_a_block_holds(
    num_lanes: int, num_tokens: int
) -> None:
    prefix, lanes = lane_slots("interleaved", num_lanes, num_tokens, num_slots=1600)
    block_map = BlockMap.of(lanes_visible(prefix, lanes, [1] * num_lanes), rows_per_tile=1)
    for lane in range(num_lanes):
        last = PREFIX + (num_tokens - 1) * num_lanes + lane
        first_own = (PREFIX + lane) // BLOCK_SLOTS
        own = num_tokens if num_lanes >= BLOCK_SLOTS else last // BLOCK_SLOTS - first_own + 1
        assert int(block_map.counts[lane]) == PREFIX_BLOCKS + own


def test_lanes_in_one_tile_read_their_prefix_once() -> None:
    prefix, lanes = lane_slots("paged", 8, 20, num_slots=1600)
    visible = lanes_visible(prefix, lanes, [1] * 8)
    together = BlockMap.of(visible, rows_per_tile=8).counts.sum()
    apart = BlockMap.of(visible, rows_per_tile=1).counts.sum()
    assert apart - together == 7 * PREFIX_BLOCKS


@given(
    num_rows=st.integers(1, 300),
    extent=st.integers(1, 5000),
    queries_per_kv_head=st.integers(1, 24),
    num_kv_heads=st.integers(1, 16),
    dtype=st.sampled_from([torch.float32, torch.bfloat16, torch.float16]),
    target_programs=st.integers(1, 300),
)
def test_plan_covers_all_rows_with_powers_of_two(  # noqa: PLR0917
    num_rows: int, extent: int, queries_per_kv_head: int, num_kv_heads: int, dtype: torch.dtype, target_programs: int
) -> None:
    plan = AttentionPlan.of(
        torch.ones(num_rows, extent, dtype=torch.bool),
        num_kv_heads=num_kv_heads,
        queries_per_kv_head=queries_per_kv_head,
        dtype=dtype,
        target_programs=target_programs,
    )
    rows_per_tile = plan.block_map.rows_per_tile
    assert rows_per_tile * queries_per_kv_head <= plan.tile_queries
    assert rows_per_tile * plan.block_map.num_tiles >= num_rows
    assert all(number & (number - 1) == 0 for number in (plan.tile_queries, plan.num_splits))
    programs = plan.block_map.num_tiles * num_kv_heads * plan.num_splits
    assert plan.num_splits == 1 or programs <= target_programs
