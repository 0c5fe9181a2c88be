"""Attention of a step's rows over the pool on the CPU: masks once a step, one operator a layer. Copies no key.

Heads of queries come in groups, one head for each head of keys: the heads that share keys stand a group apart, so that
all of them are queries of one head without a copy.

`FoldedAttention` takes the rows of all lanes as the queries of one sequence over the whole pool: a mask says who sees
what. `PaddedAttention` serves the layout `copied`: a batch of sequences, each with a cache of its own, padded to the
longest; that is what a batched decoder without a shared pool does, so that the two can be compared.
"""

from dataclasses import dataclass
from typing import Protocol

import torch
from torch.nn.functional import pad, scaled_dot_product_attention

from reference_engine.model.config import ModelConfig
from reference_engine.pool.storage import KvStorage
from reference_engine.step.batch import CacheRows, StepBatch

__all__ = ["Attention", "FoldedAttention", "PaddedAttention", "attention_of"]


class Attention(Protocol):
    """What the rows of one step gather from the pool."""

    def __call__(self, layer: int, query: torch.Tensor) -> torch.Tensor:
        """Return (rows, heads * head_dim) for queries (rows, heads, head_dim)."""


def attention_of(config: ModelConfig, storage: KvStorage, batch: StepBatch) -> Attention:
    """Return the attention that fits a step's layout."""
    if batch.cache_rows is None:
        return FoldedAttention.of(config, storage, batch)
    return PaddedAttention.of(config, storage, batch)


@dataclass(frozen=True, slots=True, eq=False)
class FoldedAttention:
    """All rows are queries of one sequence. One entry a layer; keys and values are views of the pool.

    A single row gains nothing from that: its groups are sequences of one query each, which more threads can share.
    """

    config: ModelConfig
    keys: tuple[torch.Tensor, ...]  # (1 or groups, kv_heads, extent, head_dim)
    values: tuple[torch.Tensor, ...]  # (1 or groups, kv_heads, extent, head_dim)
    masks: tuple[torch.Tensor, ...]  # (1, 1, queries, extent), added to the scores

    @classmethod
    def of(cls, config: ModelConfig, storage: KvStorage, batch: StepBatch) -> "FoldedAttention":
        """Return the attention of a step over the slots of a pool that it can see."""
        entries = storage.entries[:, None, : batch.extent]
        visible = [rows[None] for rows in _visible_by_kind(config, batch)]
        if len(batch.tokens) == 1:
            entries = entries.expand(-1, config.queries_per_kv_head, -1, -1, -1)
        else:
            visible = [rows.repeat_interleave(config.queries_per_kv_head, dim=1) for rows in visible]
        keys, values = _keys_and_values(entries)
        masks = [_added(queries, storage.entries.dtype) for queries in visible]
        return cls(config, keys, values, _by_layer(config, masks))

    def __call__(self, layer: int, query: torch.Tensor) -> torch.Tensor:
        """Return (rows, heads * head_dim) for queries (rows, heads, head_dim)."""
        attended = _attend(self.config, query, keys=self.keys[layer], values=self.values[layer], mask=self.masks[layer])
        return attended.view(query.shape[0], -1)


@dataclass(frozen=True, slots=True, eq=False)
class PaddedAttention:
    """Each lane is a sequence of a batch. One entry a layer; keys and values are views of the pool's rows.

    The batch is the run of pool rows that holds all lanes; each has as many places for queries as the longest lane.
    """

    config: ModelConfig
    keys: tuple[torch.Tensor, ...]  # (batch, kv_heads, slots, head_dim)
    values: tuple[torch.Tensor, ...]  # (batch, kv_heads, slots, head_dim)
    masks: tuple[torch.Tensor, ...]  # (batch, 1, queries, slots), a group of queries a place; added to the scores
    places: torch.Tensor  # (rows,) int64: where in the batch's places, counted through, each row stands
    batch_shape: tuple[int, int]  # batch, places

    @classmethod
    def of(cls, config: ModelConfig, storage: KvStorage, batch: StepBatch) -> "PaddedAttention":
        """Return the attention of a step whose threads own rows of the pool.

        Raises:
            ValueError: the step does not say which rows.
        """
        owned = batch.cache_rows
        if owned is None:
            raise ValueError("padded attention needs the pool's rows of the lanes, the step has none")
        first, last, longest = min(owned.rows), max(owned.rows), max(owned.lengths)
        batch_shape = (last - first + 1, max(batch.lane_rows))
        start, size = first * owned.row_slots, batch_shape[0] * owned.row_slots
        rows = storage.entries[:, start : start + size]
        rows = rows.view(len(rows), batch_shape[0], owned.row_slots, *rows.shape[2:])
        keys, values = _keys_and_values(rows[:, :, :longest])
        places = _places(batch, owned, first=first)
        own_visible = [_own_visible(visible, batch, owned) for visible in _visible_by_kind(config, batch)]
        visible = [_padded(rows, places, batch_shape) for rows in own_visible]
        masks = [
            _added(rows.repeat_interleave(config.queries_per_kv_head, dim=1), storage.entries.dtype) for rows in visible
        ]
        return cls(config, keys, values, _by_layer(config, masks), places, batch_shape)

    def __call__(self, layer: int, query: torch.Tensor) -> torch.Tensor:
        """Return (rows, heads * head_dim) for queries (rows, heads, head_dim)."""
        padded = query.new_zeros(self.batch_shape[0] * self.batch_shape[1], *query.shape[1:])
        padded = padded.index_copy_(0, self.places, query)
        attended = _attend(
            self.config, padded, keys=self.keys[layer], values=self.values[layer], mask=self.masks[layer]
        )
        return attended.view(self.batch_shape[0] * self.batch_shape[1], -1).index_select(0, self.places)


