"""Limits on top of the mask: each is kept, and no stream under them gets stuck."""

from functools import cache

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from grammar import Document, is_valid, parse
from pasta_toolkit.mask import (
    ConstraintError,
    LimitedConstraint,
    Limits,
    TokenMask,
    compile_limited_mask,
    load_vocabulary,
)
from tests.support.mask_vocabularies import byte_vocabulary, smollm2_encoder

WHOLE_TAGS = (b'<promise topic="', b'"/><', b'<promise topic="a" tokens="10"/>', b"<sync/>", b'a"', b'="b', b"</async>")
TAGS = ('<promise topic="aa" tokens="10"/>', '<promise topic="bb" tokens="20"/>')


def mask_for(limits: Limits, *, is_small: bool = False) -> TokenMask:
    """Return the mask of some limits: only two of them are compiled into it."""
    return compiled(Limits(require_sync=limits.require_sync, branch_tokens=limits.branch_tokens), is_small)


@cache
def compiled(limits: Limits, is_small: bool) -> TokenMask:
    vocabulary = byte_vocabulary(*WHOLE_TAGS) if is_small else load_vocabulary("smollm2")
    return compile_limited_mask(vocabulary, limits)


def start(limits: Limits, written: str = "", *, stream: str = "main") -> LimitedConstraint:
    constraint = LimitedConstraint(mask_for(limits), limits, stream=stream)
    for token in smollm2_encoder()(written):
        constraint.advance(token)
    return constraint


def refuses(limits: Limits, written: str) -> bool:
    try:
        start(limits, written)
    except ConstraintError:
        return True
    return False


def sampled(limits: Limits, seed: int, *, stream: str = "main", most: int = 300) -> tuple[str, int]:
    """Write a stream that loves tags, and never ends before it must."""
    constraint, rng, written, taken = start(limits, stream=stream), np.random.default_rng(seed), b"", 0
    mask, wanted = constraint.mask, smollm2_encoder()(TAGS[seed % 2])
    place = 0
    while not constraint.is_finished and taken < most:
        legal = constraint.is_legal()
        if taken % 9 == 0:
            place = 0
        if place < len(wanted) and legal[wanted[place]]:
            token, place = wanted[place], place + 1
        else:
            others = np.flatnonzero(legal)
            others = np.setdiff1d(others, mask.vocabulary.ends) if len(others) > 2 else others
            token = int(rng.choice(others))
        constraint.advance(token)
        written += mask.vocabulary.tokens[token]
        taken += 1
    return written.decode(errors="replace"), taken


@pytest.mark.parametrize("budget", [1, 2, 7, 23, 60])
@pytest.mark.parametrize("seed", range(3))
def test_a_budget_always_ends_in_a_valid_stream(budget: int, seed: int) -> None:
    text, taken = sampled(Limits(max_tokens=budget), seed)
    assert taken <= budget
    assert is_valid(text, form="main")


@pytest.mark.parametrize("seed", range(3))
def test_a_branch_within_its_budget_closes_itself(seed: int) -> None:
    text, taken = sampled(Limits(max_tokens=30), seed, stream="branch")
    assert taken <= 30
    assert is_valid(text, form="branch")


@pytest.mark.parametrize("seed", range(3))
def test_all_limits_together_are_kept(seed: int) -> None:
    limits = Limits(
        max_promises=3,
        max_promises_per_group=2,
        max_tokens=140,
        first_promise_by=40,
        branch_tokens=(10, 50),
        require_sync=True,
        distinct_topics=True,
    )
    text, taken = sampled(limits, seed)
    document = parse(text, form="main")
    assert taken <= 140
    assert 1 <= len(document.promises) <= 3
    for group in document.groups:
        assert len(group.promises) <= 2
        assert group.sync is not None
        assert len({promise.topic for promise in group.promises}) == len(group.promises)
    assert all(10 <= promise.tokens <= 50 for promise in document.promises)


def test_caps_forbid_the_beginning_of_a_promise_and_nothing_else() -> None:
    one = Limits(max_promises=1)
    assert not refuses(one, f"a {TAGS[0]} b <promised> c<sync/> d")
    assert refuses(one, f"{TAGS[0]}<promise ")
    assert refuses(one, f"{TAGS[0]}<sync/><promise ")
    group = Limits(max_promises_per_group=1)
    assert refuses(group, f"{TAGS[0]} <promise ")
    assert not refuses(group, f"{TAGS[0]} <sync/>{TAGS[1]}")
    assert refuses(Limits(max_promises=0), "<promise ")


