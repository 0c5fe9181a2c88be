"""Cuts a plain answer into blocks that never overlap and leave nothing out. Knows Markdown, and no tokens or tags.

markdown-it-py says on which lines a block begins; the original text is cut there, so every character is kept. A block
owns the blank lines behind it. List items are whole, with all that is nested in them; so are tables, code, quotes and
HTML. A horizontal rule belongs to the block before it.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from functools import cache

from markdown_it import MarkdownIt
from markdown_it.token import Token

from pasta_toolkit.annotate.paragraphs import BOLD_LINE, has_list_lines, is_formula, is_title_line, is_verse

__all__ = ["BOLD_LEVEL", "TITLE_LEVEL", "Block", "BlockKind", "cut_blocks", "next_in_list"]

BOLD_LEVEL = 7  # a line in bold is a heading below the six that Markdown has
TITLE_LEVEL = 8  # so is a short line without a full stop, below it
UNDERLINED_LINES = 2  # a title and the dashes under it
LONGEST_STRUCTURED = 200_000  # characters; a longer text is no answer, and stays one block
HTML_HEADING = re.compile(r"\s*<h([1-6])\b[^>]*>(?:(?!</?h[1-6]).)*</h\1>\s*", re.IGNORECASE)
NEWLINE = re.compile(r"\r\n?|\n")  # what markdown-it-py takes for the end of a line


class BlockKind(StrEnum):
    """What a block is, by its form."""

    HEADING = "heading"
    PARAGRAPH = "paragraph"
    LINE = "line"
    VERSE = "verse"
    FORMULA = "formula"
    ITEM = "item"
    TABLE = "table"
    CODE = "code"
    QUOTE = "quote"
    HTML = "html"


@dataclass(frozen=True, slots=True)
class Block:
    """A piece of the text, `text[start:end]`.

    `level` is that of a heading, from 1 to 8. `number` is that of an item in an ordered list. Items of one list,
    also where Markdown ended it between two numbers, share a `list_index`, and so do lines that stand together.
    """

    kind: BlockKind
    start: int
    end: int
    level: int = 0
    number: int | None = None
    list_index: int | None = None

    def of(self, text: str) -> str:
        """Cut the block out of its text."""
        return text[self.start : self.end]


WHOLE_BLOCKS = {
    "table_open": BlockKind.TABLE,
    "fence": BlockKind.CODE,
    "code_block": BlockKind.CODE,
    "blockquote_open": BlockKind.QUOTE,
    "html_block": BlockKind.HTML,
}


def cut_blocks(text: str) -> tuple[Block, ...]:
    r"""Cut a text into blocks.

    Law: `"".join(block.of(text) for block in cut_blocks(text)) == text`.

    >>> [str(block.kind) for block in cut_blocks("Pets:\n\n- cats\n- dogs\n")]
    ['paragraph', 'item', 'item']
    """
    if not text:
        return ()
    if len(text) > LONGEST_STRUCTURED:
        return (Block(BlockKind.PARAGRAPH, 0, len(text)),)
    lines = _Lines(text)
    openings = _with_title_lines(list(_openings(_parser().parse(text), lines)), lines)
    return tuple(_with_whole_lists(_blocks(openings, lines))) or (Block(BlockKind.PARAGRAPH, 0, len(text)),)


@cache
def _parser() -> MarkdownIt:
    """Link definitions would be no block, so they are left paragraphs; the inside of blocks is not looked at."""
    return MarkdownIt("commonmark").enable("table").disable(["reference", "inline", "text_join"])


@dataclass(frozen=True, slots=True)
class _Opening:
    """The line on which a block begins, and what it is."""

    line: int
    kind: BlockKind
    last_line: int
    level: int = 0
    number: int | None = None
    list_index: int | None = None


class _Lines:
    """A text and the places where its lines begin."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.starts = [0, *(match.end() for match in NEWLINE.finditer(text))]

    def start(self, line: int) -> int:
        return self.starts[line] if line < len(self.starts) else len(self.text)

    def between(self, first: int, last: int) -> list[str]:
        """Return some lines, without the blank ones at their end."""
        return NEWLINE.split(self.text[self.start(first) : self.start(last)].rstrip())


