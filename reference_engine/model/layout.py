"""Which tensors a model has, and how large they are. Knows the fields of the weights, no file's names for them."""

from collections.abc import Callable

import torch

from reference_engine.model.config import ModelConfig
from reference_engine.model.weights import LayerWeights, ModelWeights

__all__ = ["EMBEDDING", "FINAL_NORM", "OUTPUT", "Shape", "assemble_weights", "layer_shapes", "model_shapes"]

Shape = tuple[int, ...]

EMBEDDING = "embedding"
FINAL_NORM = "final_norm"
OUTPUT = "output"


def model_shapes(config: ModelConfig) -> dict[str, Shape]:
    """Return the shape of each tensor that stands beside the layers; no output where it is the embedding itself."""
    shapes = {EMBEDDING: (config.vocabulary_size, config.hidden_size), FINAL_NORM: (config.hidden_size,)}
    return shapes if config.has_tied_embedding else {**shapes, OUTPUT: shapes[EMBEDDING]}


def layer_shapes(config: ModelConfig) -> dict[str, Shape]:
    """Return the shape of each tensor of a layer, by its field of `LayerWeights`."""
    hidden, inner = config.hidden_size, config.intermediate_size
    queries, keys = config.num_heads * config.head_dim, config.num_kv_heads * config.head_dim
    shapes: dict[str, Shape] = {
        "attention_norm": (hidden,),
        "query": (queries, hidden),
        "key": (keys, hidden),
        "value": (keys, hidden),
        "output": (hidden, queries),
        "mlp_norm": (hidden,),
        "gate": (inner, hidden),
        "up": (inner, hidden),
        "down": (hidden, inner),
    }
    if config.has_attention_bias:
        shapes |= {"query_bias": (queries,), "key_bias": (keys,), "value_bias": (keys,)}
    if config.has_output_bias:
        shapes |= {"output_bias": (hidden,)}
    if config.has_query_key_norm:
        shapes |= {"query_norm": (config.head_dim,), "key_norm": (config.head_dim,)}
    if config.has_post_norms:
        shapes |= {"post_attention_norm": (hidden,), "post_mlp_norm": (hidden,)}
    return shapes


def assemble_weights(config: ModelConfig, read: Callable[[str, int | None, Shape], torch.Tensor]) -> ModelWeights:
    """Build the weights by reading each tensor: `read(field, layer, shape)`, where layer None is beside the layers."""
    beside = {name: read(name, None, shape) for name, shape in model_shapes(config).items()}
    shapes = layer_shapes(config)
    layers = tuple(
        LayerWeights(**{name: read(name, layer, shape) for name, shape in shapes.items()})
        for layer in range(config.num_layers)
    )
    return ModelWeights(
        embedding=beside[EMBEDDING],
        layers=layers,
        final_norm=beside[FINAL_NORM],
        output=beside.get(OUTPUT, beside[EMBEDDING]),
    )