def test_a_topic_is_not_repeated_in_its_group() -> None:
    distinct = Limits(distinct_topics=True)
    assert refuses(distinct, TAGS[0] + TAGS[0])
    assert not refuses(distinct, TAGS[0] + TAGS[1])
    assert not refuses(distinct, f"{TAGS[0]}<sync/>{TAGS[0]}")
    constraint = start(distinct, TAGS[0] + '<promise topic="aa')
    quote = smollm2_encoder()('"')[0]
    assert not constraint.is_legal()[quote]
    assert start(distinct, TAGS[0] + '<promise topic="aab').is_legal()[quote]


def test_a_longest_topic_cannot_be_reached_twice() -> None:
    limits = Limits(distinct_topics=True)
    mask = compile_limited_mask(byte_vocabulary(), limits)
    constraint = LimitedConstraint(mask, limits)
    for byte in f'<promise topic="{"x" * 80}" tokens="10"/><promise topic="{"x" * 79}'.encode():
        constraint.advance(byte)
    legal = constraint.is_legal()
    assert not legal[ord("x")]
    assert legal[ord("y")]
    assert legal[ord('"')]


def test_a_sync_can_be_required() -> None:
    assert not start(Limits(require_sync=True), TAGS[0]).can_end
    assert start(Limits(require_sync=True), f"{TAGS[0]}<sync/> end").can_end
    assert start(Limits(), TAGS[0]).can_end


def test_the_range_of_numbers_is_kept() -> None:
    limits = Limits(branch_tokens=(20, 200))
    assert refuses(limits, TAGS[0])
    assert not refuses(limits, TAGS[1] + '<promise topic="c" tokens="200"/>')
    assert refuses(limits, '<promise topic="c" tokens="210"/>')
    with pytest.raises(ConstraintError, match="no number of tokens between 1 and 9 is legal"):
        mask_for(Limits(branch_tokens=(1, 9)))


def test_the_first_promise_comes_in_time() -> None:
    limits = Limits(first_promise_by=20)
    constraint = start(limits)
    assert not constraint.can_end
    text, _ = sampled(limits, 0, most=20)
    assert len(parse(text[: text.rindex(">") + 1], form="main").promises) >= 1
    with pytest.raises(ConstraintError, match="within first_promise_by tokens"):
        start(Limits(first_promise_by=2))
    with pytest.raises(ConstraintError, match="demands a promise that the cap"):
        Limits(first_promise_by=20, max_promises=0)


def test_forks_and_rollbacks_restore_all_counts() -> None:
    limits = Limits(max_promises=1)
    constraint = start(limits, "a ")
    fork = constraint.fork()
    tokens = smollm2_encoder()(TAGS[0])
    for token in tokens:
        fork.advance(token)
    assert (fork.num_promises, constraint.num_promises) == (1, 0)
    fork.rollback(len(tokens))
    assert np.array_equal(fork.is_legal(), constraint.is_legal())
    with pytest.raises(ValueError, match="cannot take back 99 tokens"):
        fork.rollback(99)


def test_a_budget_that_no_stream_fits_is_refused() -> None:
    with pytest.raises(ConstraintError, match="more than max_tokens allows"):
        start(Limits(max_tokens=2), stream="branch")
    with pytest.raises(ConstraintError, match="max_promises must not be negative"):
        Limits(max_promises=-1)


def test_tokens_that_hold_whole_tags_are_counted_too() -> None:
    limits = Limits(max_promises=2, distinct_topics=True)
    mask = compile_limited_mask(
        byte_vocabulary(TAGS[0].encode(), (TAGS[1] * 2).encode(), "".join(TAGS).encode()), limits
    )
    first, twice, both = 256, 257, 258
    constraint = LimitedConstraint(mask, limits)
    assert constraint.is_legal()[[first, twice, both]].tolist() == [True, False, True]
    constraint.advance(first)
    assert constraint.is_legal()[[first, twice, both]].tolist() == [False, False, False]
    for token in (first, twice, both):
        with pytest.raises(ConstraintError, match="is not legal here"):
            constraint.advance(token)


def small(numbers: st.SearchStrategy[int]) -> st.SearchStrategy[int | None]:
    return st.none() | numbers


