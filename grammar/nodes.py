"""The tree of a document: frozen values, no behaviour beyond reading. Knows neither files nor tokens of a model."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Literal, TypeAlias

from grammar.source import Span

__all__ = ["AsyncBlock", "Document", "Form", "Group", "Node", "Promise", "Sync", "Text"]

Form: TypeAlias = Literal["response", "main", "branch"]

NOWHERE = Span(0, 0)


@dataclass(frozen=True, slots=True)
class Text:
    """Text of the main thread (or of a branch), unescaped: what a reader sees."""

    content: str
    span: Span = field(default=NOWHERE, compare=False)


@dataclass(frozen=True, slots=True)
class Promise:
    """A placeholder that says: this part will be filled in, about `tokens` tokens long."""

    topic: str
    tokens: int
    span: Span = field(default=NOWHERE, compare=False)


@dataclass(frozen=True, slots=True)
class AsyncBlock:
    """The content of one promise, unescaped. `span` includes the two tags, `content_span` does not."""

    content: str
    span: Span = field(default=NOWHERE, compare=False)
    content_span: Span = field(default=NOWHERE, compare=False)


@dataclass(frozen=True, slots=True)
class Sync:
    """The place where the main thread waits for all outstanding branches."""

    span: Span = field(default=NOWHERE, compare=False)


Node: TypeAlias = Text | Promise | AsyncBlock | Sync


@dataclass(frozen=True, slots=True)
class Group:
    """Promises that are joined together, their async blocks (none in form `main`), and the sync if there is one."""

    promises: tuple[Promise, ...]
    blocks: tuple[AsyncBlock, ...]
    sync: Sync | None


@dataclass(frozen=True, slots=True)
class Document:
    """A document in reading order of its text.

    `nodes` never holds an empty text nor two texts in a row; build one with `Document.of` to have that done.
    """

    nodes: tuple[Node, ...]
    form: Form = "response"

    def __post_init__(self) -> None:
        """Refuse texts that the printer could not give back as they are."""
        previous: Node | None = None
        for node in self.nodes:
            if isinstance(node, Text) and (not node.content or isinstance(previous, Text)):
                raise ValueError("a document holds no empty text and no two texts in a row: use Document.of")
            previous = node

    @classmethod
    def of(cls, nodes: Iterable[Node], *, form: Form = "response") -> "Document":
        """Build a document, dropping empty texts and joining neighbouring ones."""
        return cls(tuple(_joined(nodes)), form)

    @property
    def groups(self) -> tuple[Group, ...]:
        """The groups in order; the last one may end without a sync (an implicit join)."""
        return tuple(_groups(self.nodes))

    @property
    def promises(self) -> tuple[Promise, ...]:
        """All promises in order."""
        return tuple(node for node in self.nodes if isinstance(node, Promise))

    @property
    def blocks(self) -> tuple[AsyncBlock, ...]:
        """All async blocks in order: in a valid response, block i fulfils promise i."""
        return tuple(node for node in self.nodes if isinstance(node, AsyncBlock))


def _joined(nodes: Iterable[Node]) -> Iterator[Node]:
    pending: Text | None = None
    for node in nodes:
        if not isinstance(node, Text):
            if pending is not None:
                yield pending
            pending = None
            yield node
        elif node.content:
            pending = (
                node
                if pending is None
                else Text(pending.content + node.content, Span(pending.span.start, node.span.end))
            )
    if pending is not None:
        yield pending


def _groups(nodes: Iterable[Node]) -> Iterator[Group]:
    promises: list[Promise] = []
    blocks: list[AsyncBlock] = []
    for node in nodes:
        if isinstance(node, Promise):
            promises.append(node)
        elif isinstance(node, AsyncBlock):
            blocks.append(node)
        elif isinstance(node, Sync):
            yield Group(tuple(promises), tuple(blocks), node)
            promises, blocks = [], []
    if promises or blocks:
        yield Group(tuple(promises), tuple(blocks), None)
