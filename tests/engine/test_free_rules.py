"""What tokens mean to a free thread, on a vocabulary of bytes with some awkward tokens; with the mask and without."""

from functools import cache

import numpy as np
import pytest

from pasta_toolkit.mask import Limits, compile_limited_mask
from reference_engine.stream_rules import BRANCH, MAIN, MaskedRule, PlainRule, Taken
from tests.support.mask_vocabularies import byte_vocabulary

CLOSES_AND_SYNCS, CLOSES_AND_WRITES, SHOWS_SYNC, ENDS_BRANCH, CLOSES_TWICE = range(256, 261)
AWKWARD = (b"><sync/", b"> and", b"a<sync/", b"a</async>", b'><promise topic="b" tokens="10"/>')
END = 256 + len(AWKWARD)
PROMISED = b'<promise topic="a" tokens="20"/'


@cache
def vocabulary():
    return byte_vocabulary(*AWKWARD)


@cache
def mask():
    return compile_limited_mask(vocabulary(), Limits())


def encode(text):
    return list(text.encode())


def masked_bytes(stream=MAIN, most_tokens=200):
    """A rule on bytes alone."""
    return MaskedRule(byte_mask(), Limits(), stream=stream, most_tokens=most_tokens, encode=encode)


@cache
def byte_mask():
    return compile_limited_mask(byte_vocabulary(), Limits())


def masked(stream=MAIN, most_tokens=200):
    return MaskedRule(mask(), Limits(), stream=stream, most_tokens=most_tokens, encode=encode)


def plain(stream=MAIN, most_tokens=200):
    return PlainRule(vocabulary(), stream=stream, most_tokens=most_tokens)


def write(rule, content):
    """Take all bytes; return what the last one did."""
    for byte in content:
        taken = rule.take(byte)
        assert taken is not None
    return taken


both = pytest.mark.parametrize("make", [masked, plain])


@both
def test_a_promise_closes_with_its_last_byte(make):
    rule = make()
    assert write(rule, PROMISED) == Taken()
    taken = rule.take(ord(">"))
    assert (taken.promise.topic, taken.promise.tokens) == ("a", 20)
    assert rule.take(ord("x")) == Taken()


@both
def test_a_token_may_close_a_promise_and_write_text_behind_it(make):
    rule = make()
    write(rule, PROMISED)
    assert rule.take(CLOSES_AND_WRITES).promise.tokens == 20


@pytest.mark.parametrize(("make", "token"), [(masked, CLOSES_AND_SYNCS), (masked, CLOSES_TWICE), (plain, CLOSES_TWICE)])
def test_a_token_that_closes_a_promise_and_shows_another_tag_is_refused(make, token):
    rule = make()
    write(rule, PROMISED)
    assert rule.take(token) is None
    assert rule.take(ord(">")).promise.tokens == 20


def test_a_sync_shows_itself_as_soon_as_it_is_certain():
    rule = masked_bytes()
    write(rule, PROMISED + b">")
    assert write(rule, b" <sync") == Taken()
    assert rule.take(ord("/")) == Taken(begins_sync=True)
    assert rule.is_inside_sync
    assert rule.forced() == encode(">")
    assert rule.take(ord(">")) == Taken()
    assert not rule.is_inside_sync


def test_without_a_mask_a_sync_shows_itself_when_it_is_complete():
    rule = plain()
    write(rule, PROMISED + b">")
    assert write(rule, b" <sync/") == Taken()
    assert rule.take(ord(">")) == Taken(begins_sync=True)


def test_text_before_a_sync_in_the_same_token_changes_nothing():
    rule = masked()
    write(rule, PROMISED + b">")
    assert rule.take(SHOWS_SYNC) == Taken(begins_sync=True)


@both
@pytest.mark.parametrize("content", [encode("hm</async>"), [*encode("hm"), ENDS_BRANCH]])
def test_a_branch_ends_with_its_tag(make, content):
    assert write(make(BRANCH), content) == Taken(ends=True)


@both
def test_the_main_thread_ends_with_an_end_token(make):
    rule = make()
    write(rule, b"Hi.")
    assert rule.take(END) == Taken(ends=True, is_end_token=True)


@both
def test_the_last_token_of_the_budget_ends_the_thread(make):
    rule = make(MAIN, 3)
    assert write(rule, b"ab") == Taken()
    assert rule.take(ord("c")) == Taken(ends=True)


def test_the_mask_closes_a_branch_in_time():
    rule = masked_bytes(BRANCH, 11)
    write(rule, b"abc")
    assert rule.take(ord("d")) is None
    assert bytes(rule.forced()) == b"</async>"
    assert write(rule, b"</async>").ends


def test_the_mask_refuses_an_end_within_a_tag():
    rule = masked()
    write(rule, PROMISED)
    assert rule.take(END) is None
    row = np.zeros(END + 1, np.float32)
    rule.forbid(row)
    assert set(np.flatnonzero(np.isfinite(row))) == {
        ord(">"),
        CLOSES_AND_SYNCS,
        CLOSES_AND_WRITES,
        CLOSES_TWICE,
    }


def test_without_a_mask_misplaced_tags_are_text():
    assert write(plain(), b"</async><async>") == Taken()
    assert write(plain(BRANCH), PROMISED + b"><sync/>") == Taken()


def test_without_a_mask_half_a_character_spoils_nothing():
    rule = plain()
    assert rule.take(0xE9) == Taken()
    assert write(rule, PROMISED + b">").promise.tokens == 20
