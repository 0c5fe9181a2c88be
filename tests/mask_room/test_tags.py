"""A stream says what it has just completed and what it is inside of, whatever its tokens are."""

import json
import random
from functools import cache

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from grammar import split_at_tags
from pasta_toolkit.mask import (
    CompletedTag,
    Constraint,
    ConstraintError,
    LimitedConstraint,
    Limits,
    TokenMask,
    compile_limited_mask,
    compile_mask,
    load_vocabulary,
)
from tests.support.mask_streams import any_tokenisation
from tests.support.mask_vocabularies import byte_vocabulary, real_mask, smollm2_encoder

TAGS = ('<promise topic="aé" tokens="10"/>', '<promise topic="b c" tokens="990"/>', "<sync/>")
PIECES = (*TAGS, *TAGS, "a", " <", "<sy", "<promise", "é", '"', "/>", "<", "\n")
LIMITS = Limits(distinct_topics=True)


@cache
def limited_mask() -> TokenMask:
    return compile_limited_mask(load_vocabulary("smollm2"), LIMITS)


def both() -> tuple[Constraint, LimitedConstraint]:
    return real_mask("smollm2").start(), LimitedConstraint(limited_mask(), LIMITS)


def is_tag(part: str) -> bool:
    return part != "<"


@settings(deadline=None, max_examples=150)
@given(st.lists(st.sampled_from(PIECES), max_size=7).map("".join), st.integers(0, 1 << 30))
def test_every_tag_is_reported_with_its_last_byte_and_never_again(text: str, seed: int) -> None:
    vocabulary = real_mask("smollm2").vocabulary
    tokens = any_tokenisation(vocabulary, text.encode(), random.Random(seed))
    for constraint in both():
        written, found = b"", []
        for token in tokens:
            try:
                constraint.advance(token)
            except ConstraintError:
                break
            written += vocabulary.tokens[token]
            found += [tag.content.decode() for tag in constraint.completed]
            whole = written.decode(errors="ignore")
            assert found == [tag for tag in split_at_tags(whole)[1::2] if is_tag(tag)]
            assert constraint.fork().completed == constraint.completed


def advanced(constraint: Constraint | LimitedConstraint, text: str) -> Constraint | LimitedConstraint:
    for token in smollm2_encoder()(text):
        constraint.advance(token)
    return constraint


def test_a_promise_tells_its_topic_and_tokens() -> None:
    for constraint in both():
        (tag,) = advanced(constraint, f"a <b {TAGS[1]}").completed
        assert tag == CompletedTag("PROMISE", TAGS[1].encode())
        assert tag.promise is not None
        assert (tag.promise.topic, tag.promise.tokens) == ("b c", 990)
        (tag,) = advanced(constraint, "<sync/>").completed
        assert (tag.terminal, tag.promise) == ("SYNC", None)


def test_a_stream_is_inside_a_tag_once_nothing_else_is_possible() -> None:
    for constraint in both():
        assert advanced(constraint, f"{TAGS[0]}<sync").inside is None
        assert advanced(constraint, "/").inside == "SYNC"
        assert advanced(constraint, ">").inside is None
        assert advanced(constraint, "<promise ").inside == "PROMISE"


def test_a_branch_can_end_exactly_where_its_tag_is_complete() -> None:
    branches = (real_mask("smollm2").start("branch"), LimitedConstraint(limited_mask(), LIMITS, stream="branch"))
    for constraint in branches:
        assert advanced(constraint, "text </async").inside is None  # it could still become </asynchronous>
        assert not constraint.can_end
        (tag,) = advanced(constraint, ">").completed
        assert (tag.terminal, tag.content, constraint.can_end) == ("ASYNC_END", b"</async>", True)
        constraint.advance(constraint.mask.vocabulary.ends[0])
        assert constraint.completed == ()
        assert constraint.is_finished


def test_tokens_that_hold_whole_tags_report_each_of_them() -> None:
    vocabulary = byte_vocabulary(TAGS[0].encode(), (TAGS[0] + TAGS[2] + TAGS[1]).encode())
    limits = Limits()
    for constraint in (
        compile_mask(vocabulary).start(),
        LimitedConstraint(compile_limited_mask(vocabulary, limits), limits),
    ):
        for _ in range(2):  # the second time no state changes
            constraint.advance(256)
            assert [tag.content.decode() for tag in constraint.completed] == [TAGS[0]]
        constraint.advance(257)
        assert [tag.terminal for tag in constraint.completed] == ["PROMISE", "SYNC", "PROMISE"]
        constraint.rollback()
        assert [tag.terminal for tag in constraint.completed] == ["PROMISE"]


def test_saving_inside_a_tag_keeps_its_beginning() -> None:
    plain, limited = both()
    cut = len(TAGS[0]) // 2
    saved = json.loads(json.dumps(advanced(plain, TAGS[0][:cut]).save()))
    (tag,) = advanced(Constraint.restore(plain.mask, saved), TAGS[0][cut:]).completed
    assert tag.content.decode() == TAGS[0]
    saved = json.loads(json.dumps(advanced(limited, f"{TAGS[1]} {TAGS[0][:cut]}").save()))
    restored = LimitedConstraint.restore(limited.mask, LIMITS, saved=saved)
    (tag,) = advanced(restored, TAGS[0][cut:]).completed
    assert tag.content.decode() == TAGS[0]
    assert (restored.num_promises, restored.num_tokens) == (
        2,
        limited.num_tokens + len(smollm2_encoder()(TAGS[0][cut:])),
    )
    with pytest.raises(ConstraintError, match="is not legal here"):
        advanced(restored, TAGS[1])
    with pytest.raises(ConstraintError, match="another mask or other limits"):
        LimitedConstraint.restore(limited.mask, Limits(), saved=saved)


def test_forced_tokens_stop_where_a_limit_leaves_a_choice_and_go_on_where_it_leaves_none() -> None:
    encode = smollm2_encoder()
    limits = Limits(max_tokens=8)
    mask = compile_limited_mask(load_vocabulary("smollm2"), limits)
    branch = advanced(LimitedConstraint(mask, limits, stream="branch"), "one two three four")
    assert branch.forced_tokens(encode) == []
    branch.advance(encode("</")[0])
    assert [mask.vocabulary.tokens[token] for token in branch.forced_tokens(encode)] == [b"async", b">"]
    assert branch.forced_bytes() == b"async"
    for token in branch.forced_tokens(encode):
        branch.advance(token)
    assert branch.can_end
    assert branch.forced_tokens(encode) == []
    promise = advanced(LimitedConstraint(mask, Limits(), stream="main"), "<promise ")
    assert [mask.vocabulary.tokens[token] for token in promise.forced_tokens(encode)] == [b"topic"]
