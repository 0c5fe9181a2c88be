"""Which blocks of the pool each tile of rows must visit, computed once a step for all layers. Knows no keys, no kernel.

A block is 16 slots that lie together, as a page is in layout `paged`, where a block has one owner and nearly all that
other threads wrote is skipped. In layout `interleaved` most blocks hold a token that somebody in the tile sees.
"""

from dataclasses import dataclass

import torch
from torch.nn.functional import pad

__all__ = ["BLOCK_SLOTS", "BlockMap"]

BLOCK_SLOTS = 16  # a page of layout `paged`, and the narrowest matrix product of a tensor core


@dataclass(frozen=True, slots=True)
class BlockMap:
    """The blocks that tiles of rows see: of `blocks[tile]` the first `counts[tile]`, ascending.

    A tile is `rows_per_tile` consecutive rows. A block that no row of a tile sees is not among the tile's blocks; what
    each row sees within a block is left to `visible`.
    """

    visible: torch.Tensor  # (rows, extent) bool
    rows_per_tile: int
    counts: torch.Tensor  # (tiles,) int32
    blocks: torch.Tensor  # (tiles, blocks of the extent + 1) int32: the last column is scrap

    @classmethod
    def of(cls, visible: torch.Tensor, *, rows_per_tile: int) -> "BlockMap":
        """Map what rows see (rows, extent); runs on the device, without waiting for it."""
        rows, extent = visible.shape
        whole = pad(visible, (0, -extent % BLOCK_SLOTS, 0, -rows % rows_per_tile))
        tiles = whole.reshape(len(whole) // rows_per_tile, rows_per_tile, whole.shape[1] // BLOCK_SLOTS, BLOCK_SLOTS)
        seen = tiles.any(dim=3).any(dim=1)  # (tiles, blocks)
        return cls(visible, rows_per_tile, seen.sum(dim=1, dtype=torch.int32), _listed(seen))

    @property
    def num_tiles(self) -> int:
        """Tiles of the step's rows."""
        return len(self.counts)

    @property
    def num_blocks(self) -> int:
        """Blocks of the extent, seen or not."""
        return int(self.blocks.shape[1]) - 1

    def visited(self, tile: int) -> list[int]:
        """Return the blocks that a tile visits; waits for the device."""
        listed: list[int] = self.blocks[tile, : int(self.counts[tile])].tolist()
        return listed


def _listed(seen: torch.Tensor) -> torch.Tensor:
    """Return the blocks that are seen (tiles, blocks) in front of each tile's list: (tiles, blocks + 1) int32.

    Each block is written to its rank among those seen, all others to the scrap column: a scatter, since whatever gives
    a result of another size (`nonzero`) would wait for the device, which no CUDA graph may.
    """
    num_tiles, num_blocks = seen.shape
    ranks = seen.cumsum(dim=1) - 1
    places = torch.where(seen, ranks, num_blocks)
    numbers = torch.arange(num_blocks, dtype=torch.int32, device=seen.device).expand(num_tiles, num_blocks)
    return torch.zeros(num_tiles, num_blocks + 1, dtype=torch.int32, device=seen.device).scatter_(1, places, numbers)
