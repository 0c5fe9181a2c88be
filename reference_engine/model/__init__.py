"""Models: their shape, their weights, and how they are read from files."""

from reference_engine.model.config import ModelConfig, RopeScaling
from reference_engine.model.folder import save_folder
from reference_engine.model.loading import load_model
from reference_engine.model.random_weights import random_model
from reference_engine.model.weights import LayerWeights, Model, ModelWeights

__all__ = [
    "LayerWeights",
    "Model",
    "ModelConfig",
    "ModelWeights",
    "RopeScaling",
    "load_model",
    "random_model",
    "save_folder",
]
