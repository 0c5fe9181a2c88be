"""Finds the governor of each block: what it stands under. Knows blocks, and no tokens, branches or tags.

Headings govern their section. A lead-in, which ends with a colon, governs the list or the one block behind it, or the
sections that follow it. An item of an ordered list governs what stands between it and the next number, where Markdown
has ended the list. What follows code, a formula or verse may build on it, so these govern all that follows, and so do
the paragraphs of a story. The introduction governs all.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from pasta_toolkit.annotate.blocks import Block, BlockKind, next_in_list
from pasta_toolkit.annotate.paragraphs import is_speech

__all__ = ["NOBODY", "find_governors"]

NOBODY = -1
COLONS = (":", "\uff1a")
LEADING_KINDS = (BlockKind.PARAGRAPH, BlockKind.LINE, BlockKind.ITEM)
USED_KINDS = (BlockKind.CODE, BlockKind.FORMULA, BlockKind.VERSE)
LISTED_KINDS = (BlockKind.ITEM, BlockKind.LINE)

FEWEST_SPEECHES = 3
SPEECH_SHARE = 4  # in a story, one paragraph in so many holds speech

EVERYTHING = -1  # the rank of a title or an introduction: no heading ends its reign
NO_HEADING = 99  # the rank of lead-ins and items: any heading ends their reign


def find_governors(text: str, blocks: Sequence[Block], *, keeps_introduction: bool) -> tuple[int, ...]:
    """Return the index of each block's governor, or -1. What one block governs stands together, right behind it."""
    finder = _Finder(text, blocks, keeps_introduction)
    return tuple(map(finder.governor_of, range(len(blocks))))


@dataclass(frozen=True, slots=True)
class _Reign:
    """Over which blocks `governor` reigns: those before `until`, unless a heading of its rank or above comes first."""

    governor: int
    until: int
    rank: int


class _Finder:
    """Walks the blocks in order with a stack of those that govern."""

    def __init__(self, text: str, blocks: Sequence[Block], keeps_introduction: bool) -> None:
        self.text, self.blocks = text, blocks
        self.last_of_list = {block.list_index: index for index, block in enumerate(blocks)}
        self.next_in_list = next_in_list(blocks)
        num_titles = int(_has_title(blocks))
        self.num_openings = num_titles + (keeps_introduction and _is_introduction(blocks, num_titles))
        self.is_story = _is_story(text, blocks)
        self.reigns: list[_Reign] = []

    def governor_of(self, index: int) -> int:
        """Name the governor of a block, which may itself begin to reign; call this for each block in order."""
        self._end_reigns(index)
        governor = self.reigns[-1].governor if self.reigns else NOBODY
        reign = self._reign(index)
        if reign is not None:
            self.reigns.append(reign)
        return governor

    def _end_reigns(self, index: int) -> None:
        block = self.blocks[index]
        is_heading = block.kind is BlockKind.HEADING and index >= self.num_openings
        while self.reigns:
            last = self.reigns[-1]
            if last.until > index and not (is_heading and last.rank >= _rank(block)):
                return
            self.reigns.pop()

    def _reign(self, index: int) -> _Reign | None:
        block = self.blocks[index]
        if index < self.num_openings:
            return _Reign(index, len(self.blocks), EVERYTHING)
        if block.kind is BlockKind.HEADING:
            return _Reign(index, len(self.blocks), _rank(block))
        if block.kind in USED_KINDS or (self.is_story and block.kind is BlockKind.PARAGRAPH):
            return _Reign(index, len(self.blocks), EVERYTHING)
        if block.number is not None and self.next_in_list.get(index, 0) > index + 1:
            return _Reign(index, self.next_in_list[index], NO_HEADING)
        if index + 1 < len(self.blocks) and self._ends_with_colon(block):
            return self._lead_in(index)
        return None

    def _ends_with_colon(self, block: Block) -> bool:
        end = self.text[block.start : block.end].rstrip().rstrip("*_")
        return block.kind in LEADING_KINDS and end.endswith(COLONS)

    def _lead_in(self, index: int) -> _Reign | None:
        block, following = self.blocks[index], self.blocks[index + 1]
        if following.kind is BlockKind.HEADING:
            return _Reign(index, len(self.blocks), _rank(following) - 1)
        if following.kind not in LISTED_KINDS:
            return _Reign(index, index + 2, NO_HEADING)
        is_within_list = block.list_index is not None and block.list_index == following.list_index
        if is_within_list and (block.kind is BlockKind.ITEM or self._is_later_line(index)):
            return None
        return _Reign(index, self.last_of_list[following.list_index] + 1, NO_HEADING)

    def _is_later_line(self, index: int) -> bool:
        return index > 0 and self.blocks[index - 1].list_index == self.blocks[index].list_index


def _rank(heading: Block) -> int:
    """Rank headings so that there is room for a lead-in just above each level."""
    return 2 * heading.level


def _has_title(blocks: Sequence[Block]) -> bool:
    """Say whether the first block is a heading of all: over a heading that is not below it, or above all others."""
    if not blocks or blocks[0].kind is not BlockKind.HEADING:
        return False
    others = [block.level for block in blocks[1:] if block.kind is BlockKind.HEADING]
    stands_over_heading = len(blocks) > 1 and blocks[1].kind is BlockKind.HEADING
    return stands_over_heading or all(level > blocks[0].level for level in others)


def _is_story(text: str, blocks: Sequence[Block]) -> bool:
    """Say whether people speak in several paragraphs, and in a good part of all."""
    paragraphs = [block.of(text) for block in blocks if block.kind is BlockKind.PARAGRAPH]
    num_speeches = sum(map(is_speech, paragraphs))
    return num_speeches >= FEWEST_SPEECHES and num_speeches * SPEECH_SHARE >= len(paragraphs)


def _is_introduction(blocks: Sequence[Block], index: int) -> bool:
    return index < len(blocks) and blocks[index].kind not in (BlockKind.HEADING, *LISTED_KINDS)
