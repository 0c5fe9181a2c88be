"""Reads the metadata of a GGUF file and finds its tensors. Strict: no count is believed before its bytes are there.

The `gguf` package's own reader believes a damaged count and fills the memory, and takes seconds for a large vocabulary.
Source: the GGUF specification, versions 2 and 3 (ggml, `docs/gguf.md`).
"""

import struct
from collections.abc import Mapping
from dataclasses import dataclass
from math import prod
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from reference_engine.errors import ModelError

__all__ = ["GgufFile", "GgufTensor", "open_gguf"]

MAGIC = b"GGUF"
VERSIONS = (2, 3)
STRING, ARRAY = 8, 9
SCALARS = {0: "B", 1: "b", 2: "H", 3: "h", 4: "I", 5: "i", 6: "f", 7: "?", 10: "Q", 11: "q", 12: "d"}
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
        reader = _Reader(content.data, str(path))
        metadata, tensors = reader.header()
    except (struct.error, UnicodeDecodeError, OverflowError, LookupError, RecursionError) as error:
        raise ModelError(f"the header of {str(path)!r} is damaged or breaks off: {error}") from error
    except (OSError, ValueError) as error:  # ValueError: an empty file cannot be mapped
        raise ModelError(f"cannot read {str(path)!r}: {error}") from error
    alignment = metadata.get(ALIGNMENT_KEY, DEFAULT_ALIGNMENT)
    if type(alignment) is not int or alignment < 1:
        raise ModelError(f"the header of {str(path)!r} is damaged: an alignment of {alignment!r}")
    start = -(-reader.offset // alignment) * alignment
    return GgufFile(path, MappingProxyType(metadata), MappingProxyType(tensors), content, start)


class _Reader:
    """A place in the file that moves on with every value."""

    def __init__(self, content: memoryview, name: str) -> None:
        self.content = content
        self.name = name
        self.offset = 0

    def header(self) -> tuple[dict[str, Any], dict[str, GgufTensor]]:
        if bytes(self.take(len(MAGIC))) != MAGIC:
            raise ModelError(f"{self.name!r} is no GGUF file: it does not begin with {MAGIC!r}")
        version = self.scalar("I")
        if version not in VERSIONS:
            raise ModelError(f"{self.name!r} is GGUF version {version}; versions 2 and 3 are understood")
        num_tensors, num_pairs = self.scalar("Q"), self.scalar("Q")
        metadata: dict[str, Any] = {}
        for _ in range(num_pairs):
            key = self.string()
            metadata[key] = self.value(self.scalar("I"))
        tensors = [self.tensor() for _ in range(num_tensors)]
        return metadata, {tensor.name: tensor for tensor in tensors}

    def take(self, size: int) -> memoryview:
        """Return the next bytes, if the file has so many."""
        if size > len(self.content) - self.offset:
            raise struct.error(f"{size} bytes are missing at byte {self.offset}")
        self.offset += size
        return self.content[self.offset - size : self.offset]

    def scalar(self, code: str) -> Any:
        (value,) = struct.unpack(f"<{code}", self.take(struct.calcsize(f"<{code}")))
        return value

    def string(self) -> str:
        return bytes(self.take(self.scalar("Q"))).decode("utf-8")

    def value(self, kind: int) -> Any:
        if kind == STRING:
            return self.string()
        if kind != ARRAY:
            return self.scalar(SCALARS[kind])
        item_kind, num_items = self.scalar("I"), self.scalar("Q")
        if item_kind not in SCALARS:
            return [self.value(item_kind) for _ in range(num_items)]
        code = SCALARS[item_kind]
        content = self.take(num_items * struct.calcsize(f"<{code}"))
        return list(struct.unpack(f"<{num_items}{code}", content))

    def tensor(self) -> GgufTensor:
        name, num_dimensions = self.string(), self.scalar("I")
        if not 1 <= num_dimensions <= MOST_DIMENSIONS:
            raise struct.error(f"the tensor {name!r} has {num_dimensions} dimensions")
        shape = tuple(reversed([self.scalar("Q") for _ in range(num_dimensions)]))
        return GgufTensor(name, shape, kind=self.scalar("I"), offset=self.scalar("Q"))
