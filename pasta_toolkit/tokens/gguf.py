"""Reads the metadata of a GGUF file, and nothing of its tensors. Believes no count before its bytes are there.

The `gguf` package's own reader reads the tensors as well, takes seconds for a large vocabulary, fills the memory where
a count is damaged, and refuses a file that holds the header alone.
Source: the GGUF specification, versions 2 and 3 (ggml, `docs/gguf.md`).
"""

import mmap
import struct
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from grammar import PastaError

__all__ = ["GgufError", "GgufReader", "named_damage", "read_gguf_metadata"]

MAGIC = b"GGUF"
VERSIONS = (2, 3)
STRING, ARRAY = 8, 9
SCALARS = {0: "B", 1: "b", 2: "H", 3: "h", 4: "I", 5: "i", 6: "f", 7: "?", 10: "Q", 11: "q", 12: "d"}


class GgufError(PastaError):
    """Report a file that is no GGUF file, of another version, damaged, or breaking off inside its header."""


def read_gguf_metadata(path: Path) -> dict[str, Any]:
    """Return the keys and values of a file.

    Raises:
        GgufError: no GGUF file, or one whose header is damaged.
        OSError, ValueError: the file cannot be read, or is empty.
    """
    with (
        path.open("rb") as file,
        mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content,
        named_damage(path),
    ):
        return GgufReader(content, str(path)).metadata()


@contextmanager
def named_damage(path: Path) -> Iterator[None]:
    """Turn what a reader trips over into one sentence that names the file."""
    try:
        yield
    except (struct.error, UnicodeDecodeError, OverflowError, LookupError, RecursionError) as error:
        raise GgufError(f"the header of {str(path)!r} is damaged or breaks off: {error}") from error


class GgufReader:
    """A place in the file that moves on with every value. Ask for the metadata first: tensors stand behind it.

    Raises `struct.error` and its like where the header is damaged; see `named_damage`.
    """

    def __init__(self, content: mmap.mmap | memoryview, name: str) -> None:
        self.content = content
        self.name = name
        self.offset = 0
        self.num_tensors = 0

    def metadata(self) -> dict[str, Any]:
        """Read the keys and values at the beginning of the file.

        Raises:
            GgufError: it is no GGUF file, or of another version.
        """
        if self.take(len(MAGIC)) != MAGIC:
            raise GgufError(f"{self.name!r} is no GGUF file: it does not begin with {MAGIC!r}")
        version = self.scalar("I")
        if version not in VERSIONS:
            raise GgufError(f"{self.name!r} is GGUF version {version}; versions 2 and 3 are understood")
        self.num_tensors, num_pairs = self.scalar("Q"), self.scalar("Q")
        return {self.string(): self.value(self.scalar("I")) for _ in range(num_pairs)}

    def take(self, size: int) -> bytes:
        """Return the next bytes, if the file has so many."""
        if size > len(self.content) - self.offset:
            raise struct.error(f"{size} bytes are missing at byte {self.offset}")
        self.offset += size
        return bytes(self.content[self.offset - size : self.offset])

    def scalar(self, code: str) -> Any:
        """Return the next number, of a type as `struct` names it."""
        (value,) = struct.unpack(f"<{code}", self.take(struct.calcsize(f"<{code}")))
        return value

    def string(self) -> str:
        """Return the next string."""
        return self.take(self.scalar("Q")).decode("utf-8")

    def value(self, kind: int) -> Any:
        """Return the next value of a kind: a number, a string, or a list."""
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
