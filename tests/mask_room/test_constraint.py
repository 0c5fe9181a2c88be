"""A stream in progress: admitted, refused, forced, forked, taken back, saved; and the cache."""

import random
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from grammar import is_valid
from pasta_toolkit.mask import (
    CacheError,
    Constraint,
    ConstraintError,
    TokenMask,
    compile_mask,
    load_vocabulary,
)
from tests.support.mask_oracle import oracle_table
from tests.support.mask_streams import any_tokenisation
from tests.support.mask_vocabularies import REAL, byte_vocabulary, real_mask, smollm2_encoder

TAG = '<promise topic="a topic" tokens="120"/>'
MAIN = f"Some <b>text</b> é {TAG} and.{TAG}\n\n<sync/> 1 < 2 <promised>"
SOUP = st.lists(
    st.sampled_from([TAG, "<sync/>", "</async>", "a", " <", "<sync", "é", "\n", "promise", '"', "/>", "<"]), max_size=7
)


@settings(deadline=None, max_examples=120)
@given(SOUP.map("".join), st.integers(0, 1 << 30))
def test_every_tokenisation_is_admitted_up_to_the_first_wrong_byte(text: str, seed: int) -> None:
    mask = real_mask("smollm2")
    content = text.encode()
    for form in ("main", "branch"):
        constraint = mask.start(form)
        written = b""
        for token in any_tokenisation(mask.vocabulary, content, random.Random(seed)):
            longer = written + mask.vocabulary.tokens[token]
            is_legal = oracle_table(form).walk(longer) != 0
            assert (token in constraint.allowed) == is_legal
            if not is_legal:
                with pytest.raises(ConstraintError, match="is not legal here"):
                    constraint.advance(token)
                break
            constraint.advance(token)
            written = longer
        else:
            assert constraint.can_end == is_valid(text, form=form)
            if constraint.can_end:
                constraint.advance(mask.vocabulary.ends[0])
                assert constraint.is_finished
                assert not len(constraint.allowed)


@pytest.mark.parametrize("name", REAL)
@pytest.mark.parametrize("stream", ["main", "branch"])
def test_random_streams_under_the_mask_always_parse(name: str, stream: str) -> None:
    mask = real_mask(name)
    rng = np.random.default_rng(7)
    opening = np.array([token for token, content in enumerate(mask.vocabulary.tokens) if content[:1] == b"<"])
    for _ in range(4):
        constraint, written = mask.start(stream), b""
        for step in range(150):
            is_legal = constraint.allowed.is_legal
            legal = opening[is_legal[opening]] if step % 5 == 0 else np.flatnonzero(is_legal)
            legal = legal if len(legal) else np.flatnonzero(is_legal)
            token = mask.vocabulary.ends[0] if constraint.can_end and step > 60 else int(rng.choice(legal))
            constraint.advance(token)
            written += mask.vocabulary.tokens[token]
            if constraint.is_finished:
                break
        else:
            written += closing_bytes(constraint)
        assert is_valid(written.decode(), form=stream)


def closing_bytes(constraint: Constraint) -> bytes:
    """Take the tokens that end a stream soonest."""
    mask, written = constraint.mask, b""
    while not constraint.is_finished:
        to_end = mask.table.tokens_to_end
        token = next(
            token
            for token in constraint.allowed.ids().tolist()
            if (following := mask.next_state(constraint.state, token)) == mask.finished
            or to_end[following] < to_end[constraint.state]
        )
        constraint.advance(token)
        written += mask.vocabulary.tokens[token]
    return written


def test_a_branch_ends_behind_its_tag_and_nowhere_else() -> None:
    mask = real_mask("smollm2")
    constraint = mask.start("branch")
    for token in smollm2_encoder()("text.</async"):
        constraint.advance(token)
        assert not constraint.can_end
    constraint.advance(smollm2_encoder()(">")[0])
    assert constraint.allowed.ids().tolist() == list(mask.vocabulary.ends)


@pytest.mark.parametrize(
    ("written", "forced", "tokens"),
    [
        ("<promise ", b'topic="', [b"topic"]),
        ("<promise t", b'opic="', [b"opic"]),
        ('<promise topic="a" to', b'kens="', [b"kens", b'="']),
        ('<promise topic="a" tokens="10', b"", []),
        ("text", b"", []),
        ("text <promise", b"", []),
    ],
)
def test_forced_bytes_and_their_lasting_tokens(written: str, forced: bytes, tokens: list[bytes]) -> None:
    mask = real_mask("smollm2")
    constraint = mask.start()
    for token in smollm2_encoder()(written):
        constraint.advance(token)
    assert constraint.forced_bytes() == forced
    contents = [mask.vocabulary.tokens[token] for token in constraint.forced_tokens(smollm2_encoder())]
    assert contents == tokens


