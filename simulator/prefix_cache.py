"""A prefix cache of prompt blocks with least-recently-used eviction. Counts hits; holds no keys and values."""

from collections import OrderedDict
from collections.abc import Sequence

__all__ = ["PrefixCache"]


class PrefixCache:
    """Remembers blocks by their hashes, which stand for the block and all before it. `capacity_blocks` of None: all."""

    def __init__(self, *, block_tokens: int, capacity_blocks: int | None = None) -> None:
        if block_tokens < 1 or (capacity_blocks is not None and capacity_blocks < 0):
            raise ValueError("a block has at least 1 token, a capacity at least 0 blocks")
        self._block_tokens = block_tokens
        self._capacity = capacity_blocks
        self._blocks: OrderedDict[int, None] = OrderedDict()

    def cached_tokens(self, block_hashes: Sequence[int], prompt_tokens: int) -> int:
        """Return how many leading tokens of a prompt are cached; never the last one. Then remember the prompt."""
        hits = 0
        for block in block_hashes:
            if block not in self._blocks:
                break
            hits += 1
        self._remember(block_hashes)
        return min(hits * self._block_tokens, prompt_tokens - 1)

    def _remember(self, block_hashes: Sequence[int]) -> None:
        """Move a prompt's blocks to the young end, its first block youngest: a prefix outlives what follows it."""
        for block in reversed(block_hashes):
            self._blocks[block] = None
            self._blocks.move_to_end(block)
        while self._capacity is not None and len(self._blocks) > self._capacity:
            self._blocks.popitem(last=False)
