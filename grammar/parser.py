"""Text to tree. The fast scanner builds it; Lark, the definition, explains what is wrong with a text that has none."""

from collections.abc import Iterator

import lark
from lark.parsers.lalr_interactive_parser import InteractiveParser

from grammar.definition import lark_parser
from grammar.errors import PastaSyntaxError
from grammar.escape import unescape
from grammar.nodes import AsyncBlock, Document, Form, Node, Promise, Sync, Text
from grammar.scanner import scan, split_at_tags
from grammar.source import Source, Span, shown

__all__ = ["check_with_lark", "parse"]

NAMES = {
    "PROMISE": 'a promise tag `<promise topic="..." tokens="N"/>`',
    "ASYNC": "`<async>`",
    "ASYNC_END": "`</async>`",
    "SYNC": "`<sync/>`",
    "CHARACTERS": "text",
    "LESS_THAN": "text",
    "$END": "the end of the text",
}
TERMINALS = {"p": "PROMISE", "a": "ASYNC", "/": "ASYNC_END", "s": "SYNC"}  # by a tag's second character
FOUND_WIDTH = 30  # characters of an unexpected tag that a message shows


def parse(text: str, *, form: Form = "response") -> Document:
    """Parse canonical PASTA-LANG into a document.

    Raises:
        PastaSyntaxError: the text is not in the language; it names the first offending place.

    >>> parse('Hi <promise topic="x" tokens="10"/><async>there</async>').nodes[1].topic
    'x'
    """
    parts = scan(text, form=form)
    if parts is None:
        raise _fault(text, form)
    return Document(tuple(_nodes(parts)), form)


def check_with_lark(text: str, *, form: Form = "response") -> None:
    """Run Lark alone, lexer and parser: the slow definition of the language, for those who want to be sure.

    Raises:
        PastaSyntaxError: the text is not in the language.
    """
    parser = lark_parser().parse_interactive(text, start=form)
    try:
        for _ in parser.iter_parse():
            pass
        parser.feed_eof()  # type: ignore[no-untyped-call]
    except lark.exceptions.UnexpectedCharacters as error:
        raise _syntax_error(text, error.pos_in_stream or 0, parser) from None
    except lark.exceptions.UnexpectedToken as error:
        at_end = error.token.type == "$END"
        raise _syntax_error(text, len(text) if at_end else error.token.start_pos, parser) from None


def _fault(text: str, form: Form) -> PastaSyntaxError:
    """Ask Lark's parser, fed with the scanner's parts (its lexer takes seconds for a million `<`), what is wrong."""
    parser = lark_parser().parse_interactive("", start=form)
    offset = 0
    try:
        for index, part in enumerate(split_at_tags(text)):
            terminal = TERMINALS.get(part[1:2]) if index % 2 else "CHARACTERS"
            if terminal is None:
                return _syntax_error(text, offset, parser)
            if part:
                parser.feed_token(lark.Token(terminal, part))
            offset += len(part)
        parser.feed_eof()  # type: ignore[no-untyped-call]
    except lark.exceptions.UnexpectedToken:
        return _syntax_error(text, offset, parser)
    raise AssertionError("the scanner refuses a text that the grammar accepts")


def _syntax_error(text: str, offset: int, parser: InteractiveParser) -> PastaSyntaxError:
    source = Source(text)
    position = source.position(offset)
    found = text[offset : text.find(">", offset) + 1 or len(text)]
    accepted: set[str] = parser.accepts()  # type: ignore[no-untyped-call]
    expected = dict.fromkeys(name for terminal, name in NAMES.items() if terminal in accepted)
    return PastaSyntaxError(
        offset=offset,
        line=position.line,
        column=position.column,
        found=f"`{shown(found[:FOUND_WIDTH])}`" if found else "the end of the text",
        expected=tuple(expected),
        context=source.context(offset),
    )


def _nodes(parts: list[str]) -> Iterator[Node]:
    """Turn texts and tags in a valid order into nodes; offsets are the running sum of lengths."""
    offset = 0
    block_start = -1
    for index, part in enumerate(parts):
        end = offset + len(part)
        if index % 2 == 0:
            if block_start >= 0:
                yield AsyncBlock(unescape(part), Span(block_start, end + len(parts[index + 1])), Span(offset, end))
            elif part:
                yield Text(unescape(part), Span(offset, end))
        else:
            letter = part[1]
            block_start = offset if letter == "a" else -1
            if letter == "p":
                yield _promise(part, Span(offset, end))
            elif letter == "s":
                yield Sync(Span(offset, end))
        offset = end


def _promise(tag: str, span: Span) -> Promise:
    _, topic, _, tokens, _ = tag.split('"')
    return Promise(topic, int(tokens), span)
