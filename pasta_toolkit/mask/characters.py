"""Sets of Unicode characters as sorted ranges, and their partition into classes. Knows no bytes and no grammar."""

from bisect import bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TypeAlias

__all__ = ["ALL_CHARACTERS", "CharacterClasses", "Ranges", "complement", "union"]

Ranges: TypeAlias = tuple[tuple[int, int], ...]  # sorted, disjoint, inclusive at both ends

LAST_CHARACTER = 0x10FFFF
FIRST_SURROGATE, LAST_SURROGATE = 0xD800, 0xDFFF
ALL_CHARACTERS: Ranges = ((0, FIRST_SURROGATE - 1), (LAST_SURROGATE + 1, LAST_CHARACTER))


def union(ranges: Iterable[tuple[int, int]]) -> Ranges:
    """Return the union of ranges, without surrogates: no stream of UTF-8 holds them.

    >>> union([(5, 9), (0, 4), (20, 21)])
    ((0, 9), (20, 21))
    """
    merged: list[tuple[int, int]] = []
    for low, high in sorted(piece for wanted in ranges for piece in _without_surrogates(*wanted)):
        if merged and low <= merged[-1][1] + 1:
            merged[-1] = (merged[-1][0], max(high, merged[-1][1]))
        else:
            merged.append((low, high))
    return tuple(merged)


def complement(ranges: Ranges) -> Ranges:
    """Return all characters that are in none of the ranges."""
    gaps, following = [], 0
    for low, high in ranges:
        if low > following:
            gaps.append((following, low - 1))
        following = high + 1
    if following <= LAST_CHARACTER:
        gaps.append((following, LAST_CHARACTER))
    return union(gaps)


def _without_surrogates(low: int, high: int) -> Iterable[tuple[int, int]]:
    if low < FIRST_SURROGATE:
        yield low, min(high, FIRST_SURROGATE - 1)
    if high > LAST_SURROGATE:
        yield max(low, LAST_SURROGATE + 1), high


@dataclass(frozen=True, slots=True)
class CharacterClasses:
    """The coarsest partition of all characters that keeps apart what any of the given sets keeps apart.

    The pieces are the ranges between neighbouring bounds; `class_of_piece[i]` is the class of the piece that begins at
    `piece_starts[i]`, -1 for the surrogates.
    """

    piece_starts: tuple[int, ...]
    class_of_piece: tuple[int, ...]
    num_classes: int

    @classmethod
    def of(cls, sets: Iterable[Ranges]) -> "CharacterClasses":
        """Build the partition that the sets need."""
        distinct = sorted({ALL_CHARACTERS, *sets})
        starts = sorted({bound for ranges in distinct for low, high in ranges for bound in (low, high + 1)})
        starts = [start for start in starts if start <= LAST_CHARACTER]
        numbers: dict[tuple[bool, ...], int] = {}
        classes = []
        for start in starts:
            if FIRST_SURROGATE <= start <= LAST_SURROGATE:
                classes.append(-1)
                continue
            members = tuple(_contains(ranges, start) for ranges in distinct)
            classes.append(numbers.setdefault(members, len(numbers)))
        return cls(tuple(starts), tuple(classes), len(numbers))

    def inside(self, ranges: Ranges) -> tuple[int, ...]:
        """Return the classes that make up a set, which must be one of those the partition was built from."""
        found = {
            number
            for start, number in zip(self.piece_starts, self.class_of_piece, strict=True)
            if number >= 0 and _contains(ranges, start)
        }
        return tuple(sorted(found))

    def of_character(self, character: int) -> int:
        """Return the class of one character, given as its code point."""
        return self.class_of_piece[bisect_right(self.piece_starts, character) - 1]


def _contains(ranges: Sequence[tuple[int, int]], character: int) -> bool:
    index = bisect_right(ranges, (character, LAST_CHARACTER + 1)) - 1
    return index >= 0 and ranges[index][0] <= character <= ranges[index][1]
