"""Free mode: whatever the model prefers, its answer is valid, ends in time, and can be replayed."""

import pytest
import torch
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from grammar import check_with_lark, parse, render
from pasta_toolkit.mask import ConstraintError, LimitedConstraint, Limits, compile_limited_mask
from pasta_toolkit.runtime import EventKind, Fixed, Predicted, Promised, Shared, Synced
from reference_engine.errors import EngineError
from reference_engine.forced import ForcedAnswer, ForcedDecoder
from reference_engine.free_options import FreeOptions
from reference_engine.loop import Job
from reference_engine.pool import KvPool
from reference_engine.step.batch import StepBatch
from reference_engine.step.readable import readable_step
from tests.support.engine_free import (
    END,
    PROMPT,
    free_job,
    free_loop,
    free_rules,
    options,
    run_free,
    tag_loving_step,
    tiny_model,
    tokenizer,
)
from tests.support.engine_runs import LAYOUTS

LIGHT = settings(max_examples=6, deadline=None, phases=(Phase.explicit, Phase.reuse, Phase.generate))
POLICIES = {"predicted": Predicted(), "fixed": Fixed(50), "shared": Shared()}
MANY = Limits(first_promise_by=24)


@st.composite
def limits(draw):
    return Limits(
        max_promises=draw(st.sampled_from([None, 1, 3])),
        first_promise_by=draw(st.sampled_from([None, 24])),
        distinct_topics=draw(st.booleans()),
        **draw(st.sampled_from([{}, {"require_sync": True, "branch_tokens": (20, 30)}])),
    )


@st.composite
def ways_to_choose(draw):
    return {
        "seed": draw(st.integers(0, 10_000)),
        "temperature": draw(st.sampled_from([0.0, 0.6, 1.0, 3.0])),
        "top_p": draw(st.sampled_from([1.0, 0.9])),
        "jump_forward": draw(st.booleans()),
    }


@given(
    chosen=ways_to_choose(),
    layout=st.sampled_from(sorted(LAYOUTS)),
    policy=st.sampled_from(sorted(POLICIES)),
    demanded=limits(),
)
@LIGHT
def test_any_sampled_answer_is_a_valid_document_within_its_limits(chosen, layout, policy, demanded):
    loop = free_loop(layout=layout, positions=POLICIES[policy])
    (recording,) = run_free(loop, [free_job(limits=demanded, max_tokens=60, **chosen)])
    assert recording.error is None
    assert recording.fault is None
    check_with_lark(recording.response)
    document = parse(recording.response)
    begin = len(free_rules().branch_begin)
    main, *branches = recording.threads
    assert len(main) <= 60
    assert END not in main
    assert all(len(branch) <= begin + 12 for branch in branches)
    assert len(branches) == len(document.promises)
    assert len(branches) <= (demanded.max_promises or len(branches))
    assert branches or demanded.first_promise_by is None
    assert all(group.sync is not None for group in document.groups) or not demanded.require_sync
    assert all(promise.tokens in (20, 30) for promise in document.promises) or demanded.branch_tokens is None
    assert loop.pool.num_free == loop.pool.num_slots


def replayed(loop, recording):
    """Feed the recording's tokens by its script; return the recording of that, and its trace."""
    events = []
    decoder = ForcedDecoder(PROMPT, ForcedAnswer(recording.threads, recording.script))
    (again,) = run_free(loop, [Job("a", decoder)], record=events.append)
    return again, events


def structure(events):
    """Everything of a trace but its times."""
    return [event._replace(at_ns=0) for event in events]


@given(
    seed=st.integers(0, 10_000),
    layout=st.sampled_from(sorted(LAYOUTS)),
    policy=st.sampled_from(sorted(POLICIES)),
    jump_forward=st.booleans(),
    is_masked=st.booleans(),
)
@LIGHT
def test_a_replayed_recording_takes_the_same_steps(seed, layout, policy, jump_forward, is_masked):
    loop = free_loop(layout=layout, positions=POLICIES[policy])
    demanded = MANY if is_masked else Limits()
    events = []
    job = free_job(seed=seed, jump_forward=jump_forward, limits=demanded, max_tokens=60, is_masked=is_masked)
    (recording,) = run_free(loop, [job], record=events.append)
    again, events_again = replayed(loop, recording)
    assert structure(events_again) == structure(events)
    assert (again.threads, again.script) == (recording.threads, recording.script)


