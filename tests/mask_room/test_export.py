"""The exported grammars accept what the mask accepts; where the tools are installed, they agree state by state."""

import json
import re
from functools import cache

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from grammar import is_valid
from pasta_toolkit.mask import TokenMask, compile_mask, export_grammar
from tests.support.mask_peers import Llguidance, Peer, Xgrammar
from tests.support.mask_vocabularies import byte_vocabulary

TAG = '<promise topic="é t" tokens="120"/>'
PIECES = (
    TAG,
    "<sync/>",
    "</async>",
    "a",
    " <",
    "<sync",
    "<sync\u0301",
    "<sync\u2190",
    "\n",
    "promise",
    "/>",
    "<",
    "𝄞",
    "\x85",
)
MAIN = f"Some <b>text</b> 𝄞 {TAG} and.{TAG}<sync/> 1 < 2 <promised> <sync"
BRANCH = "Some <b>text</b> </sync\u0301 <asynchronous </async>"


@settings(deadline=None, max_examples=200)
@given(st.lists(st.sampled_from(PIECES), max_size=7).map("".join))
def test_the_plain_expression_matches_valid_texts_alone(text: str) -> None:
    for form in ("main", "branch"):
        matches = re.fullmatch(export_grammar("regex", stream=form), text) is not None
        assert matches == is_valid(text, form=form)


@pytest.mark.parametrize(("number", "is_legal"), [("10", True), ("9990", True), ("15", False), ("010", False)])
def test_the_plain_expression_keeps_bounds(number: str, is_legal: bool) -> None:
    pattern = export_grammar("regex")
    for length in (0, 1, 80, 81):
        tag = f'<promise topic="{"𝄞" * length}" tokens="{number}"/>'
        assert (re.fullmatch(pattern, tag) is not None) == (is_legal and 0 < length <= 80)


def test_the_structural_tag_holds_the_grammar() -> None:
    content = json.loads(export_grammar("xgrammar-tag"))
    assert content["format"]["grammar"] == export_grammar("xgrammar") == export_grammar("gbnf")


@pytest.mark.parametrize("stream", ["main", "branch"])
def test_xgrammar_loads_the_structural_tag(stream: str) -> None:
    xgrammar = pytest.importorskip("xgrammar", reason="xgrammar is not installed")
    xgrammar.Grammar.from_structural_tag(export_grammar("xgrammar-tag", stream=stream))


@cache
def small_mask() -> TokenMask:
    """Return the mask of all bytes and of many short pieces of the texts, which cross the borders of tags."""
    content = (MAIN + BRANCH).encode()
    pieces = {content[start : start + length] for start in range(len(content)) for length in (2, 3, 5, 8)}
    return compile_mask(byte_vocabulary(*sorted(piece for piece in pieces if len(piece) > 1)))


def peer_of(name: str, stream: str) -> Peer:
    pytest.importorskip(name, reason=f"{name} is not installed")
    kinds = {"xgrammar": Xgrammar, "llguidance": Llguidance}
    peer: Peer = kinds[name](small_mask().vocabulary, export_grammar(name, stream=stream))  # type: ignore[arg-type]
    return peer


@pytest.mark.parametrize(("stream", "text"), [("main", MAIN), ("branch", BRANCH)])
@pytest.mark.parametrize("name", ["xgrammar", "llguidance"])
def test_the_real_tools_agree_state_by_state(name: str, stream: str, text: str) -> None:
    mask, peer = small_mask(), peer_of(name, stream)
    constraint = mask.start(stream)
    for byte in text.encode():
        ours, theirs = constraint.allowed.is_legal, peer.legal()
        if name == "llguidance" and constraint.forced_bytes():  # it narrows forced bytes to one tokenisation
            assert theirs.any()
            assert not (theirs & ~ours).any()
        else:
            assert np.array_equal(ours, theirs)
        assert peer.accept(byte)
        constraint.advance(byte)
