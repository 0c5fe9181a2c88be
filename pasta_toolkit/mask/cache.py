"""Keeps compiled masks on disk. Knows arrays and digests, nothing of what they mean.

An entry is named by a digest of everything it depends on, and begins with a digest of its own content: a damaged entry
is reported, never used.
"""

import hashlib
import json
import os
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pasta_toolkit.mask.errors import CacheError
from pasta_toolkit.user_cache import cache_folder

__all__ = ["default_cache_folder", "entry_path", "read_entry", "write_entry"]

FILE_FORMAT = 3
MAGIC = b"PASTAMASK%d" % FILE_FORMAT
DIGEST_BYTES = 32
START = len(MAGIC) + DIGEST_BYTES
LENGTH_BYTES = 8
ALIGNMENT = 64  # bytes: arrays are read where they lie, and compiled loops want them aligned


def default_cache_folder() -> Path:
    """Return the folder of compiled masks in the user's cache."""
    return cache_folder("masks")


def entry_path(folder: Path, digest: str) -> Path:
    """Return the file of an entry; one of another file format has another name."""
    return folder / f"{digest}.mask{FILE_FORMAT}"


def write_entry(path: Path, arrays: Mapping[str, NDArray[Any]], facts: Mapping[str, Any]) -> None:
    """Write an entry so that no reader ever sees half of it.

    Raises:
        CacheError: the folder cannot be written to.
    """
    shapes = [(name, array.dtype.str, list(array.shape)) for name, array in arrays.items()]
    header = json.dumps({"arrays": shapes, "facts": facts}).encode()
    header += b" " * _gap(START + LENGTH_BYTES + len(header))
    contents = [np.ascontiguousarray(array).tobytes() for array in arrays.values()]
    padded = [content + bytes(_gap(len(content))) for content in contents]
    body = b"".join([len(header).to_bytes(LENGTH_BYTES, "little"), header, *padded])
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, temporary = tempfile.mkstemp(dir=path.parent)
        with os.fdopen(handle, "wb") as file:
            file.write(MAGIC + _digest(body) + body)
        Path(temporary).replace(path)
    except OSError as error:
        raise CacheError(f"cannot write the mask cache {str(path)!r}: {error}") from error


def read_entry(path: Path) -> tuple[dict[str, NDArray[Any]], dict[str, Any]] | None:
    """Return the arrays and facts of an entry, None if there is none.

    Raises:
        CacheError: the entry is damaged or cannot be read.
    """
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        return None
    except OSError as error:
        raise CacheError(f"cannot read the mask cache {str(path)!r}: {error}") from error
    body = memoryview(content)[START:]
    if content[: len(MAGIC)] != MAGIC or content[len(MAGIC) : START] != _digest(body):
        raise CacheError(f"the mask cache {str(path)!r} is damaged: delete the file, and it is built anew")
    return _arrays_and_facts(content)


def _arrays_and_facts(content: bytes) -> tuple[dict[str, NDArray[Any]], dict[str, Any]]:
    begin = START + LENGTH_BYTES
    offset = begin + int.from_bytes(content[START:begin], "little")
    header = json.loads(content[begin:offset])
    arrays = {}
    for name, kind, shape in header["arrays"]:
        count = int(np.prod(shape))
        arrays[name] = np.frombuffer(content, dtype=kind, count=count, offset=offset).reshape(shape)
        offset += arrays[name].nbytes + _gap(arrays[name].nbytes)
    return arrays, header["facts"]


def _gap(num_bytes: int) -> int:
    """Count the bytes up to the next aligned place."""
    return -num_bytes % ALIGNMENT


def _digest(body: bytes | memoryview) -> bytes:
    return hashlib.sha256(body).digest()  # which processors have instructions for
