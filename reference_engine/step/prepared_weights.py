"""The weights of a model as the CPU step reads them: projections fused and packed. Knows no pool.

A norm's weights stay beside the linear layer that follows: within its columns they would be rounded together with them
once more, which costs bfloat16 a twelfth of its accuracy. They take in what lies between a row's length and its root
mean square: the factor sqrt(size).
"""

from dataclasses import dataclass

import torch

from reference_engine.model.config import ModelConfig
from reference_engine.model.weights import LayerWeights, Model
from reference_engine.step.huge_pages import into_huge_pages
from reference_engine.step.output_layer import OutputLayer
from reference_engine.step.packed_linear import Linear, linear_of

__all__ = ["PreparedLayer", "PreparedWeights"]


@dataclass(frozen=True, slots=True, eq=False)
class PreparedLayer:
    """One layer. Scales are those of norms, in float32, for rows of length 1; None where there is no such norm."""

    input_scale: torch.Tensor  # (hidden,)
    projection: Linear  # hidden -> heads of queries, keys and values, one after the other
    output: Linear
    middle_scale: torch.Tensor  # (hidden,)
    gate_up: Linear  # hidden -> gate, then up
    down: Linear
    head_scale: torch.Tensor | None  # (heads + kv_heads, head_dim)
    attention_scale: torch.Tensor | None  # (hidden,)
    mlp_scale: torch.Tensor | None  # (hidden,)

    @property
    def linears(self) -> tuple[Linear, ...]:
        """All linear layers."""
        return (self.projection, self.output, self.gate_up, self.down)


@dataclass(frozen=True, slots=True, eq=False)
class PreparedWeights:
    """All weights."""

    embedding: torch.Tensor  # (vocabulary, hidden)
    layers: tuple[PreparedLayer, ...]
    final_scale: torch.Tensor  # (hidden,) float32
    output: OutputLayer

    @classmethod
    def of(cls, model: Model) -> "PreparedWeights":
        """Fuse and pack the weights of a model; ask for them to lie in huge pages."""
        weights, config = model.weights, model.config
        prepared = cls(
            embedding=weights.embedding,
            layers=tuple(_prepared(config, layer) for layer in weights.layers),
            final_scale=_scale(config, weights.final_norm),
            output=OutputLayer(weights.output, softcap=config.logit_softcap),
        )
        linears = [linear for layer in prepared.layers for linear in layer.linears]
        into_huge_pages(linear.memory for linear in (*linears, prepared.output.linear))
        return prepared


def _prepared(config: ModelConfig, layer: LayerWeights) -> PreparedLayer:
    after_attention, after_mlp = layer.post_attention_norm, layer.post_mlp_norm
    query, output = _grouped(config, layer.query, dim=0), _grouped(config, layer.output, dim=1)
    return PreparedLayer(
        input_scale=_scale(config, layer.attention_norm),
        projection=linear_of(torch.cat((query, layer.key, layer.value)), _projection_bias(config, layer)),
        output=linear_of(output, layer.output_bias),
        middle_scale=_scale(config, layer.mlp_norm),
        gate_up=linear_of(torch.cat((layer.gate, layer.up))),
        down=linear_of(layer.down),
        head_scale=_head_scale(config, layer),
        attention_scale=None if after_attention is None else _scale(config, after_attention),
        mlp_scale=None if after_mlp is None else _scale(config, after_mlp),
    )


def _grouped(config: ModelConfig, weight: torch.Tensor, *, dim: int) -> torch.Tensor:
    """Return weights with the query heads (heads * head_dim along a dimension) in attention's order.

    Not the heads of the first head of keys, then those of the second, but the first head of each, then the second.
    """
    heads = torch.arange(config.num_heads).view(config.num_kv_heads, config.queries_per_kv_head).t()
    numbers = heads.reshape(-1, 1) * config.head_dim + torch.arange(config.head_dim)
    return weight.index_select(dim, numbers.flatten())


def _scale(config: ModelConfig, norm: torch.Tensor) -> torch.Tensor:
    """Return what a norm multiplies a row of length 1 by, in float32."""
    scale: torch.Tensor = (norm.float() + config.norm_adds_one) * norm.shape[-1] ** 0.5
    return scale


def _head_scale(config: ModelConfig, layer: LayerWeights) -> torch.Tensor | None:
    """Return the scales of all heads of queries and keys: (heads + kv_heads, head_dim)."""
    if layer.query_norm is None or layer.key_norm is None:
        return None
    query, key = _scale(config, layer.query_norm), _scale(config, layer.key_norm)
    return torch.cat((query.expand(config.num_heads, -1), key.expand(config.num_kv_heads, -1)))


def _projection_bias(config: ModelConfig, layer: LayerWeights) -> torch.Tensor | None:
    if layer.query_bias is None or layer.key_bias is None or layer.value_bias is None:
        return None
    return torch.cat((_grouped(config, layer.query_bias, dim=0), layer.key_bias, layer.value_bias))
