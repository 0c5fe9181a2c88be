"""The weights of a model as named tensors. Linear weights are (out, in), as PyTorch has them; knows no files."""

from dataclasses import dataclass

import torch

from reference_engine.model.config import ModelConfig

__all__ = ["LayerWeights", "Model", "ModelWeights"]


@dataclass(frozen=True, slots=True)
class LayerWeights:
    """One layer. Biases are None where the family has none (Qwen 2 has those of query, key and value)."""

    attention_norm: torch.Tensor  # (hidden,)
    query: torch.Tensor  # (heads * head_dim, hidden)
    key: torch.Tensor  # (kv_heads * head_dim, hidden)
    value: torch.Tensor  # (kv_heads * head_dim, hidden)
    output: torch.Tensor  # (hidden, heads * head_dim)
    mlp_norm: torch.Tensor  # (hidden,)
    gate: torch.Tensor  # (intermediate, hidden)
    up: torch.Tensor  # (intermediate, hidden)
    down: torch.Tensor  # (hidden, intermediate)
    query_bias: torch.Tensor | None = None
    key_bias: torch.Tensor | None = None
    value_bias: torch.Tensor | None = None
    output_bias: torch.Tensor | None = None
    query_norm: torch.Tensor | None = None  # (head_dim,)
    key_norm: torch.Tensor | None = None  # (head_dim,)
    post_attention_norm: torch.Tensor | None = None  # (hidden,)
    post_mlp_norm: torch.Tensor | None = None  # (hidden,)


@dataclass(frozen=True, slots=True)
class ModelWeights:
    """All weights; `output` is the embedding itself where they are tied."""

    embedding: torch.Tensor  # (vocabulary, hidden)
    layers: tuple[LayerWeights, ...]
    final_norm: torch.Tensor  # (hidden,)
    output: torch.Tensor  # (vocabulary, hidden)


@dataclass(frozen=True, slots=True)
class Model:
    """A model that can run: its shape, its weights, and where it came from."""

    name: str
    config: ModelConfig
    weights: ModelWeights

    @property
    def dtype(self) -> torch.dtype:
        """The type of the weights."""
        return self.weights.embedding.dtype

    @property
    def device(self) -> torch.device:
        """Where the weights lie."""
        return self.weights.embedding.device
