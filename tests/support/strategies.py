"""Hypothesis strategies for texts and documents of PASTA-LANG."""

from hypothesis import settings
from hypothesis import strategies as st

from grammar import AsyncBlock, Document, Form, Node, Promise, Sync, Text, format_document

__all__ = ["FORMS", "MODERATE", "any_text", "documents", "mutated_prints", "promises", "tag_soup", "topics"]

MODERATE = settings(deadline=None, max_examples=80)

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


def any_text() -> st.SearchStrategy[str]:
    """Draw any string, lone surrogates included."""
    return st.text(st.characters())


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


def topics() -> st.SearchStrategy[str]:
    """Draw topics: 1 to 80 characters, no quote, no angle bracket, no control character."""
    return st.text(st.characters(exclude_characters='"<>', exclude_categories=["Cc"]), min_size=1, max_size=80)


def promises() -> st.SearchStrategy[Promise]:
    """Draw promises that a tag can be written for."""
    return st.builds(Promise, topics(), st.integers(1, 999).map(lambda tens: tens * 10))


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


def _contents() -> st.SearchStrategy[str]:
    return st.one_of(any_text(), tag_soup(max_size=4))


def _texts() -> st.SearchStrategy[Text]:
    return st.builds(Text, _contents())


@st.composite
def _responses(draw: st.DrawFn) -> Document:
    nodes: list[Node] = []
    for _ in range(draw(st.integers(0, 3))):
        nodes += draw(_groups())
        nodes += [Sync()]
    nodes += draw(st.one_of(_groups(), st.lists(_texts(), max_size=1)))
    return Document.of(nodes)


@st.composite
def _groups(draw: st.DrawFn) -> list[Node]:
    """Draw promises and their blocks, texts between them, in any order that fulfils them."""
    nodes: list[Node] = [*draw(st.lists(_texts(), max_size=1)), draw(promises())]
    outstanding, steps = 1, draw(st.lists(st.sampled_from("ptb"), max_size=8))
    for step in steps:
        if step == "t":
            nodes.append(draw(_texts()))
        elif step == "p":
            nodes.append(draw(promises()))
            outstanding += 1
        elif outstanding:
            nodes.append(AsyncBlock(draw(_contents())))
            outstanding -= 1
    nodes += [AsyncBlock(draw(_contents())) for _ in range(outstanding)]
    return nodes + draw(st.lists(_texts(), max_size=1))


@st.composite
def _mains(draw: st.DrawFn) -> Document:
    nodes: list[Node] = []
    is_outstanding = False
    for step in draw(st.lists(st.sampled_from("pts"), max_size=12)):
        if step == "t":
            nodes.append(draw(_texts()))
        elif step == "p":
            nodes.append(draw(promises()))
            is_outstanding = True
        elif is_outstanding:
            nodes.append(Sync())
            is_outstanding = False
    return Document.of(nodes, form="main")


def _branches() -> st.SearchStrategy[Document]:
    return _texts().map(lambda text: Document.of([text], form="branch"))
