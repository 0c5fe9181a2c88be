"""Finds the fenced examples of a Markdown file."""

from dataclasses import dataclass
from pathlib import Path

__all__ = ["Fence", "fences"]

MARK = "```"


@dataclass(frozen=True, slots=True)
class Fence:
    """One fenced example: the words behind the opening mark, the text between the marks, and where it begins."""

    info: tuple[str, ...]
    text: str
    line: int


def fences(path: Path) -> list[Fence]:
    """Return the fences of a file in order."""
    found: list[Fence] = []
    opened: tuple[tuple[str, ...], int] | None = None
    lines = path.read_text(encoding="utf-8").split("\n")
    for number, line in enumerate(lines, start=1):
        if not line.startswith(MARK):
            continue
        if opened is None:
            opened = (tuple(line.removeprefix(MARK).split()), number)
        else:
            info, first = opened
            found.append(Fence(info, "\n".join(lines[first : number - 1]), first))
            opened = None
    assert opened is None, f"{path}: the fence of line {opened} is never closed"
    return found
