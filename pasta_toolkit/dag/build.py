"""Document to DAG. Cuts a document into chunks and has their tokens counted; knows no measures and no pictures.

Counting is additive by piece: what a thread decodes between two tags is one text and tokenised alone, every tag is
tokenised alone. Texts are counted as they are decoded, so a literal tag is counted in its escaped spelling. A branch
counts its `<async>`, although that is forced on it: it takes a place in the KV cache like any other token.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from grammar import AsyncBlock, Document, Form, Node, Promise, Sync, Text, escape, is_ordered, print_promise, render
from pasta_toolkit.dag.graph import MAIN_THREAD, Chunk, ChunkKind, Dag, Edge, EdgeKind
from pasta_toolkit.tokens import TokenCounter

__all__ = ["build_dag", "build_dags", "chunk_pieces"]

ASYNC, ASYNC_END, SYNC = "<async>", "</async>", "<sync/>"


def build_dag(document: Document, counter: TokenCounter) -> Dag:
    """Build the DAG of a document.

    A main segment ends with the promise tag that spawns a branch; a branch is `<async>`, its content and `</async>`; a
    join waits for the main thread and for all outstanding branches, and then costs `<sync/>`, or nothing at an end
    without sync. A main segment without text and tag is left out. The layouts of one response have equal DAGs.

    Form `main`: a branch is as long as its promise says, and the sequential tokens are those of the text plus all
    promised ones. Form `branch`: one chunk.

    Raises:
        ValueError: the tags stand in an order that `grammar.parse` refuses.
    """
    return build_dags((document,), counter)[0]


def build_dags(documents: Iterable[Document], counter: TokenCounter) -> list[Dag]:
    """Build the DAGs of several documents, counting the tokens of all of them in one batch, which is faster.

    Raises:
        ValueError: as `build_dag`.
    """
    plans = [_plan(document) for document in documents]
    counts = _count((piece for plan in plans for piece in plan.pieces), counter)
    return [plan.counted(counts, counter) for plan in plans]


def chunk_pieces(document: Document) -> list[tuple[str, ...]]:
    """Return for each chunk of the document's DAG what its thread decodes, in order, cut where tokens are counted.

    Raises:
        ValueError: as `build_dag`.
    """
    return [draft.pieces for draft in _plan(document).drafts]


def _count(pieces: Iterable[str], counter: TokenCounter) -> dict[str, int]:
    distinct = list(dict.fromkeys(pieces))
    return dict(zip(distinct, counter.count_batch(distinct), strict=True))


def _plan(document: Document) -> "_Plan":
    _check_order(document)
    drafts, edges = _drafted(document)
    return _Plan(tuple(drafts), tuple(edges), render(document), document.form)


@dataclass(frozen=True, slots=True)
class _Plan:
    """A DAG whose tokens are not counted yet."""

    drafts: tuple["_Draft", ...]
    edges: tuple[Edge, ...]
    rendered: str
    form: Form

    @property
    def pieces(self) -> Iterator[str]:
        yield self.rendered
        for draft in self.drafts:
            yield draft.text
            yield from draft.tags

    def counted(self, counts: Mapping[str, int], counter: TokenCounter) -> Dag:
        return Dag(
            chunks=tuple(draft.counted(counts) for draft in self.drafts),
            edges=self.edges,
            sequential_tokens=counts[self.rendered] + sum(draft.promised_tokens for draft in self.drafts),
            tokenizer=counter.name,
            is_exact=counter.is_exact,
            form=self.form,
        )


def _check_order(document: Document) -> None:
    letters = "".join(map(_letters, document.nodes)) + ("/" if document.form == "branch" else "")
    if not is_ordered(letters, document.form):
        raise ValueError(f"the tags of this document stand in no order that form {document.form!r} allows")


def _letters(node: Node) -> str:
    """Return the node's tags as `grammar.signature` writes them."""
    if isinstance(node, Text):
        return ""
    if isinstance(node, AsyncBlock):
        return "a/"
    return "p" if isinstance(node, Promise) else "s"


