"""Tree to text: the canonical spelling, the two layouts of a response, and the answer without tags."""

import re
from collections.abc import Iterable, Iterator
from typing import Literal, TypeAlias

from grammar.definition import terminal_patterns
from grammar.escape import escape
from grammar.nodes import AsyncBlock, Document, Node, Promise, Sync, Text

__all__ = ["Layout", "format_document", "print_promise", "render"]

Layout: TypeAlias = Literal["inline", "grouped"]


def format_document(document: Document, *, layout: Layout | None = None) -> str:
    """Print a document in the canonical spelling; `layout` moves the async blocks of a response, None leaves them.

    Laws: `parse(format_document(d)) == d`; a layout changes no character of `render`; formatting twice changes nothing.
    """
    if layout is not None and document.form == "response":
        document = Document.of(_laid_out(document, layout))
    text = "".join(map(_print, document.nodes))
    return f"{text}</async>" if document.form == "branch" else text


def render(document: Document) -> str:
    """Return the answer without tags: every async block's content stands at the place of its promise.

    Promises without a block (form `main`) leave nothing behind.
    """
    contents = iter(document.blocks)
    return "".join(_rendered(document.nodes, contents))


def _rendered(nodes: Iterable[Node], contents: Iterator[AsyncBlock]) -> Iterator[str]:
    for node in nodes:
        if isinstance(node, Text):
            yield node.content
        elif isinstance(node, Promise):
            block = next(contents, None)
            yield block.content if block is not None else ""


def print_promise(promise: Promise) -> str:
    """Print one promise tag.

    Raises:
        ValueError: the topic or the number of tokens is not what the grammar allows.
    """
    tag = f'<promise topic="{promise.topic}" tokens="{promise.tokens}"/>'
    if not re.fullmatch(terminal_patterns()["PROMISE"], tag):
        raise ValueError(f"no promise tag can be written for topic {promise.topic!r} and tokens {promise.tokens}")
    return tag


def _print(node: Node) -> str:
    if isinstance(node, Text):
        return escape(node.content)
    if isinstance(node, Promise):
        return print_promise(node)
    if isinstance(node, AsyncBlock):
        return f"<async>{escape(node.content)}</async>"
    return "<sync/>"


def _laid_out(document: Document, layout: Layout) -> Iterator[Node]:
    blocks = iter(document.blocks)
    waiting: list[AsyncBlock] = []
    for node in document.nodes:
        if isinstance(node, AsyncBlock):
            continue
        if isinstance(node, Sync):
            yield from waiting
            waiting = []
        yield node
        if isinstance(node, Promise):
            if layout == "inline":
                yield next(blocks)
            else:
                waiting.append(next(blocks))
    yield from waiting
