"""Text to tree. The fast scanner builds it; Lark, the definition, explains what is wrong with a text that has none."""

from collections.abc import Iterator

from grammar.errors import PastaSyntaxError
from grammar.escape import unescape
from grammar.nodes import AsyncBlock, Document, Form, Node, Promise, Sync, Text
from grammar.scanner import scan
from grammar.source import Span

__all__ = ["check_with_lark", "parse"]


def parse(text: str, *, form: Form = "response") -> Document:
    """Parse canonical PASTA-LANG into a document.

    Raises:
        PastaSyntaxError: the text is not in the language; it names the first offending place.

    >>> parse('Hi <promise topic="x" tokens="10"/><async>there</async>').nodes[1].topic
    'x'
    """
    parts = scan(text, form=form)
    if parts is None:
        raise _syntax_error(text, form)
    return Document(tuple(_nodes(parts)), form)


def check_with_lark(text: str, *, form: Form = "response") -> None:
    """Run Lark alone, lexer and parser: the slow definition of the language, for those who want to be sure.

    Raises:
        PastaSyntaxError: the text is not in the language.
    """
    from grammar import reference  # noqa: PLC0415  # Lark is slow to load, and seldom needed

    reference.check_with_lark(text, form=form)


def _syntax_error(text: str, form: Form) -> PastaSyntaxError:
    from grammar import reference  # noqa: PLC0415

    return reference.syntax_error(text, form)


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
