"""A model's weights as the CUDA step wants them: what is multiplied with the same input lies in one matrix.

Knows the families' differences as far as they lie in weights; knows no step.
"""

from dataclasses import dataclass

import torch

from reference_engine.model.config import ModelConfig
from reference_engine.model.weights import LayerWeights, Model
from reference_engine.step.pool_writing import HeadNorms

__all__ = ["CudaLayer", "CudaWeights"]


@dataclass(frozen=True, slots=True)
class CudaLayer:
    """One layer. Norms add their one already; those that a family does not have are None."""

    attention_norm: torch.Tensor  # (hidden,)
    project: torch.Tensor  # ((heads + 2 * kv_heads) * head_dim, hidden): query, key, value
    project_bias: torch.Tensor | None
    head_norms: HeadNorms | None
    output: torch.Tensor  # (hidden, heads * head_dim)
    output_bias: torch.Tensor | None
    post_attention_norm: torch.Tensor | None  # (hidden,)
    mlp_norm: torch.Tensor  # (hidden,)
    gate_up: torch.Tensor  # (2 * intermediate, hidden)
    down: torch.Tensor  # (hidden, intermediate)
    post_mlp_norm: torch.Tensor | None  # (hidden,)


@dataclass(frozen=True, slots=True)
class CudaWeights:
    """All weights. Those that are not joined are the model's own tensors; whoever drops the model frees the others."""

    embedding: torch.Tensor  # (vocabulary, hidden)
    layers: tuple[CudaLayer, ...]
    final_norm: torch.Tensor  # (hidden,)
    output: torch.Tensor  # (vocabulary, hidden)

    @classmethod
    def of(cls, model: Model) -> "CudaWeights":
        """Join a model's weights, where they lie."""
        weights, config = model.weights, model.config
        layers = tuple(_joined(config, layer) for layer in weights.layers)
        return cls(weights.embedding, layers, _norm_weight(config, weights.final_norm), weights.output)


def _joined(config: ModelConfig, layer: LayerWeights) -> CudaLayer:
    return CudaLayer(
        attention_norm=_norm_weight(config, layer.attention_norm),
        project=torch.cat((layer.query, layer.key, layer.value)),
        project_bias=_joined_bias(layer),
        head_norms=_head_norms(config, layer),
        output=layer.output,
        output_bias=layer.output_bias,
        post_attention_norm=_optional_norm(config, layer.post_attention_norm),
        mlp_norm=_norm_weight(config, layer.mlp_norm),
        gate_up=torch.cat((layer.gate, layer.up)),
        down=layer.down,
        post_mlp_norm=_optional_norm(config, layer.post_mlp_norm),
    )


def _norm_weight(config: ModelConfig, weight: torch.Tensor) -> torch.Tensor:
    """Return what a norm multiplies by. 1 + w stays in float32: rounded to the weights' type, w would lose digits."""
    return 1 + weight.float() if config.norm_adds_one else weight


def _optional_norm(config: ModelConfig, weight: torch.Tensor | None) -> torch.Tensor | None:
    return None if weight is None else _norm_weight(config, weight)


def _head_norms(config: ModelConfig, layer: LayerWeights) -> HeadNorms | None:
    if layer.query_norm is None or layer.key_norm is None:
        return None
    query, key = (_norm_weight(config, weight).float() for weight in (layer.query_norm, layer.key_norm))
    return HeadNorms(query, key, config.norm_epsilon)


def _joined_bias(layer: LayerWeights) -> torch.Tensor | None:
    pairs = ((layer.query_bias, layer.query), (layer.key_bias, layer.key), (layer.value_bias, layer.value))
    if all(bias is None for bias, _ in pairs):
        return None
    return torch.cat([weight.new_zeros(len(weight)) if bias is None else bias for bias, weight in pairs])
