"""A document as the lints see it: texts, canonical tags and structure. The same for valid and for broken documents.

In a broken document every tag stands here in the canonical spelling that its repair would give it, while spans still
tell where it stands in the source.
"""

from dataclasses import dataclass, field
from itertools import accumulate

from grammar import Form, Span
from pasta_toolkit.diagnostics.estimate import exact_bounds, word_bounds
from pasta_toolkit.diagnostics.structure import Block, Structure

__all__ = ["Outline"]


@dataclass(slots=True)
class Outline:
    """Texts at even and tags at odd places, their structure, and where they stand.

    Mutable because most documents are clean: offsets and word counts are found only when a lint asks for them.
    `has_plain_text` says that the text is ASCII with no white space but spaces and newlines.
    """

    text: str
    form: Form
    parts: list[str]
    structure: Structure
    has_plain_text: bool
    _offsets: list[int] = field(default_factory=list)
    _insertion_end: int = -1
    _contents: list[str] = field(default_factory=list)
    _bounds: list[tuple[int, int]] = field(default_factory=list)

    def offset(self, boundary: int) -> int:
        """Return the offset of a boundary: that of the part behind it."""
        if not self._offsets:
            self._offsets = list(accumulate(map(len, self.parts), initial=0))
        return self._offsets[boundary]

    def insertion_offset(self, boundary: int) -> int:
        """Return where a repair inserts a tag at a boundary: at the very end, before the white space that ends the text."""
        if boundary < len(self.parts):
            return self.offset(boundary)
        if self._insertion_end < 0:
            self._insertion_end = len(self.text) - len(self.parts[-1]) + len(self.parts[-1].rstrip())
        return self._insertion_end

    def tag_span(self, tag: int) -> Span:
        """Return where a tag stands."""
        return Span(self.offset(2 * tag + 1), self.offset(2 * tag + 2))

    def block_span(self, block: Block) -> Span:
        """Return where a block stands, its own tags included."""
        return Span(self.offset(block.start), self.offset(block.end))

    def content_offset(self, block: Block) -> int:
        """Return where a block's content begins."""
        return self.offset(2 * block.open + 2)

    def contents(self) -> list[str]:
        """Return the content of each branch as it is written, without the tags in it."""
        if not self._contents:
            self._contents = [self._content(block) for _, block in self.structure.branches]
        return self._contents

    def topic(self, promise: int) -> str:
        """Return the topic of a promise."""
        return self.parts[2 * promise + 1].split('"', 2)[1]

    def stated_tokens(self, promise: int) -> int:
        """Return the length that a promise states."""
        return int(self.parts[2 * promise + 1].rsplit('"', 2)[1])

    def word_bounds(self) -> list[tuple[int, int]]:
        """Return the fewest and the most words of each branch; equal numbers where bounds would not be cheap."""
        if not self._bounds:
            self._bounds = [*map(word_bounds if self.has_plain_text else exact_bounds, self.contents())]
        return self._bounds

    def _content(self, block: Block) -> str:
        if block.close == block.open + 1:
            return self.parts[2 * block.close]
        return "".join(self.parts[2 * block.open + 2 : 2 * block.close + 1 : 2])
