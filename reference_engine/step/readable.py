"""One forward pass over the KV pool in plain PyTorch: the oracle of every faster step. Knows no threads and no clock.

To be read in one sitting, top to bottom. Shapes: rows are the tokens of the step, slots those of the pool that it sees.
"""

import torch
from torch.nn.functional import gelu, linear, silu

from reference_engine.model.config import ModelConfig
from reference_engine.model.rotary import Rotation
from reference_engine.model.weights import LayerWeights, Model
from reference_engine.pool.storage import KvStorage
from reference_engine.step.batch import StepBatch

__all__ = ["readable_step"]


@torch.no_grad()
def readable_step(model: Model, storage: KvStorage, batch: StepBatch) -> torch.Tensor:
    """Feed a step's tokens: write their keys and values to the pool, return float32 logits (outputs, vocabulary)."""
    config, weights = model.config, model.weights
    rotations = {
        is_sliding: Rotation.at(config, batch.positions, is_sliding=is_sliding, dtype=model.dtype)
        for is_sliding in (False, True)
    }
    hidden = weights.embedding[batch.tokens]  # (rows, hidden), as all that is called hidden
    hidden = hidden * torch.tensor(config.embedding_scale, dtype=hidden.dtype, device=hidden.device)
    for index, layer in enumerate(weights.layers):
        is_sliding = config.is_sliding(index)
        visible = batch.visible & _window(config, batch) if is_sliding else batch.visible
        attended = _norm(config, hidden, layer.attention_norm)
        query, key, value = _project(config, layer, attended, rotations[is_sliding])
        storage.keys(index, storage.num_slots)[batch.slots] = key
        storage.values(index, storage.num_slots)[batch.slots] = value
        keys, values = storage.keys(index, batch.extent), storage.values(index, batch.extent)
        attended = linear(_attend(config, query, keys, values, visible), layer.output, layer.output_bias)
        hidden = hidden + _norm(config, attended, layer.post_attention_norm)
        transformed = _transform(config, layer, _norm(config, hidden, layer.mlp_norm))
        hidden = hidden + _norm(config, transformed, layer.post_mlp_norm)
    hidden = _norm(config, hidden[batch.outputs], weights.final_norm)
    return _capped(linear(hidden, weights.output), config.logit_softcap).float()


def _norm(config: ModelConfig, values: torch.Tensor, weight: torch.Tensor | None) -> torch.Tensor:
    """Return values (..., size) of mean square 1, scaled; unchanged where the family has no such norm.

    Source: Zhang and Sennrich (arXiv 1910.07467). Llama rounds before it scales, Gemma after.
    """
    if weight is None:
        return values
    wide = values.float()
    wide = wide * torch.rsqrt(wide.square().mean(dim=-1, keepdim=True) + config.norm_epsilon)
    if config.norm_adds_one:
        return (wide * (1 + weight.float())).to(values.dtype)
    return weight * wide.to(values.dtype)


def _project(
    config: ModelConfig, layer: LayerWeights, hidden: torch.Tensor, rotation: Rotation
) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Return queries (rows, heads, head_dim), keys and values (rows, kv_heads, head_dim), rotated."""
    rows = hidden.shape[0]
    query = linear(hidden, layer.query, layer.query_bias).view(rows, config.num_heads, config.head_dim)
    key = linear(hidden, layer.key, layer.key_bias).view(rows, config.num_kv_heads, config.head_dim)
    value = linear(hidden, layer.value, layer.value_bias).view(rows, config.num_kv_heads, config.head_dim)
    query, key = _norm(config, query, layer.query_norm), _norm(config, key, layer.key_norm)
    return rotation.apply(query), rotation.apply(key), value


def _attend(
    config: ModelConfig, query: torch.Tensor, keys: torch.Tensor, values: torch.Tensor, visible: torch.Tensor
) -> torch.Tensor:
    """Return what the rows gather from the slots they see: (rows, heads * head_dim).

    Neighbouring query heads share a head of keys and values: query (rows, heads, head_dim), keys and values (slots,
    kv_heads, head_dim), visible (rows, slots).
    """
    query = query.view(-1, config.num_kv_heads, config.queries_per_kv_head, config.head_dim)
    scores = torch.einsum("rkgd,skd->kgrs", query, keys) * config.query_scale
    scores = _capped(scores, config.attention_softcap).masked_fill(~visible, float("-inf"))
    shares = scores.softmax(dim=-1, dtype=torch.float32).to(values.dtype)
    return torch.einsum("kgrs,skd->rkgd", shares, values).flatten(1)


def _window(config: ModelConfig, batch: StepBatch) -> torch.Tensor:
    """Return which slots (rows, slots) are less than a sliding window behind each row."""
    distances = batch.positions[:, None] - batch.slot_positions[None, :]
    return distances < (config.sliding_window or 0)


def _transform(config: ModelConfig, layer: LayerWeights, hidden: torch.Tensor) -> torch.Tensor:
    """Return the gated MLP's output. Source: Shazeer (arXiv 2002.05202)."""
    gate = linear(hidden, layer.gate)
    gate = silu(gate) if config.activation == "silu" else gelu(gate, approximate="tanh")
    return linear(gate * linear(hidden, layer.up), layer.down)


def _capped(values: torch.Tensor, cap: float | None) -> torch.Tensor:
    """Squeeze values into (-cap, cap). Source: Gemma 2 (arXiv 2408.00118), section 2."""
    return values if cap is None else cap * torch.tanh(values / cap)