def _attend(
    config: ModelConfig, query: torch.Tensor, *, keys: torch.Tensor, values: torch.Tensor, mask: torch.Tensor
) -> torch.Tensor:
    """Return what queries gather, in their order and as many numbers.

    Heads of queries that share a head of keys become queries of it: (batch, kv_heads, queries, head_dim).
    """
    query = query.reshape(len(keys), -1, config.num_kv_heads, config.head_dim).transpose(1, 2)
    if config.attention_softcap is None:
        attended = scaled_dot_product_attention(query, keys, values, mask, scale=config.query_scale)
    else:
        scores = (query @ keys.transpose(-1, -2)).float() * (config.query_scale / config.attention_softcap)
        scores = scores.tanh_().mul_(config.attention_softcap).add_(mask)
        attended = scores.softmax(dim=-1).to(values.dtype) @ values
    return attended.transpose(1, 2).contiguous()


def _keys_and_values(entries: torch.Tensor) -> tuple[tuple[torch.Tensor, ...], tuple[torch.Tensor, ...]]:
    """Return views (batch, kv_heads, slots, head_dim) a layer of (layers, batch, slots, 2 * kv_heads, head_dim)."""
    keys, values = entries.transpose(2, 3).chunk(2, dim=2)
    return keys.unbind(), values.unbind()


def _visible_by_kind(config: ModelConfig, batch: StepBatch) -> list[torch.Tensor]:
    """Return what rows see (rows, extent) in layers that do not slide, and in those that do where there are any."""
    if config.sliding_window is None or not any(config.layer_is_sliding):
        return [batch.visible]
    distances = batch.positions[:, None] - batch.slot_positions
    return [batch.visible, batch.visible & (distances < config.sliding_window)]


def _by_layer(config: ModelConfig, masks: list[torch.Tensor]) -> tuple[torch.Tensor, ...]:
    return tuple(masks[config.is_sliding(layer)] for layer in range(config.num_layers))


def _added(visible: torch.Tensor, dtype: torch.dtype) -> torch.Tensor:
    """Return 0 where queries (batch, queries, slots) see, minus infinity elsewhere: (batch, 1, queries, slots)."""
    return torch.zeros(visible.shape, dtype=dtype).masked_fill_(~visible, float("-inf"))[:, None]


def _places(batch: StepBatch, owned: CacheRows, *, first: int) -> torch.Tensor:
    num_places = max(batch.lane_rows)
    return torch.tensor(
        [
            (row - first) * num_places + place
            for row, num_rows in zip(owned.rows, batch.lane_rows, strict=True)
            for place in range(num_rows)
        ]
    )


def _own_visible(visible: torch.Tensor, batch: StepBatch, owned: CacheRows) -> torch.Tensor:
    """Return what each row sees of its own lane's slots: (rows, slots), of the longest lane."""
    longest = max(owned.lengths)
    starts = torch.tensor(owned.rows) * owned.row_slots
    columns = starts.repeat_interleave(torch.tensor(batch.lane_rows))[:, None] + torch.arange(longest)
    missing = (max(owned.rows) + 1) * owned.row_slots - batch.extent
    return pad(visible, (0, max(0, missing))).gather(1, columns)


def _padded(own_visible: torch.Tensor, places: torch.Tensor, batch_shape: tuple[int, int]) -> torch.Tensor:
    """Return what all places see (batch, places, slots); those without a query see all, so that they stay numbers."""
    padded = torch.ones(batch_shape[0] * batch_shape[1], own_visible.shape[1], dtype=torch.bool)
    padded[places] = own_visible
    return padded.view(*batch_shape, -1)