def test_a_replay_would_have_chosen_the_same_tokens():
    """Greedy and unmasked, the model agrees with itself wherever it is asked again."""
    loop = free_loop()
    (recording,) = run_free(loop, [free_job(temperature=0.0, is_masked=False)])
    assert replayed(loop, recording)[0].agreement == 1.0


def test_limits_in_hand_several_branches_decode_at_once():
    """A check of these tests: their model does promise, sync, and end branches by itself and by their budgets."""
    jobs = [free_job(str(seed), seed=seed, temperature=0.9, limits=MANY, max_tokens=90) for seed in range(8)]
    recordings = run_free(free_loop(), jobs)
    begin = len(free_rules().branch_begin)
    lengths = {len(branch) - begin for recording in recordings for branch in recording.threads[1:]}
    assert max(len(recording.threads) for recording in recordings) > 2
    assert any("<sync/>" in recording.response for recording in recordings)
    assert max(lengths) == 12
    assert min(lengths) < 12


def plain_greedy(constraint, num_tokens):
    """Choose by hand: the whole text in one pass of the readable step for every token."""
    tokens = list(PROMPT)
    for _ in range(num_tokens):
        legal = torch.from_numpy(constraint.is_legal().copy())
        best = int(last_logits(tokens).masked_fill(~legal, -torch.inf).argmax())
        if best == END:
            break
        constraint.advance(best)
        tokens.append(best)
    return tuple(tokens[len(PROMPT) :])


def last_logits(tokens):
    pool = KvPool(tiny_model().config, LAYOUTS["interleaved"], len(tokens), dtype=torch.float32)
    rows = torch.arange(len(tokens))
    batch = StepBatch(
        tokens=torch.tensor(tokens),
        positions=rows,
        slots=rows,
        visible=torch.ones(len(tokens), len(tokens), dtype=torch.bool).tril(),
        slot_positions=rows,
        outputs=rows[-1:],
        lane_rows=(len(tokens),),
    )
    return tag_loving_step(tiny_model(), pool.storage, batch)[0]


def test_a_greedy_answer_without_promises_is_that_of_a_plain_loop():
    demanded = Limits(max_promises=0)
    mask = compile_limited_mask(free_rules().vocabulary, demanded)
    expected = plain_greedy(LimitedConstraint(mask, demanded), 30)
    (recording,) = run_free(free_loop(), [free_job(temperature=0.0, limits=demanded, max_tokens=30)])
    assert recording.threads == (expected,)
    assert len(expected) > 4


def test_what_is_drawn_depends_on_no_other_request():
    jobs = [free_job(str(seed), seed=seed, limits=MANY) for seed in range(5)]
    together = run_free(free_loop(), jobs)
    alone = [run_free(free_loop(layout="paged"), [free_job(str(seed), seed=seed, limits=MANY)])[0] for seed in range(5)]
    assert [recording.threads for recording in together] == [recording.threads for recording in alone]
    assert len({recording.threads for recording in together}) == 5


def test_a_branch_that_never_ends_is_ended_by_its_budget():
    def endless(model, storage, batch):
        logits = readable_step(model, storage, batch)
        logits[:, tokenizer().encode(" and")] += 1000.0
        return logits

    loop = free_loop(step=endless)
    demanded = Limits(first_promise_by=20, max_promises=1, branch_tokens=(20, 20))
    (recording,) = run_free(loop, [free_job(temperature=0.0, limits=demanded, max_branch_tokens=50, branch_margin=5)])
    main, branch = recording.threads
    assert len(branch) == len(free_rules().branch_begin) + 25
    assert len(main) == 40
    assert recording.fault is None
    content = parse(recording.response).blocks[0].content
    assert set(content.split()) == {"and"}


def test_a_branch_starts_behind_the_token_that_closes_its_promise():
    """At every promise the main thread has fed its tag, and nothing behind it, when the branch forks."""
    events = []
    (recording,) = run_free(
        free_loop(), [free_job(jump_forward=True, limits=MANY, max_tokens=60)], record=events.append
    )
    prefixes = [event.value for event in events if event.kind is EventKind.FORK]
    main = recording.threads[0]
    assert prefixes
    for number, prefix in enumerate(prefixes, start=1):
        written = free_rules().text(main[: prefix - len(PROMPT)])
        assert written.count("<promise ") == number
        assert written.endswith('"/>')


