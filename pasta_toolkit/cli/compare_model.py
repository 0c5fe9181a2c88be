"""Describes a loaded model to the simulator. Reads no weights."""

from pasta_toolkit.specs import ModelSpec
from reference_engine import Model

__all__ = ["model_spec_of"]


def model_spec_of(model: Model) -> ModelSpec:
    """Return the spec of a model that the engine runs."""
    config = model.config
    return ModelSpec(
        name=model.name,
        num_layers=config.num_layers,
        hidden_size=config.hidden_size,
        feed_forward_size=config.intermediate_size,
        num_query_heads=config.num_heads,
        num_kv_heads=config.num_kv_heads,
        head_size=config.head_dim,
        vocabulary_size=config.vocabulary_size,
        has_tied_embeddings=config.has_tied_embedding,
        source=("the model's own configuration",),
        has_query_key_norm=config.has_query_key_norm,
        weight_bytes=model.dtype.itemsize,
        kv_bytes=model.dtype.itemsize,
    )
