"""Models of random weights, for tests and measurements: any shape, no file. Knows nothing of what is read from disk."""

import torch

from reference_engine.model.config import ModelConfig
from reference_engine.model.layout import EMBEDDING, Shape, assemble_weights
from reference_engine.model.weights import Model

__all__ = ["random_model"]

SPREAD = 0.1  # of biases, and of a norm's weights around what leaves values as they are


def random_model(
    config: ModelConfig, *, generator: torch.Generator, dtype: torch.dtype = torch.float32, name: str = "random"
) -> Model:
    """Return a model on the CPU whose logits are lively: each linear layer keeps the variance of what it is given."""

    def draw(field: str, layer: int | None, shape: Shape) -> torch.Tensor:
        del layer
        values = torch.randn(shape, generator=generator)
        if field == EMBEDDING:
            values /= config.embedding_scale
        elif len(shape) > 1:
            values *= shape[-1] ** -0.5
        else:
            values *= SPREAD
            values += 1 if field.endswith("norm") and not config.norm_adds_one else 0
        return values.to(dtype)

    return Model(name=name, config=config, weights=assemble_weights(config, draw))