def test_forced_tokens_cost_no_lane():
    one_by_one, jumping = (
        run_free(free_loop(), [free_job(jump_forward=jump, temperature=0.0, limits=MANY)])[0] for jump in (False, True)
    )
    assert {run.tokens_per_lane for thread in one_by_one.script.threads for run in thread.runs} <= {0, 1}
    assert max(run.tokens_per_lane for thread in jumping.script.threads for run in thread.runs) > 1
    assert jumping.fault is None


def test_events_say_what_the_tags_say():
    (recording,) = run_free(free_loop(), [free_job(seed=2, temperature=0.5, limits=MANY, max_tokens=90)])
    document = parse(recording.response)
    events = [event for run in recording.script.threads[0].runs for event in run.events]
    promised = [event for event in events if isinstance(event, Promised)]
    tags = (len(free_rules().branch_begin), len(free_rules().branch_begin) + len(free_rules().branch_end))
    assert [event.promised_tokens for event in promised] == [promise.tokens for promise in document.promises]
    assert all((event.forced_tokens, event.tag_tokens, event.branch_tokens) == (*tags, None) for event in promised)
    assert sum(isinstance(event, Synced) for event in events) == recording.response.count("<sync/>")
    assert promised


def test_without_a_mask_what_is_ill_formed_is_reported():
    jobs = [free_job(str(seed), seed=seed, is_masked=False, max_tokens=50) for seed in range(8)]
    recordings = run_free(free_loop(), jobs)
    assert all(recording.error is None for recording in recordings)
    assert all(len(thread) <= 50 for recording in recordings for thread in recording.threads)
    faults = [recording.fault for recording in recordings if recording.fault]
    assert faults
    assert all("line 1, column" in fault and "\n" not in fault for fault in faults)


def test_a_request_that_cannot_go_on_fails_alone():
    class Refusing:
        """Decodes two tokens, then has none."""

        prompt, agreement, response = PROMPT, None, None

        def __init__(self):
            self.inner = free_job().decoder
            self.num_left = 2

        def first_tokens(self, branch):
            return self.inner.first_tokens(branch)

        def decoded_threads(self):
            return self.inner.decoded_threads()

        def decode(self, thread, logits, *, pick):
            self.num_left -= 1
            row = logits if self.num_left >= 0 else torch.full_like(logits, -torch.inf)
            return self.inner.decode(thread, row, pick=pick)

    loop = free_loop()
    before, bad, after = run_free(loop, [free_job("x"), Job("bad", Refusing()), free_job("y")])
    assert bad.error == "the model gives no probability to any token that may come next"
    assert len(bad.threads[0]) == 2
    assert before.error is after.error is None
    assert loop.pool.num_free == loop.pool.num_slots
    assert run_free(loop, [free_job("x")])[0].threads == before.threads


def test_a_pool_without_room_for_a_branch_fails_one_request():
    loop = free_loop(num_slots=40)
    long, short = run_free(
        loop, [free_job("long", limits=MANY, max_tokens=60), free_job("short", max_tokens=5, limits=Limits())]
    )
    assert "of the KV cache, which has 40" in long.error
    assert short.error is None
    assert render(parse(short.response)) == free_rules().text(short.threads[0])


@pytest.mark.parametrize(
    ("chosen", "kind", "message"),
    [
        ({"max_tokens": 0}, EngineError, "max_tokens must be at least 1, found 0"),
        ({"branch_margin": -1}, EngineError, "branch_margin must not be negative, found -1"),
        ({"is_masked": False, "limits": MANY}, EngineError, "limits on promises and topics need the mask"),
        ({"limits": Limits(max_tokens=9)}, EngineError, "give max_tokens as an option of the decode"),
        ({"max_branch_tokens": 1}, ConstraintError, "a stream 'branch' takes"),
        ({"limits": Limits(first_promise_by=3)}, ConstraintError, "no promise can be completed within"),
    ],
)
def test_demands_that_nothing_can_meet_are_refused_at_once(chosen, kind, message):
    with pytest.raises(kind, match=message):
        free_job(**chosen)


def test_options_are_values():
    assert options(seed=1) == options(seed=1)
    assert FreeOptions().branch_tokens(30) == FreeOptions().max_branch_tokens
    assert FreeOptions(branch_margin=10).branch_tokens(30) == 40
