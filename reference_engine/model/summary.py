"""What a model costs, from its shape alone: parameters, bytes, bytes of KV cache a token. Reads no weights."""

from dataclasses import asdict, dataclass
from math import prod
from pathlib import Path
from typing import Any

import torch

from reference_engine.model.config import ModelConfig
from reference_engine.model.config_file import read_config
from reference_engine.model.gguf_file import read_gguf_config
from reference_engine.model.gguf_header import open_gguf
from reference_engine.model.json_values import read_json
from reference_engine.model.known import ORIGIN_FILE
from reference_engine.model.layout import layer_shapes, model_shapes
from reference_engine.model.loading import GGUF_SUFFIX, model_path
from reference_engine.pool.storage import KvStorage

__all__ = ["ModelSummary", "num_parameters", "summarise"]


@dataclass(frozen=True, slots=True)
class ModelSummary:
    """A model's place, shape and cost; `origin` is what a fetched model knows of where it came from."""

    name: str
    path: str
    config: ModelConfig
    num_parameters: int
    num_file_bytes: int
    kv_bytes_per_token: dict[str, int]  # by the type of the numbers
    origin: dict[str, Any]

    def as_json(self) -> dict[str, Any]:
        """Return the summary as JSON has it."""
        return asdict(self)


def num_parameters(config: ModelConfig) -> int:
    """Return the numbers in all tensors of a model; a tied output counts once."""
    beside = sum(prod(shape) for shape in model_shapes(config).values())
    return beside + config.num_layers * sum(prod(shape) for shape in layer_shapes(config).values())


def summarise(source: str | Path) -> ModelSummary:
    """Describe the model of a source, as `load_model` takes it.

    Raises:
        ModelError: there is no such model, or the engine cannot run it.
    """
    path = model_path(source)
    is_file = path.suffix == GGUF_SUFFIX
    config = read_gguf_config(open_gguf(path)) if is_file else read_config(path)
    weights = [path] if is_file else sorted(path.glob("*.safetensors"))
    origin = path / ORIGIN_FILE
    return ModelSummary(
        name=path.stem if is_file else path.resolve().name,
        path=str(path),
        config=config,
        num_parameters=num_parameters(config),
        num_file_bytes=sum(file.stat().st_size for file in weights),
        kv_bytes_per_token={
            str(dtype).removeprefix("torch."): KvStorage.bytes_needed(config, 1, dtype=dtype)
            for dtype in (torch.float32, torch.bfloat16)
        },
        origin=read_json(origin) if origin.is_file() else {},
    )
