"""Puts new texts into the bytes of a chunk. Every byte outside of the changed texts stays as it was."""

from collections.abc import Mapping

from pasta_toolkit.records.chunks import Chunk
from pasta_toolkit.records.json_object import set_field

__all__ = ["rewrite_chunk"]


def rewrite_chunk(chunk: Chunk, texts: Mapping[int | None, str], *, field: str) -> bytes | None:
    """Return the chunk's bytes with other texts in the records of these numbers (None: the one record of a text).

    None stands for no bytes: the rows of a table cannot be written anew. A record that is nested too deeply to be
    taken apart stays as it is.
    """
    if chunk.kind == "rows":
        return None
    if chunk.kind == "text":
        return texts[None].encode("utf-8")
    lines = chunk.data.split(b"\n")
    for number, text in texts.items():
        if number is not None:
            index = number - chunk.first_number
            lines[index] = _with_text(lines[index], field, text)
    return b"\n".join(lines)


def _with_text(line: bytes, field: str, text: str) -> bytes:
    try:
        return set_field(line.decode("utf-8"), field, text).encode("utf-8")
    except RecursionError:
        return line
