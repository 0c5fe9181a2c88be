"""The exported grammars accept what the mask accepts; the tools themselves agree with it state by state."""

import json
import re
from typing import Literal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from grammar import is_valid
from pasta_toolkit.mask import export_grammar
from tests.support.mask_parity import differences
from tests.support.mask_peers import Llguidance, Xgrammar
from tests.support.mask_vocabularies import real_mask, smollm2_encoder

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


@settings(deadline=None, max_examples=100)
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


def llguidance_peer(stream: str, *, header: str = "") -> Llguidance:
    pytest.importorskip("llguidance", reason="llguidance is not installed")
    grammar = header + export_grammar("llguidance", stream=stream)
    return Llguidance(real_mask("smollm2").vocabulary, grammar, encode=smollm2_encoder())


@pytest.mark.parametrize("stream", ["main", "branch"])
def test_llguidance_agrees_in_every_state_and_token_where_it_forces_none(stream: str) -> None:
    num_states, found = differences(
        real_mask("smollm2"), llguidance_peer(stream, header='%llguidance {"no_forcing": true}\n'), stream=stream
    )
    assert num_states == {"main": 835, "branch": 41}[stream]
    assert not found


def test_llguidance_as_it_comes_narrows_forced_bytes_to_one_tokenisation_and_nothing_else() -> None:
    mask = real_mask("smollm2")
    _, found = differences(mask, llguidance_peer("main"), stream="main")
    assert {each.state for each in found} <= {state for state, forced in enumerate(mask.forced_bytes) if forced}
    assert not any(each.theirs_alone for each in found)
    for each in found:  # what it forbids are shorter pieces of what is forced
        assert all(mask.forced_bytes[each.state].startswith(piece) for piece in each.ours_alone)


# xgrammar takes a tenth of a second where text stands, so a sample; `python -m benchmarks.mask_exports` takes them all.
@pytest.mark.parametrize(("target", "every"), [("xgrammar", 20), ("xgrammar-tag", 40)])
@pytest.mark.parametrize("stream", ["main", "branch"])
def test_xgrammar_agrees_in_states_and_every_token(
    target: Literal["xgrammar", "xgrammar-tag"], every: int, stream: str
) -> None:
    pytest.importorskip("xgrammar", reason="xgrammar is not installed")
    mask = real_mask("smollm2")
    peer = Xgrammar(mask.vocabulary, export_grammar(target, stream=stream))
    num_states, found = differences(mask, peer, stream=stream, every=every)
    assert num_states >= 2
    assert not found
