"""The byte automaton is exactly the language of the grammar's decoding streams."""

from functools import cache

import lark
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from grammar import grammar_text, is_valid
from grammar.reference import load_parser
from pasta_toolkit.mask import DEAD, Automaton, AutomatonError, Stream, compile_automaton
from tests.support.mask_oracle import is_viable_bytes, oracle_table

PIECES = (
    "<",
    "/",
    ">",
    "promise",
    "</async>",
    "<sync/>",
    "x",
    "é",
    "\u00b7",
    "𝄞",
    " ",
    '<promise topic="t" tokens="10"/>',
)
PIECES += ('<promise topic="', '" tokens="', "10", "9990", "05", '"/>', "async", "sync", "\x85", "\u0301", "\n", '"')
soup = st.lists(st.sampled_from(PIECES), max_size=8).map("".join)


@cache
def plain() -> Automaton:
    return compile_automaton()


def changed(old: str, new: str) -> lark.Lark:
    assert old in grammar_text()
    return loaded(grammar_text().replace(old, new))


def loaded(text: str) -> lark.Lark:
    return load_parser(text)


@pytest.mark.parametrize("form", ["main", "branch"])
def test_every_state_and_byte_agrees_with_lark(form: str) -> None:
    automaton, oracle = plain(), oracle_table(form)
    waiting = [(automaton.begins[form], oracle.start)]
    seen = set(waiting)
    while waiting:
        state, key = waiting.pop()
        assert automaton.is_accepting[state] == oracle.is_accepting[key], oracle.keys[key]
        assert np.array_equal(automaton.table[state] == DEAD, oracle.table[key] == 0), oracle.keys[key]
        following = set(zip(automaton.table[state].tolist(), oracle.table[key].tolist(), strict=True)) - seen
        seen |= following
        waiting.extend(following)
    assert len({state for state, _ in seen}) > 30


@settings(deadline=None, max_examples=300)
@given(soup)
def test_whole_texts_agree_with_the_scanner(text: str) -> None:
    for form in ("main", "branch"):
        assert plain().accepts(text.encode(), stream=form) == is_valid(text, form=form)
    assert plain().accepts(f"{text}</async>".encode(), stream="branch") == is_valid(f"{text}</async>", form="branch")


@settings(deadline=None, max_examples=40)
@given(soup, st.binary(max_size=3))
def test_prefixes_of_bytes_agree_with_lark_tried_directly(text: str, tail: bytes) -> None:
    content = text.encode() + tail
    for form in ("main", "branch"):
        assert (plain().walk(plain().begins[form], content) != DEAD) == is_viable_bytes(content, form)


def test_no_two_states_are_equivalent() -> None:
    automaton = plain()
    weights = np.random.default_rng(0).integers(1, 1 << 62, size=257)
    blocks = automaton.is_accepting.astype(np.int64)
    for _ in range(automaton.num_states):  # states told apart by a sum are told apart; equal sums can only hide some
        blocks = np.unique(np.column_stack([blocks, blocks[automaton.table]]) @ weights, return_inverse=True)[1]
    assert blocks.max() + 1 == automaton.num_states


def test_the_end_is_reachable_from_every_state() -> None:
    automaton = plain()
    alive = automaton.is_accepting.copy()
    for _ in range(automaton.num_states):
        alive |= alive[automaton.table].any(axis=1)
    assert alive.tolist() == [state != DEAD for state in range(automaton.num_states)]


@pytest.mark.parametrize(
    "content", [b"\xc0", b"\xc1", b"\xe0\x80", b"\xed\xa0", b"\xf0\x8f", b"\xf4\x90", b"\xf5", b"\x80", b"\xff"]
)
def test_bytes_that_no_character_begins_with_are_refused_at_once(content: bytes) -> None:
    for before in (b"", b'<promise topic="'):
        state = plain().walk(plain().begins["main"], before)
        assert plain().walk(state, content[:-1]) != DEAD
        assert plain().walk(state, content) == DEAD


@pytest.mark.parametrize(
    ("text", "is_complete"),
    [
        ("<sync", False),
        ("<syncs", True),
        ("<sync\u0301", True),
        ("<sync\u2190", None),
        ("</promise ", None),
        ("<promise", False),
    ],
)
def test_the_lookahead_reads_to_the_end_of_the_stream(text: str, is_complete: bool | None) -> None:
    state = plain().walk(plain().begins["main"], text.encode())
    assert (None if state == DEAD else bool(plain().is_accepting[state])) == is_complete


def test_a_changed_grammar_makes_a_changed_mask() -> None:
    automaton = compile_automaton(loaded(grammar_text().replace("sync", "join").replace("{1,80}", "{1,3}")))
    assert automaton.accepts(b'<promise topic="abc" tokens="10"/><join/><sync/>', stream="main")
    assert not automaton.accepts(b'<promise topic="abcd" tokens="10"/>', stream="main")
    assert not automaton.accepts(b'<promise topic="abc" tokens="10"/><join>', stream="main")
    assert automaton.num_states < plain().num_states
    assert automaton.digest != plain().digest == compile_automaton().digest


def test_a_terminal_can_be_left_out_and_a_rule_can_be_the_start() -> None:
    streams = [Stream("synced", "idle"), Stream("text", "main", without=("PROMISE",))]
    automaton = compile_automaton(streams=streams)
    assert not automaton.accepts(b'<promise topic="a" tokens="10"/>', stream="synced")
    assert automaton.accepts(b'<promise topic="a" tokens="10"/>b<sync/>', stream="synced")
    assert automaton.accepts(b"a <promised>", stream="text")
    assert automaton.walk(automaton.begins["text"], b"a <promise ") == DEAD
    assert automaton.accepts(b"", stream="text")
    assert automaton.is_accepting[automaton.walk(automaton.after["text", "PROMISE"], b"<sync/>")]


def test_states_inside_a_tag_are_labelled_once_nothing_else_is_possible() -> None:
    begin = plain().begins["main"]
    assert plain().labels[plain().walk(begin, b"<promise")] is None
    assert plain().labels[plain().walk(begin, '<promise topic="é'.encode()[:-1])] == "PROMISE"
    assert plain().walk(begin, b'<promise topic="a" tokens="10"/>') == plain().after["main", "PROMISE"]


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ('SYNC: "<sync/>"', "SYNC: /(?<=x)<sync/", "lookbehind"),
        ('SYNC: "<sync/>"', "SYNC: /<sync\\b>/", "cannot compile at"),
        ('SYNC: "<sync/>"', "SYNC: /<sync\\s>/", "cannot compile category"),
        ('SYNC: "<sync/>"', "SYNC: /<sync(?i:X)>/", "flags"),
    ],
)
def test_what_is_not_regular_is_refused_by_name(old: str, new: str, message: str) -> None:
    with pytest.raises(AutomatonError, match=message):
        compile_automaton(changed(old, new))


def test_a_stream_that_nests_is_refused() -> None:
    with pytest.raises(AutomatonError, match=r"the rule .pending. is not left-linear"):
        compile_automaton(streams=[Stream("response", "response")])


def test_a_rule_that_is_not_there_is_refused() -> None:
    with pytest.raises(AutomatonError, match="the grammar has no rule 'plan'"):
        compile_automaton(streams=[Stream("main", "plan")])


def test_a_stream_that_can_never_end_is_refused() -> None:
    with pytest.raises(AutomatonError, match="can never end"):
        compile_automaton(streams=[Stream("branch", "branch", without=("ASYNC_END",))])
