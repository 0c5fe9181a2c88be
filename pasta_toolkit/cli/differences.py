"""Shows changes of texts as unified diffs. The work stays linear for texts of any size."""

from collections.abc import Iterable, Iterator

from pasta_toolkit.cli.processing import Change

__all__ = ["unified_differences"]

# difflib takes quadratic time at worst; more changed lines than this are shown as one block.
MOST_LINES_COMPARED = 5000
CONTEXT_LINES = 3
NO_NEWLINE = "\n\\ No newline at end of file\n"


def unified_differences(path: str, changes: Iterable[Change]) -> Iterator[str]:
    """Yield a unified diff a change. That of a text file can be applied by `patch`; records are named by number."""
    for change in changes:
        name = path if change.number is None else f"{path}:{change.number}"
        yield "".join(_unified_diff(name, _lines(change.before), _lines(change.after)))


def _lines(text: str) -> list[str]:
    """Split at line feeds alone, as `patch` does."""
    lines = text.split("\n")
    return [f"{line}\n" for line in lines[:-1]] + ([lines[-1]] if lines[-1] else [])


def _unified_diff(name: str, before: list[str], after: list[str]) -> Iterator[str]:
    yield f"--- {name}\n+++ {name}\n"
    num_before = max(0, _num_equal(before, after) - CONTEXT_LINES)
    num_behind = max(0, _num_equal(before[num_before:][::-1], after[num_before:][::-1]) - CONTEXT_LINES)
    old, new = before[num_before : len(before) - num_behind], after[num_before : len(after) - num_behind]
    for group in _groups(old, new):
        first, last = group[0], group[-1]
        old_range = _range(num_before + first[1], num_before + last[2])
        yield f"@@ -{old_range} +{_range(num_before + first[3], num_before + last[4])} @@\n"
        for kind, old_start, old_end, new_start, new_end in group:
            if kind == "equal":
                yield from _marked(" ", old[old_start:old_end])
            else:
                yield from _marked("-", old[old_start:old_end])
                yield from _marked("+", new[new_start:new_end])


def _num_equal(one: list[str], other: list[str]) -> int:
    pairs = enumerate(zip(one, other, strict=False))
    return next((index for index, (line, other_line) in pairs if line != other_line), min(len(one), len(other)))


def _groups(old: list[str], new: list[str]) -> Iterable[list[tuple[str, int, int, int, int]]]:
    """Return groups of (kind, old start, old end, new start, new end), as difflib does."""
    from difflib import SequenceMatcher  # noqa: PLC0415

    if max(len(old), len(new)) <= MOST_LINES_COMPARED:
        return SequenceMatcher(None, old, new).get_grouped_opcodes(CONTEXT_LINES)
    return [[("replace", 0, len(old), 0, len(new))]]


def _range(start: int, end: int) -> str:
    """Write a range of lines as the unified format does: an empty one names the line before it."""
    length = end - start
    return f"{start + 1}" if length == 1 else f"{start + 1 if length else start},{length}"


def _marked(mark: str, lines: list[str]) -> Iterator[str]:
    for line in lines:
        yield f"{mark}{line}" if line.endswith("\n") else f"{mark}{line}{NO_NEWLINE}"