@dataclass(frozen=True, slots=True)
class _Draft:
    """A chunk whose tokens are not counted yet."""

    kind: ChunkKind
    thread: int
    text: str
    tags: tuple[str, ...]
    topic: str | None = None
    nodes: tuple[int, ...] = ()
    promised_tokens: int = 0

    @property
    def pieces(self) -> tuple[str, ...]:
        """The text and the tags in the order in which they are decoded."""
        if self.kind is ChunkKind.BRANCH:
            opening, closing = self.tags
            return (opening, self.text, closing)
        return (self.text, *self.tags)

    def counted(self, counts: Mapping[str, int]) -> Chunk:
        text_tokens = self.promised_tokens or counts[self.text]
        tag_tokens = sum(counts[tag] for tag in self.tags)
        return Chunk(self.kind, self.thread, text_tokens, tag_tokens, self.topic, self.nodes)


def _drafted(document: Document) -> tuple[list[_Draft], list[Edge]]:
    if document.form == "branch":
        text = "".join(escape(node.content) for node in document.nodes if isinstance(node, Text))
        return [_Draft(ChunkKind.BRANCH, 1, text, (ASYNC, ASYNC_END), nodes=tuple(range(len(document.nodes))))], []
    drafting = _Drafting(_placed_blocks(document.nodes))
    for index, node in enumerate(document.nodes):
        drafting.read(index, node)
    drafting.end()
    return drafting.drafts, drafting.edges


def _placed_blocks(nodes: Iterable[Node]) -> Iterator[tuple[int, AsyncBlock]]:
    return ((index, node) for index, node in enumerate(nodes) if isinstance(node, AsyncBlock))


@dataclass(slots=True)
class _Drafting:
    """A walk along the main thread; its state is what that thread decoded since its last chunk, and what it awaits."""

    blocks: Iterator[tuple[int, AsyncBlock]]
    drafts: list[_Draft] = field(default_factory=list)
    edges: list[Edge] = field(default_factory=list)
    texts: list[str] = field(default_factory=list)
    text_nodes: list[int] = field(default_factory=list)
    last_main: int | None = None
    outstanding: list[int] = field(default_factory=list)
    num_branches: int = 0

    def read(self, index: int, node: Node) -> None:
        if isinstance(node, Text):
            self.texts.append(node.content)
            self.text_nodes.append(index)
        elif isinstance(node, Promise):
            self._close_segment(tags=(print_promise(node),), tag_nodes=(index,))
            self._spawn(node)
        elif isinstance(node, Sync):
            self._close_segment()
            self._join(_Draft(ChunkKind.JOIN, MAIN_THREAD, "", (SYNC,), nodes=(index,)))

    def end(self) -> None:
        self._close_segment()
        if self.outstanding:
            self._join(_Draft(ChunkKind.JOIN, MAIN_THREAD, "", ()))

    def _close_segment(self, *, tags: tuple[str, ...] = (), tag_nodes: tuple[int, ...] = ()) -> None:
        if not (self.texts or tags):
            return
        text, nodes = escape("".join(self.texts)), (*self.text_nodes, *tag_nodes)
        self.texts, self.text_nodes = [], []
        waits_for = () if self.last_main is None else (self.last_main,)
        self._advance(_Draft(ChunkKind.MAIN, MAIN_THREAD, text, tags, nodes=nodes), waits_for)

    def _spawn(self, promise: Promise) -> None:
        self.num_branches += 1
        self.edges.append(Edge(len(self.drafts) - 1, len(self.drafts), EdgeKind.SPAWN))
        self.outstanding.append(len(self.drafts))
        self.drafts.append(_branch(promise, self.num_branches, next(self.blocks, None)))

    def _join(self, draft: _Draft) -> None:
        """The main thread has just promised something, so it has a last chunk; the list stands in order but for it."""
        assert self.last_main is not None
        waits_for = sorted((self.last_main, *self.outstanding))
        self.outstanding = []
        self._advance(draft, waits_for)

    def _advance(self, draft: _Draft, waits_for: Sequence[int]) -> None:
        target = len(self.drafts)
        for source in waits_for:
            kind = EdgeKind.PROGRAM if source == self.last_main else EdgeKind.JOIN
            self.edges.append(Edge(source, target, kind))
        self.last_main = target
        self.drafts.append(draft)


def _branch(promise: Promise, thread: int, placed: tuple[int, AsyncBlock] | None) -> _Draft:
    tags = (ASYNC, ASYNC_END)
    if placed is None:
        return _Draft(ChunkKind.BRANCH, thread, "", tags, promise.topic, promised_tokens=promise.tokens)
    place, block = placed
    return _Draft(ChunkKind.BRANCH, thread, escape(block.content), tags, promise.topic, (place,))
