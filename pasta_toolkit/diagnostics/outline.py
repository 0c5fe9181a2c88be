"""A document as the lints see it: texts, canonical tags and structure. The same for valid and for broken documents.

In a broken document every tag stands here in the canonical spelling that its repair would give it, while spans still
tell where it stands in the source.
"""

from dataclasses import dataclass
from itertools import accumulate

from grammar import Form, Span
from pasta_toolkit.diagnostics.structure import Block, Structure

__all__ = ["TOKENS", "TOPIC", "Outline"]

TOPIC, TOKENS = 1, 3  # places in a promise tag that is cut at its quotes


@dataclass(slots=True)
class Outline:
    """Texts at even and tags at odd places, their structure, and where they stand.

    Mutable because most documents are clean: offsets are found only when a finding asks for them.
    """

    text: str
    form: Form
    parts: list[str]
    structure: Structure
    _offsets: list[int] | None = None
    _contents: list[str] | None = None
    _promises: list[list[str]] | None = None
    _insertion_end: int = -1

    def offset(self, boundary: int) -> int:
        """Return the offset of a boundary: that of the part behind it."""
        if self._offsets is None:
            self._offsets = list(accumulate(map(len, self.parts), initial=0))
        return self._offsets[boundary]

    def insertion_offset(self, boundary: int) -> int:
        """Return where a repair inserts a tag: at the end of the text that is before the white space there."""
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
        contents = self._contents
        if contents is None:
            parts, places = self.parts, self.structure.contents
            contents = (
                [parts[place] for place in places]
                if places is not None
                else [self._content(block) for _, block in self.structure.branches]
            )
            self._contents = contents
        return contents

    def promises(self) -> list[list[str]]:
        """Return the tag of each promise of the groups, cut at its quotes."""
        if self._promises is None:
            parts = self.parts
            self._promises = [parts[place].split('"') for place in self.structure.promise_parts]
        return self._promises

    def topic(self, promise: int) -> str:
        """Return the topic of a promise."""
        return self.parts[2 * promise + 1].split('"')[TOPIC]

    def stated_tokens(self, promise: int) -> int:
        """Return the length that a promise states."""
        return int(self.parts[2 * promise + 1].split('"')[TOKENS])

    def _content(self, block: Block) -> str:
        return "".join(self.parts[2 * block.open + 2 : 2 * block.close + 1 : 2])