ANY_LIMITS = st.builds(
    Limits,
    max_promises=small(st.integers(1, 4)),
    max_promises_per_group=small(st.integers(1, 3)),
    max_tokens=small(st.integers(1, 90)),
    first_promise_by=small(st.integers(30, 60)),
    branch_tokens=st.sampled_from([None, (20, 200)]),
    require_sync=st.booleans(),
    distinct_topics=st.booleans(),
)
MOST_STEPS = 100


def next_token(constraint: LimitedConstraint, rng: np.random.Generator, *, loves: bytes) -> int:
    """Go on with a text that the stream loves, byte by byte or by longer tokens; else by chance."""
    legal = np.flatnonzero(constraint.is_legal())
    assert len(legal), "the stream is stuck"
    tokens = constraint.mask.vocabulary.tokens
    loved = [token for token in legal.tolist() if tokens[token] and loves.startswith(tokens[token])]
    others = np.setdiff1d(legal, constraint.mask.vocabulary.ends)
    return int(rng.choice(loved or (others if len(others) else legal)))


@settings(deadline=None, max_examples=80)
@given(ANY_LIMITS, st.integers(0, 1 << 30), st.sampled_from(["main", "branch"]))
def test_no_stream_gets_stuck_under_any_limits_and_what_it_writes_keeps_them(
    limits: Limits, seed: int, stream: str
) -> None:
    rng, written = np.random.default_rng(seed), b""
    try:
        constraint = LimitedConstraint(mask_for(limits, is_small=True), limits, stream=stream)
    except ConstraintError:  # no stream at all can keep these
        assert limits.max_tokens is not None
        return
    loved = '<promise topic="a" tokens="20"/>' * 9
    for _ in range(MOST_STEPS):
        loves = loved[len(written) % len(loved) :].encode() if rng.random() < 0.9 else b"<sync/></async>"
        token = next_token(constraint, rng, loves=loves)
        constraint.advance(token)
        written += constraint.mask.vocabulary.tokens[token]
        if constraint.is_finished:
            break
    assert constraint.is_finished or limits.max_tokens is None
    if constraint.is_finished:
        assert constraint.num_tokens <= (limits.max_tokens or MOST_STEPS)
        assert_kept(limits, parse(written.decode(), form=stream), stream)


def assert_kept(limits: Limits, document: Document, stream: str) -> None:
    """Check the limits on a finished stream, from its tree alone."""
    if stream == "branch":
        return
    assert len(document.promises) <= (limits.max_promises or MOST_STEPS)
    assert document.promises or limits.first_promise_by is None
    for group in document.groups:
        topics = [promise.topic for promise in group.promises]
        assert len(topics) <= (limits.max_promises_per_group or MOST_STEPS)
        assert len(set(topics)) == len(topics) or not limits.distinct_topics
        assert group.sync is not None or not limits.require_sync
    low, high = limits.branch_tokens or (10, 9990)
    assert all(low <= promise.tokens <= high for promise in document.promises)


@settings(deadline=None, max_examples=40)
@given(ANY_LIMITS, st.integers(0, 1 << 30))
def test_what_is_called_legal_is_what_can_be_taken(limits: Limits, seed: int) -> None:
    rng = np.random.default_rng(seed)
    try:
        constraint = LimitedConstraint(mask_for(limits, is_small=True), limits)
    except ConstraintError:
        return
    loved = '<promise topic="a" tokens="20"/>'
    for step in range(45):
        if constraint.is_finished:
            return
        if step % 5 == seed % 5:
            can_be_taken = [
                constraint._after(token) is not None for token in range(constraint.mask.vocabulary.num_logits)
            ]
            assert constraint.is_legal().tolist() == can_be_taken
        loves = loved.removeprefix(constraint._progress.opened.decode(errors="ignore"))
        constraint.advance(next_token(constraint, rng, loves=loves.encode()))


def test_a_deadline_and_a_budget_are_met_together() -> None:
    encode = smollm2_encoder()
    limits = Limits(first_promise_by=14, max_tokens=16, require_sync=True)
    for seed in range(3):
        text, taken = sampled(limits, seed)
        document = parse(text, form="main")
        assert taken <= 16
        assert document.promises
    with pytest.raises(ConstraintError, match="and the stream be ended"):
        start(Limits(first_promise_by=14, max_tokens=len(encode(TAGS[0])), require_sync=True))
