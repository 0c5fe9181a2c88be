"""A prefix cache of prompt blocks with least-recently-used eviction. Counts hits; holds no keys and values."""

from collections import OrderedDict
from dataclasses import dataclass

__all__ = ["PrefixCache", "PromptPrefix"]


@dataclass(frozen=True, slots=True)
class PromptPrefix:
    """What is known of a prompt's beginning: hashes of its blocks, or how much of it a record found in a cache.

    A hash stands for its block and all before it.
    """

    block_hashes: tuple[int, ...] = ()
    block_tokens: int = 1
    recorded_tokens: int = 0

    def __post_init__(self) -> None:
        """Refuse blocks without tokens."""
        if self.block_tokens < 1 or self.recorded_tokens < 0:
            raise ValueError("a block has at least 1 token, a record at least 0 cached tokens")


class PrefixCache:
    """Remembers blocks by their hashes. `capacity_tokens` of None: all of them."""

    def __init__(self, *, capacity_tokens: int | None = None) -> None:
        if capacity_tokens is not None and capacity_tokens < 0:
            raise ValueError("a prefix cache holds at least 0 tokens")
        self._capacity = capacity_tokens
        self._tokens = 0
        self._blocks: OrderedDict[int, int] = OrderedDict()

    def hit_tokens(self, prefix: PromptPrefix, prompt_tokens: int) -> int:
        """Return how many leading tokens of a prompt are cached; never the last one, which is always fed."""
        hits = 0
        for block in prefix.block_hashes:
            if block not in self._blocks:
                break
            hits += 1
        return min(max(hits * prefix.block_tokens, prefix.recorded_tokens), prompt_tokens - 1)

    def remember(self, prefix: PromptPrefix) -> None:
        """Move a prompt's blocks to the young end, its first block youngest: a prefix outlives what follows it."""
        for block in reversed(prefix.block_hashes):
            self._tokens += prefix.block_tokens - self._blocks.pop(block, 0)
            self._blocks[block] = prefix.block_tokens
        while self._capacity is not None and self._tokens > self._capacity:
            self._tokens -= self._blocks.popitem(last=False)[1]
