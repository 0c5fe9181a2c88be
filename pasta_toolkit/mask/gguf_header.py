"""Reads the metadata of a GGUF file, and nothing of its tensors.

Source: the GGUF specification, version 3 (ggml, `docs/gguf.md`). The `gguf` package reads the tensors as well and takes
seconds for a large vocabulary, and it refuses a file that holds the header alone.
"""

import mmap
import struct
from pathlib import Path
from typing import Any

from pasta_toolkit.mask.errors import VocabularyError

__all__ = ["read_gguf_metadata"]

MAGIC = b"GGUF"
VERSIONS = (2, 3)
STRING, ARRAY = 8, 9
SCALARS = {0: "B", 1: "b", 2: "H", 3: "h", 4: "I", 5: "i", 6: "f", 7: "?", 10: "Q", 11: "q", 12: "d"}


def read_gguf_metadata(path: Path) -> dict[str, Any]:
    """Return the keys and values of a file.

    Raises:
        VocabularyError: no GGUF file, or one that breaks off inside its header.
    """
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content:
        if content[: len(MAGIC)] != MAGIC:
            raise VocabularyError(f"{str(path)!r} is no GGUF file: it does not begin with {MAGIC!r}")
        try:
            return _Reader(content, str(path)).metadata()
        except (struct.error, UnicodeDecodeError, KeyError) as error:
            raise VocabularyError(f"the header of {str(path)!r} is damaged or breaks off") from error


class _Reader:
    """A place in the file that moves on with every value."""

    def __init__(self, content: mmap.mmap, name: str) -> None:
        self.content = content
        self.name = name
        self.offset = len(MAGIC)

    def metadata(self) -> dict[str, Any]:
        version = self.scalar("I")
        if version not in VERSIONS:
            raise VocabularyError(f"{self.name!r} is GGUF version {version}; versions 2 and 3 are understood")
        _num_tensors, num_pairs = self.scalar("Q"), self.scalar("Q")
        return {self.string(): self.value(self.scalar("I")) for _ in range(num_pairs)}

    def scalar(self, code: str) -> Any:
        (value,) = struct.unpack_from(f"<{code}", self.content, self.offset)
        self.offset += struct.calcsize(f"<{code}")
        return value

    def string(self) -> str:
        start = self.offset + 8
        (num_bytes,) = struct.unpack_from("<Q", self.content, self.offset)
        self.offset = start + num_bytes
        if self.offset > len(self.content):
            raise struct.error("a string breaks off")
        return self.content[start : self.offset].decode("utf-8")

    def value(self, kind: int) -> Any:
        if kind == STRING:
            return self.string()
        if kind != ARRAY:
            return self.scalar(SCALARS[kind])
        item_kind, num_items = self.scalar("I"), self.scalar("Q")
        if item_kind in SCALARS:
            code = f"<{num_items}{SCALARS[item_kind]}"
            values = struct.unpack_from(code, self.content, self.offset)
            self.offset += struct.calcsize(code)
            return values
        return [self.value(item_kind) for _ in range(num_items)]
