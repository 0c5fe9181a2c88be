"""Reads and writes a model as a folder in the form of Hugging Face: config.json and safetensors. Never a pickle.

Tensors on the CPU that keep their type are mapped, not read: a load takes no longer for a larger model.
"""

import json
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file

from reference_engine.errors import ModelError
from reference_engine.model.config import ModelConfig
from reference_engine.model.config_file import CONFIG_FILE, read_config
from reference_engine.model.config_output import config_to_json
from reference_engine.model.json_values import read_json
from reference_engine.model.layout import Shape, assemble_weights
from reference_engine.model.tensor_names import PREFIXES, tensor_name, tensor_names
from reference_engine.model.weights import Model, ModelWeights

__all__ = ["load_folder", "save_folder"]

SINGLE_FILE = "model.safetensors"
INDEX_FILE = "model.safetensors.index.json"
PICKLES = ("pytorch_model*.bin", "*.pt", "*.pth")
TYPES = (torch.float32, torch.float16, torch.bfloat16)
DERIVED = "rotary_emb.inv_freq"  # old files store the frequencies too; they follow from config.json


def load_folder(folder: Path, *, dtype: torch.dtype, device: torch.device | str) -> Model:
    """Read the model of a folder.

    Raises:
        ModelError: a file is missing or damaged, or is not what config.json says.
    """
    config = read_config(folder)
    with ExitStack() as opened:
        files = _Files(folder, opened)
        files.check_names(config)

        def read(field: str, layer: int | None, shape: Shape) -> torch.Tensor:
            name = tensor_name(config, field, layer=layer, prefix=files.prefix)
            return files.tensor(name, shape).to(device=device, dtype=dtype)

        return Model(name=folder.resolve().name, config=config, weights=assemble_weights(config, read))


def save_folder(model: Model, folder: Path) -> None:
    """Write a model so that `load_folder` and transformers read it back.

    Raises:
        ModelError: the folder cannot be written to.
    """
    content = config_to_json(model.config, dtype=str(model.dtype).removeprefix("torch."))
    tensors = dict(_named_tensors(model.config, model.weights))
    try:
        folder.mkdir(parents=True, exist_ok=True)
        (folder / CONFIG_FILE).write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")
        save_file(tensors, folder / SINGLE_FILE, metadata={"format": "pt"})
        (folder / SINGLE_FILE).chmod((folder / CONFIG_FILE).stat().st_mode)  # the library lets only the owner read it
    except (OSError, SafetensorError) as error:
        raise ModelError(f"cannot write the model to {str(folder)!r}: {error}") from error


def _named_tensors(config: ModelConfig, weights: ModelWeights) -> Iterator[tuple[str, torch.Tensor]]:
    for name, (field, layer) in tensor_names(config).items():
        owner = weights if layer is None else weights.layers[layer]
        yield name, getattr(owner, field).contiguous()


class _Files:
    """The open safetensors files of a folder, as one collection of named tensors."""

    def __init__(self, folder: Path, opened: ExitStack) -> None:
        self.folder = folder
        self.handles: dict[str, Any] = {}
        for path in _paths(folder):
            handle = opened.enter_context(_open(path))
            self.handles |= dict.fromkeys(handle.keys(), handle)
        found = (prefix for prefix in PREFIXES if f"{prefix}embed_tokens.weight" in self.handles)
        self.prefix = next(found, PREFIXES[0])

    def check_names(self, config: ModelConfig) -> None:
        """Demand exactly the tensors that the shape has; what stands beside the text model is none of ours."""
        expected = tensor_names(config, prefix=self.prefix)
        for name in expected:
            if name not in self.handles:
                raise ModelError(f"{str(self.folder)!r} lacks the tensor {name!r}, which its {CONFIG_FILE} calls for")
        for name in self.handles:
            if name.startswith(f"{self.prefix}layers.") and name not in expected and not name.endswith(DERIVED):
                raise ModelError(
                    f"{str(self.folder)!r} holds the tensor {name!r}, which its {CONFIG_FILE} does not know of"
                )

    def tensor(self, name: str, shape: Shape) -> torch.Tensor:
        """Return a tensor of the shape that it must have."""
        found: torch.Tensor = self.handles[name].get_tensor(name)
        if tuple(found.shape) != shape:
            raise ModelError(
                f"{str(self.folder)!r}: {name!r} has the shape {tuple(found.shape)}; {CONFIG_FILE} calls for {shape}"
            )
        if found.dtype not in TYPES:
            raise ModelError(
                f"{str(self.folder)!r}: {name!r} holds {str(found.dtype).removeprefix('torch.')} numbers; "
                "the engine reads float32, float16 and bfloat16"
            )
        return found


def _open(path: Path) -> Any:
    try:
        return safe_open(path, framework="pt")
    except (OSError, SafetensorError) as error:
        raise ModelError(f"cannot read {str(path)!r}, it is damaged or breaks off: {error}") from error


def _paths(folder: Path) -> list[Path]:
    """Return the files that hold the weights."""
    if (folder / INDEX_FILE).is_file():
        return _shards(folder)
    if (folder / SINGLE_FILE).is_file():
        return [folder / SINGLE_FILE]
    for pattern in PICKLES:
        for path in sorted(folder.glob(pattern)):
            raise ModelError(
                f"{str(folder)!r} has its weights as a pickle ({path.name}), which can run any code and is never "
                "loaded; save them as safetensors"
            )
    raise ModelError(f"{str(folder)!r} holds no weights: neither {SINGLE_FILE} nor {INDEX_FILE}")


def _shards(folder: Path) -> list[Path]:
    index = folder / INDEX_FILE
    places = read_json(index).get("weight_map")
    if not isinstance(places, dict) or not all(isinstance(name, str) for name in places.values()):
        raise ModelError(f"{str(index)!r} has no weight_map from tensors to files")
    names = sorted(set(places.values()))
    for name in names:
        if Path(name).name != name or not (folder / name).is_file():
            raise ModelError(f"{str(index)!r} names the file {name!r}, which the folder does not hold")
    return [folder / name for name in names]
