"""Loads a model from wherever it lies: a fetched one by its name, a folder, or a GGUF file."""

from pathlib import Path

import torch

from reference_engine.errors import ModelError
from reference_engine.model.folder import load_folder
from reference_engine.model.known import KNOWN_MODELS, known_folder
from reference_engine.model.weights import Model

__all__ = ["load_model", "model_path"]

GGUF_SUFFIX = ".gguf"


def load_model(source: str | Path, *, dtype: torch.dtype = torch.float32, device: torch.device | str = "cpu") -> Model:
    """Return the model of a known name (`smollm2`), of a folder of Hugging Face's form, or of a GGUF file.

    Raises:
        ModelError: there is no such model or device, its file is damaged, or the engine cannot run it.
    """
    _check_device(torch.device(device))
    path = model_path(source)
    if path.suffix != GGUF_SUFFIX:
        return load_folder(path, dtype=dtype, device=device)
    from reference_engine.model.gguf_file import load_gguf  # noqa: PLC0415  # needs a package that folders do not

    return load_gguf(path, dtype=dtype, device=device)


def _check_device(device: torch.device) -> None:
    if device.type == "cuda" and not torch.cuda.is_available():
        raise ModelError(f"PyTorch finds no GPU for the device {str(device)!r}; the device 'cpu' is always there")


def model_path(source: str | Path) -> Path:
    """Return the folder or file that a source names.

    Raises:
        ModelError: there is none.
    """
    if isinstance(source, str) and source in KNOWN_MODELS:
        return known_folder(source)
    path = Path(source)
    if path.is_dir() or (path.suffix == GGUF_SUFFIX and path.is_file()):
        return path
    known = " or ".join(KNOWN_MODELS)
    raise ModelError(f"no model {str(source)!r}: give {known}, a folder with safetensors, or a {GGUF_SUFFIX} file")
