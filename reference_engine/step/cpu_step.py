"""One forward pass over the KV pool on the CPU, in as few operators as PyTorch allows. Equals the readable step.

Where it differs from the readable step: projections are fused and packed, attention is one operator for all
lanes; and what the layers add up to stays in float32, which keeps bfloat16's rounding out of it.
Knows no threads and no clock.
"""

import torch
from torch.nn.functional import gelu, silu

from reference_engine.errors import EngineError
from reference_engine.model.weights import Model
from reference_engine.pool.storage import KvStorage
from reference_engine.step.batch import StepBatch
from reference_engine.step.cpu_attention import attention_of
from reference_engine.step.cpu_rotation import CpuRotation
from reference_engine.step.prepared_weights import PreparedLayer, PreparedWeights
from reference_engine.step.slot_writing import SlotWriter

__all__ = ["CpuStep"]


class CpuStep:
    """The step of one model. Weights are prepared once; nothing is kept from one step to the next."""

    def __init__(self, model: Model) -> None:
        config = model.config
        self.config = config
        self.dtype = model.dtype
        self._weights = PreparedWeights.of(model)
        self._embedding_scale = torch.tensor(config.embedding_scale, dtype=model.dtype)
        self._row_floor = _floor(config.hidden_size, config.norm_epsilon)
        self._head_floor = _floor(config.head_dim, config.norm_epsilon)

    def __call__(self, storage: KvStorage, batch: StepBatch) -> torch.Tensor:
        """Feed a step's tokens: write their keys and values to the pool, return float32 logits (outputs, vocabulary).

        Raises:
            EngineError: the pool's numbers are of another type than the model's.
        """
        if storage.entries.dtype != self.dtype:
            raise EngineError(
                f"a KV pool of {storage.entries.dtype} does not fit a model of {self.dtype}; give it the model's type"
            )
        with torch.inference_mode():
            rows = self._last_hidden(storage, batch)
        with torch.no_grad():  # so that the caller may write to the logits
            return self._weights.output(rows)

    def _last_hidden(self, storage: KvStorage, batch: StepBatch) -> torch.Tensor:
        """Return the normalised rows (outputs, hidden) float32 whose logits are wanted."""
        config = self.config
        attention, writer = attention_of(config, storage, batch), SlotWriter.of(storage, batch.slots)
        rotations = self._rotations(batch.positions)
        hidden = self._embedded(batch.tokens)
        for index, layer in enumerate(self._weights.layers):
            rotation = rotations[config.is_sliding(index)]
            query, entries = rotation.apply(self._heads(layer, hidden))
            writer.write(index, entries)
            self._add(hidden, layer.output(attention(index, query)), scale=layer.attention_scale)
            self._add(hidden, layer.down(self._activated(layer, hidden)), scale=layer.mlp_scale)
        return self._normed(hidden.index_select(0, batch.outputs), self._weights.final_scale)

    def _rotations(self, positions: torch.Tensor) -> tuple[CpuRotation, CpuRotation]:
        """Return the rotation of layers that do not slide, and of those that do."""
        still = CpuRotation.at(self.config, positions, is_sliding=False, dtype=self.dtype)
        if self.config.sliding_rope_theta is None:
            return still, still
        return still, CpuRotation.at(self.config, positions, is_sliding=True, dtype=self.dtype)

    def _embedded(self, tokens: torch.Tensor) -> torch.Tensor:
        """Return the embeddings of tokens, (rows, hidden) float32."""
        hidden = self._weights.embedding.index_select(0, tokens)
        return hidden.mul_(self._embedding_scale).float()

    def _heads(self, layer: PreparedLayer, hidden: torch.Tensor) -> torch.Tensor:
        """Return heads of queries, keys and values, side by side: (rows, heads + 2 * kv_heads, head_dim)."""
        config = self.config
        projected = layer.projection(self._narrowed(hidden, layer.input_scale))
        heads = projected.view(hidden.shape[0], -1, config.head_dim)
        if layer.head_scale is None:
            return heads
        normed, values = heads.split_with_sizes((config.num_heads + config.num_kv_heads, config.num_kv_heads), dim=1)
        normed = _of_length_one(normed.float(), self._head_floor).mul_(layer.head_scale)
        return torch.cat((normed.to(self.dtype), values), dim=1)

    def _activated(self, layer: PreparedLayer, hidden: torch.Tensor) -> torch.Tensor:
        """Return the inner numbers of the gated MLP: (rows, intermediate)."""
        sizes = (self.config.intermediate_size, self.config.intermediate_size)
        gate, up = layer.gate_up(self._narrowed(hidden, layer.middle_scale)).split_with_sizes(sizes, dim=1)
        gate = silu(gate) if self.config.activation == "silu" else gelu(gate, approximate="tanh")
        return gate.mul_(up)

    def _normed(self, rows: torch.Tensor, scale: torch.Tensor) -> torch.Tensor:
        """Return float32 rows (rows, hidden), normalised and scaled."""
        return _of_length_one(rows, self._row_floor).mul_(scale)

    def _narrowed(self, rows: torch.Tensor, scale: torch.Tensor) -> torch.Tensor:
        """Return the same in the weights' type."""
        unit = _of_length_one(rows, self._row_floor)
        return torch.mul(unit, scale, out=torch.empty_like(unit, dtype=self.dtype))

    def _add(self, hidden: torch.Tensor, rows: torch.Tensor, *, scale: torch.Tensor | None) -> None:
        """Add what a sublayer returns (rows, hidden), normed where there is a scale for it."""
        if scale is None:
            hidden.add_(rows)
        else:
            hidden.addcmul_(_of_length_one(rows.float(), self._row_floor), scale)


def _floor(size: int, epsilon: float) -> torch.Tensor:
    """Return what a norm's epsilon is to a row's length: sqrt(|x|^2 + size * epsilon) is hypot(|x|, this)."""
    return torch.tensor((size * epsilon) ** 0.5)


def _of_length_one(rows: torch.Tensor, floor: torch.Tensor) -> torch.Tensor:
    """Return float32 rows (..., size) divided by their length: three operators, where PyTorch's own norm has eight."""
    lengths: torch.Tensor = torch.linalg.vector_norm(rows, dim=-1, keepdim=True)
    return rows / lengths.hypot_(floor)