@pytest.mark.parametrize("following", ["a", "(x", '="', "é", " a b", "-", "'", "...", "10", "</", "\\"])
def test_forced_tokens_are_what_the_tokenizer_writes_whatever_follows(following: str) -> None:
    mask, encode = real_mask("smollm2"), smollm2_encoder()
    for written in ("x <promise ", "x <promise t", "x <promise topi"):
        constraint = mask.start()
        for token in encode(written):
            constraint.advance(token)
        before = encode(written)
        forced = constraint.forced_tokens(encode, written=written)
        whole = encode(written + constraint.forced_bytes().decode() + following)
        if whole[: len(before)] == before:
            assert whole[len(before) :][: len(forced)] == forced


def test_forks_share_nothing_but_the_past() -> None:
    mask = real_mask("smollm2")
    tokens = smollm2_encoder()(MAIN)
    constraint = mask.start()
    states = [constraint.state]
    for token in tokens:
        constraint.advance(token)
        states.append(constraint.state)
    fork = constraint.fork()
    fork.rollback(len(tokens) // 2)
    assert fork.state == states[len(tokens) - len(tokens) // 2]
    assert constraint.state == states[-1]
    for token in tokens[len(tokens) - len(tokens) // 2 :]:
        fork.advance(token)
    assert fork.state == constraint.state
    with pytest.raises(ValueError, match="cannot take back 999 tokens"):
        fork.rollback(999)


def test_a_state_survives_saving_and_belongs_to_its_mask() -> None:
    mask = real_mask("smollm2")
    constraint = mask.start()
    constraint.advance(smollm2_encoder()("<")[0])
    assert Constraint.restore(mask, constraint.save()).state == constraint.state
    with pytest.raises(ConstraintError, match="belongs to another mask"):
        Constraint.restore(compile_mask(byte_vocabulary()), constraint.save())


@pytest.mark.parametrize("token", [-1, -49152, 49152, 1 << 40, 1])
def test_what_is_no_legal_id_is_refused_and_changes_nothing(token: int) -> None:
    constraint = real_mask("smollm2").start()
    before = constraint.state
    assert token not in constraint.allowed
    with pytest.raises(ConstraintError, match="is not legal here"):
        constraint.advance(token)
    assert constraint.state == before


def test_tags_that_are_one_token_are_legal_where_tags_are() -> None:
    mask = compile_mask(byte_vocabulary(b"<promise", b"<sync/>", b"</async>", b'<promise topic="a" tokens="10"/>'))
    opening, sync, end_of_async, whole = 256, 257, 258, 259
    constraint = mask.start()
    assert opening in constraint.allowed
    assert sync not in constraint.allowed
    assert end_of_async not in constraint.allowed
    constraint.advance(whole)
    constraint.advance(sync)
    assert sync not in constraint.allowed
    assert end_of_async in mask.start("branch").allowed


def same(first: TokenMask, second: TokenMask) -> bool:
    return all(np.array_equal(a.is_legal, b.is_legal) for a, b in zip(first.sets, second.sets, strict=True))


def test_the_cache_gives_back_the_same_mask(tmp_path: Path) -> None:
    vocabulary = byte_vocabulary()
    built = compile_mask(vocabulary, cache=tmp_path)
    read = compile_mask(vocabulary, cache=tmp_path)
    assert same(built, read)
    for mask in (built, read):
        constraint = mask.start()
        for byte in MAIN.encode():
            constraint.advance(byte)
        assert constraint.can_end
    assert read.automaton.digest == built.automaton.digest
    assert len(list(tmp_path.iterdir())) == 1
    compile_mask(byte_vocabulary(b"ab"), cache=tmp_path)
    assert len(list(tmp_path.iterdir())) == 2


@pytest.mark.parametrize("place", [0, 20, 60, -1])
def test_a_damaged_cache_is_an_error_and_never_a_mask(tmp_path: Path, place: int) -> None:
    compile_mask(byte_vocabulary(), cache=tmp_path)
    (entry,) = tmp_path.iterdir()
    content = bytearray(entry.read_bytes())
    content[place] ^= 1
    entry.write_bytes(content)
    with pytest.raises(CacheError, match="is damaged: delete the file"):
        compile_mask(byte_vocabulary(), cache=tmp_path)
    entry.write_bytes(bytes(content[: len(content) // 2]))
    with pytest.raises(CacheError, match="is damaged"):
        compile_mask(byte_vocabulary(), cache=tmp_path)


def test_a_cache_that_cannot_be_written_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(CacheError, match="cannot"):
        compile_mask(byte_vocabulary(), cache=tmp_path / "file")


def test_an_unknown_stream_is_refused() -> None:
    with pytest.raises(ValueError, match="no stream 'response': the mask has main, branch"):
        real_mask("smollm2").start("response")


def test_the_embedded_vocabulary_loads() -> None:
    assert load_vocabulary("smollm2").num_logits == 49152