def _openings(tokens: Iterable[Token], lines: _Lines) -> Iterator[_Opening]:
    """Walk the tokens of the outermost level, and the items of lists that stand there."""
    list_index = 0
    for token in tokens:
        if token.map is None or token.level > 1:
            continue
        first, last = token.map
        if token.level == 1 and token.type == "list_item_open":
            number = int(token.info) if token.info else None
            yield _Opening(first, BlockKind.ITEM, last, number=number, list_index=list_index)
        elif token.level == 0:
            list_index += 1
            yield from _outer_openings(token, lines, list_index)


def _outer_openings(token: Token, lines: _Lines, list_index: int) -> Iterator[_Opening]:
    assert token.map is not None
    first, last = token.map
    if token.type == "html_block" and (tag := HTML_HEADING.fullmatch(" ".join(lines.between(first, last)))):
        yield _Opening(first, BlockKind.HEADING, last, level=int(tag[1]))
    elif token.type in WHOLE_BLOCKS:
        yield _Opening(first, WHOLE_BLOCKS[token.type], last)
    elif token.type == "heading_open" and (token.markup.startswith("#") or _is_underlined_title(first, last, lines)):
        yield _Opening(first, BlockKind.HEADING, last, level=int(token.tag[1:]))
    elif token.type in ("heading_open", "paragraph_open"):
        yield from _paragraph_openings(first, last, lines, list_index)


def _is_underlined_title(first: int, last: int, lines: _Lines) -> bool:
    """Say whether a paragraph over a line of dashes is meant as a heading, not as a paragraph and a rule."""
    return last - first == UNDERLINED_LINES and is_title_line(lines.between(first, first + 1)[0].strip())


def _paragraph_openings(first: int, last: int, lines: _Lines, list_index: int) -> Iterator[_Opening]:
    texts = lines.between(first, last)
    title, *rest = texts
    if BOLD_LINE.fullmatch(title.strip()) and len(rest) <= 1:
        yield _Opening(first, BlockKind.HEADING, first + 1, level=BOLD_LEVEL)
        if rest:
            yield _Opening(first + 1, BlockKind.PARAGRAPH, last)
    elif has_list_lines(texts):
        for line in range(first, first + len(texts)):
            yield _Opening(line, BlockKind.LINE, line + 1, list_index=list_index)
    else:
        yield _Opening(first, _paragraph_kind(texts), last)


def _paragraph_kind(texts: Sequence[str]) -> BlockKind:
    if is_formula(texts):
        return BlockKind.FORMULA
    return BlockKind.VERSE if is_verse(texts) else BlockKind.PARAGRAPH


def _with_title_lines(openings: Sequence[_Opening], lines: _Lines) -> Iterator[_Opening]:
    """Make a heading of a short line without a full stop that stands over something longer."""
    are_titles = [
        opening.kind is BlockKind.PARAGRAPH
        and len(texts := lines.between(opening.line, opening.last_line)) == 1
        and is_title_line(texts[0].strip())
        for opening in openings
    ]
    for index, opening in enumerate(openings):
        if are_titles[index] and index + 1 < len(openings) and not are_titles[index + 1]:
            yield _Opening(opening.line, BlockKind.HEADING, opening.last_line, level=TITLE_LEVEL)
        else:
            yield opening


def _blocks(openings: Iterable[_Opening], lines: _Lines) -> Iterator[Block]:
    """Let each block reach to the next one, and the first one begin with the text."""
    ordered = list(openings)
    for index, opening in enumerate(ordered):
        start = lines.start(opening.line) if index else 0
        end = lines.start(ordered[index + 1].line) if index + 1 < len(ordered) else len(lines.text)
        yield Block(opening.kind, start, end, opening.level, opening.number, opening.list_index)


def _with_whole_lists(blocks: Iterable[Block]) -> Iterator[Block]:
    """Give the parts of an ordered list that Markdown tore apart one index: each goes on with the next number."""
    names: dict[int | None, int | None] = {}
    last: Block | None = None
    for block in blocks:
        if block.number is None:
            last = None if block.kind is BlockKind.HEADING else last
            yield block
            continue
        if last is not None and last.number is not None and block.number == last.number + 1:
            names.setdefault(block.list_index, last.list_index)
        last = replace(block, list_index=names.get(block.list_index, block.list_index))
        yield last


def next_in_list(blocks: Sequence[Block]) -> dict[int, int]:
    """Return, for the index of each item or line, that of the next one in its list."""
    following: dict[int, int] = {}
    latest: dict[int, int] = {}
    for index, block in enumerate(blocks):
        if block.list_index is None:
            continue
        if block.list_index in latest:
            following[latest[block.list_index]] = index
        latest[block.list_index] = index
    return following
