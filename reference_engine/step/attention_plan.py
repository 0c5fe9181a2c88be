"""How one step's attention is cut into programs: tiles of rows, and splits of the blocks they see. Knows no kernel."""

from dataclasses import dataclass

import torch

from reference_engine.step.block_map import BlockMap

__all__ = ["AttentionPlan"]

LEAST_TILE_QUERIES = 16  # the narrowest matrix product of a tensor core
MOST_TILE_QUERIES = 64
LEAST_SPLIT_BLOCKS = 8  # ours: a program with less to read than 128 slots costs more than it saves
MOST_SPLITS = 64
WIDE_NUMBER_BYTES = 4


@dataclass(frozen=True, slots=True)
class AttentionPlan:
    """The programs of a step's attention, the same for all layers that see the same.

    A tile is `tile_queries` places for queries: those of as many whole rows as fit, with all heads that share a head of
    keys and values. `num_splits` programs share each tile's blocks. Both are powers of 2.
    """

    block_map: BlockMap
    tile_queries: int
    num_splits: int

    @classmethod
    def of(
        cls,
        visible: torch.Tensor,
        *,
        num_kv_heads: int,
        queries_per_kv_head: int,
        dtype: torch.dtype,
        target_programs: int,
    ) -> "AttentionPlan":
        """Plan for rows that see slots (rows, extent).

        Blocks are split until there are `target_programs` programs, or a program would have too little to read.
        """
        # Products of float32 do without tensor cores, and a wide tile of them does not fit the registers.
        widest = MOST_TILE_QUERIES if dtype.itemsize < WIDE_NUMBER_BYTES else LEAST_TILE_QUERIES
        wanted = _power_of_two_from(len(visible) * queries_per_kv_head)
        tile_queries = max(LEAST_TILE_QUERIES, min(wanted, widest), _power_of_two_from(queries_per_kv_head))
        block_map = BlockMap.of(visible, rows_per_tile=tile_queries // queries_per_kv_head)
        num_splits = min(
            target_programs // (block_map.num_tiles * num_kv_heads),
            block_map.num_blocks // LEAST_SPLIT_BLOCKS,
            MOST_SPLITS,
        )
        return cls(block_map, tile_queries, _power_of_two_within(num_splits))


def _power_of_two_from(number: int) -> int:
    return 1 << (number - 1).bit_length()


def _power_of_two_within(number: int) -> int:
    return 1 << (max(1, number).bit_length() - 1)
