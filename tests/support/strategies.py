"""Hypothesis strategies for texts and documents of PASTA-LANG."""

from functools import cache

from hypothesis import settings
from hypothesis import strategies as st

from grammar import AsyncBlock, Document, Form, Node, Promise, Sync, Text, format_document

__all__ = ["FORMS", "MODERATE", "any_text", "documents", "mutated_prints", "promises", "tag_soup", "topics"]

MODERATE = settings(deadline=None, max_examples=100)

FORMS: tuple[Form, ...] = ("response", "main", "branch")

CANONICAL_TAGS = (
    '<promise topic="x" tokens="10"/>',
    '<promise topic="Ursache und Wirkung" tokens="9990"/>',
    "<async>",
    "</async>",
    "<sync/>",
)
NEAR_TAGS = (
    "<promise",
    "<promise ",
    '<promise topic="x" tokens="10">',
    "<promise topic='x' tokens='10'/>",
    '<promise tokens="10" topic="x"/>',
    '<promise topic="x"  tokens="10"/>',
    '<promise topic="" tokens="10"/>',
    '<promise topic="x" tokens="15"/>',
    '<promise topic="x" tokens="010"/>',
    '<promise topic="x" tokens="0"/>',
    '<promise topic="x" tokens="10000"/>',
    '<promise topic="x" tokens="\u0661\u0660"/>',
    '<promise topic="a<b" tokens="10"/>',
    '<promise topic="a\x85b" tokens="10"/>',
    f'<promise topic="{"x" * 80}" tokens="10"/>',
    f'<promise topic="{"x" * 81}" tokens="10"/>',
    "</promise>",
    "<promised>",
    "<Promise>",
    "<async",
    "<async >",
    "<async/>",
    "</async",
    "</async >",
    "< /async>",
    "<asynchronous>",
    "<async-x>",
    "<ASYNC>",
    "<sync",
    "<sync>",
    "</sync>",
    "<sync />",
    "<sync//>",
    "<syncs/>",
)
PIECES = ("<", "</", ">", "/>", "/", '"', "&", "&lt;", "&amp;", "&amp;lt;", "amp;", "lt;", "promise", "async", "sync")
ESCAPES = tuple(f"&{'amp;' * depth}lt;{name}" for depth in range(4) for name in ("sync/>", "/async>", "promise", "b>"))
# The edges of XML 1.0's NameChar ranges and their neighbours outside, in ASCII and beyond.
NAME_EDGES = (
    "-.0:9;@AZ[_`az{\x00\n\r\t \u00b6\u00b7\u00b8\u00bf\u00c0\u00d6\u00d7\u00d8\u00f6\u00f7\u00f8\u02ff\u0300\u036f"
    "\u0370\u037d\u037e\u037f\u1fff\u2000\u200b\u200c\u200d\u200e\u203e\u203f\u2040\u2041\u206f\u2070\u218f\u2190\u2bff\u2c00"
    "\u2fef\u2ff0\u3000\u3001\ud7ff\ue000\uf8ff\uf900\ufdcf\ufdd0\ufdef\ufdf0\ufffd\ufffe\uffff\U00010000\U000effff"
    "\U000f0000\U0010ffff"
)


@cache
def any_text() -> st.SearchStrategy[str]:
    """Draw any string, lone surrogates included."""
    return st.text(st.characters())


@cache
def tag_soup(*, max_size: int = 12) -> st.SearchStrategy[str]:
    """Draw texts made of tags, broken tags, their fragments and the characters that matter beside a tag."""
    piece = st.one_of(
        st.sampled_from(CANONICAL_TAGS),
        st.sampled_from(CANONICAL_TAGS),
        st.sampled_from(NEAR_TAGS),
        st.sampled_from(PIECES),
        st.sampled_from(ESCAPES),
        st.sampled_from(NAME_EDGES),
        st.text(max_size=4),
    )
    return st.lists(piece, max_size=max_size).map("".join)


@cache
def topics() -> st.SearchStrategy[str]:
    """Draw topics: 1 to 80 characters, no quote, no angle bracket, no control character."""
    return st.text(st.characters(exclude_characters='"<>', exclude_categories=["Cc"]), min_size=1, max_size=80)


@cache
def promises() -> st.SearchStrategy[Promise]:
    """Draw promises that a tag can be written for."""
    return st.builds(Promise, topics(), st.integers(1, 999).map(lambda tens: tens * 10))


@cache
def documents(form: Form | None = None) -> st.SearchStrategy[Document]:
    """Draw valid documents of one form, or of any."""
    if form is None:
        return st.sampled_from(FORMS).flatmap(documents)
    return {"response": _responses, "main": _mains, "branch": _branches}[form]()


@st.composite
def mutated_prints(draw: st.DrawFn) -> tuple[str, Form]:
    """Draw the print of a document with up to three small injuries."""
    document = draw(documents())
    text = format_document(document)
    for _ in range(draw(st.integers(0, 3))):
        start = draw(st.integers(0, len(text)))
        end = min(len(text), start + draw(st.integers(0, 9)))
        text = text[:start] + draw(tag_soup(max_size=1)) + text[end:]
    return text, document.form


@cache
def _contents() -> st.SearchStrategy[str]:
    return st.one_of(any_text(), tag_soup(max_size=4))


@cache
def _texts() -> st.SearchStrategy[Text]:
    return st.builds(Text, _contents())


@cache
def _responses() -> st.SearchStrategy[Document]:
    node = st.one_of(_texts(), promises(), promises(), st.builds(AsyncBlock, _contents()))
    group = st.lists(node, max_size=8).map(_group)
    return st.builds(_response, st.lists(group, max_size=3), group)


def _response(synced: list[list[Node]], last: list[Node]) -> Document:
    nodes: list[Node] = []
    for group in synced:
        has_promise = any(isinstance(node, Promise) for node in group)
        nodes += [*group, Sync()] if has_promise else group
    return Document.of([*nodes, *last])


def _group(nodes: list[Node]) -> list[Node]:
    """Turn any nodes into a group: drop what comes too early, add what is missing."""
    kept: list[Node] = []
    outstanding = 0
    for node in nodes:
        outstanding += isinstance(node, Promise) - isinstance(node, AsyncBlock)
        if outstanding < 0:
            outstanding = 0
            continue
        kept.append(node)
    return [*kept, *(AsyncBlock(f"{number}") for number in range(outstanding))]


@cache
def _mains() -> st.SearchStrategy[Document]:
    return st.lists(st.one_of(_texts(), promises(), st.builds(Sync)), max_size=12).map(_main)


def _main(nodes: list[Node]) -> Document:
    kept: list[Node] = []
    is_outstanding = False
    for node in nodes:
        if isinstance(node, Sync) and not is_outstanding:
            continue
        is_outstanding = isinstance(node, Promise) or (is_outstanding and not isinstance(node, Sync))
        kept.append(node)
    return Document.of(kept, form="main")


@cache
def _branches() -> st.SearchStrategy[Document]:
    return _texts().map(lambda text: Document.of([text], form="branch"))
