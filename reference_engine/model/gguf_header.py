"""Opens a GGUF file and finds its tensors. Knows where they lie, not what their types mean."""

import struct
from collections.abc import Mapping
from dataclasses import dataclass
from math import prod
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pasta_toolkit.tokens.gguf import GgufError, GgufReader, named_damage
from reference_engine.errors import ModelError

__all__ = ["GgufFile", "GgufTensor", "open_gguf"]

MOST_DIMENSIONS = 4
ALIGNMENT_KEY, DEFAULT_ALIGNMENT = "general.alignment", 32


@dataclass(frozen=True, slots=True)
class GgufTensor:
    """Where a tensor lies: `shape` as PyTorch has it, `kind` GGUF's number of its type, `offset` behind the header."""

    name: str
    shape: tuple[int, ...]
    kind: int
    offset: int


@dataclass(frozen=True, slots=True)
class GgufFile:
    """A file's metadata and tensors; `content` is the mapped file."""

    path: Path
    metadata: Mapping[str, Any]
    tensors: Mapping[str, GgufTensor]
    content: NDArray[np.uint8]
    data_start: int

    def rows(self, tensor: GgufTensor, *, numbers_per_block: int, bytes_per_block: int) -> NDArray[np.uint8]:
        """Return the bytes of a tensor, (..., bytes of a row), a view.

        Raises:
            ModelError: its rows are no whole blocks, or it lies beyond the end of the file.
        """
        blocks, rest = divmod(tensor.shape[-1], numbers_per_block)
        shape = (*tensor.shape[:-1], blocks * bytes_per_block)
        start = self.data_start + tensor.offset
        end = start + prod(shape)
        if rest or end > len(self.content):
            fault = "has rows of broken blocks" if rest else "lies beyond the end of the file"
            raise ModelError(f"{str(self.path)!r} is damaged or breaks off: the tensor {tensor.name!r} {fault}")
        return self.content[start:end].reshape(shape)


def open_gguf(path: Path) -> GgufFile:
    """Read the header of a file.

    Raises:
        ModelError: it is no GGUF file, or it is damaged or breaks off.
    """
    try:
        content: NDArray[np.uint8] = np.memmap(path, mode="r")
        reader = GgufReader(content.data, str(path))
        with named_damage(path):
            metadata = reader.metadata()
            tensors = {tensor.name: tensor for tensor in [_tensor(reader) for _ in range(reader.num_tensors)]}
    except GgufError as error:
        raise ModelError(str(error)) from error
    except (OSError, ValueError) as error:  # ValueError: an empty file cannot be mapped
        raise ModelError(f"cannot read {str(path)!r}: {error}") from error
    alignment = metadata.get(ALIGNMENT_KEY, DEFAULT_ALIGNMENT)
    if type(alignment) is not int or alignment < 1:
        raise ModelError(f"the header of {str(path)!r} is damaged: an alignment of {alignment!r}")
    start = -(-reader.offset // alignment) * alignment
    return GgufFile(path, MappingProxyType(metadata), MappingProxyType(tensors), content, start)


def _tensor(reader: GgufReader) -> GgufTensor:
    name, num_dimensions = reader.string(), reader.scalar("I")
    if not 1 <= num_dimensions <= MOST_DIMENSIONS:
        raise struct.error(f"the tensor {name!r} has {num_dimensions} dimensions")
    shape = tuple(reversed([reader.scalar("Q") for _ in range(num_dimensions)]))
    return GgufTensor(name, shape, kind=reader.scalar("I"), offset=reader.scalar("Q"))
