"""The loop: many requests, failures that stay alone, long runs that lose nothing."""

import pytest
import torch

from grammar import parse
from pasta_toolkit.runtime import EventKind, Limits, Request, Scheduler
from reference_engine.errors import EngineError
from reference_engine.forced import ForcedDecoder, forced_answer, forced_text
from reference_engine.loop import Job
from reference_engine.step.readable import readable_step
from tests.support.engine_models import twins
from tests.support.engine_runs import LAYOUTS, loop_for, run_forced
from tests.support.engine_serial import byte_tokens
from tests.support.sim_driver import drive, lanes_of

DOCUMENT = parse(
    'Why? <promise topic="a" tokens="20"/><promise topic="b" tokens="10"/><async>One.</async><async>Two.</async>'
)


def encode(text):
    return byte_tokens(text, 97)


PROMPT = encode("A prompt.")
ANSWER = forced_answer(DOCUMENT, encode)
LONG = forced_text("x" * 500, encode)


def model():
    return twins("llama")[0]


def test_a_request_that_is_too_long_for_the_pool_fails_alone():
    loop = loop_for(model(), num_slots=200)
    recordings, _ = run_forced(loop, [("good", PROMPT, ANSWER), ("long", PROMPT, LONG), ("later", PROMPT, ANSWER)])
    assert [recording.error is None for recording in recordings] == [True, False, True]
    assert "request 'long' needs 201 slots of the KV cache, which has 200" in recordings[1].error
    assert recordings[1].script is None
    assert loop.pool.num_free == 200


def test_an_over_long_prompt_fails_alone():
    loop = loop_for(model(), num_slots=200)
    recordings, _ = run_forced(
        loop, [("long", encode("x" * 300), ANSWER), ("good", PROMPT, ANSWER), ("empty", [], ANSWER)]
    )
    assert "needs 300 slots" in recordings[0].error
    assert recordings[1].error is None
    assert recordings[2].error == "request 'empty' has 0 prompt tokens; it needs at least 1"


def test_numbers_that_are_none_fail_one_request_and_spoil_no_other():
    """The failing request writes not-a-number into its slots; those are erased before anybody gets them."""
    poisoned = 96

    def step(model, storage, batch):
        logits = readable_step(model, storage, batch)
        bad = batch.slots[batch.tokens == poisoned]
        storage.entries[:, bad] = float("nan")
        logits[batch.tokens[batch.outputs] == poisoned] = float("nan")
        return logits

    loop = loop_for(model(), step=step, num_slots=256)
    clean = run_forced(loop_for(model(), num_slots=256), [("good", PROMPT, ANSWER)])[1]["good"]
    bad = forced_text("\x60" + "x" * 20, encode)
    assert poisoned in bad.threads[0]
    recordings, decoders = run_forced(loop, [("bad", PROMPT, bad), ("good", PROMPT, ANSWER)])
    assert recordings[0].error == "the model's logits in thread 0 are no numbers"
    assert recordings[1].error is None
    again, _ = run_forced(loop, [("good", PROMPT, ANSWER)])
    assert again[0].error is None
    assert len(decoders["good"].kept) == len(clean.kept)


def test_a_row_that_is_too_short_fails_alone():
    loop = loop_for(model(), layout="copied", num_slots=4 * LAYOUTS["copied"].row_tokens)
    longest = forced_text("x" * 2100, encode)
    recordings, _ = run_forced(loop, [("long", PROMPT, longest), ("good", PROMPT, ANSWER)])
    assert "a row of the layout 'copied' has 2048; give the engine longer rows" in recordings[0].error
    assert recordings[1].error is None


def test_a_join_that_a_row_cannot_hold_fails_alone():
    long = "x" * 1000
    promises = '<promise topic="a" tokens="10"/><promise topic="b" tokens="10"/>'
    document = parse(f"{promises}<async>{long}</async><async>{long}</async><sync/>.")
    loop = loop_for(model(), layout="copied", num_slots=8 * LAYOUTS["copied"].row_tokens)
    recordings, _ = run_forced(loop, [("long", PROMPT, forced_answer(document, encode)), ("good", PROMPT, ANSWER)])
    assert "a row of the layout 'copied' has 2048" in recordings[0].error
    assert recordings[1].error is None
    assert loop.pool.num_free == loop.pool.num_slots


def test_two_requests_of_one_name_are_refused():
    with pytest.raises(EngineError, match="two requests bear the same name"):
        loop_for(model()).run([Job("a", ForcedDecoder(PROMPT, ANSWER)), Job("a", ForcedDecoder(PROMPT, ANSWER))])


def test_whoever_stops_early_leaves_a_loop_that_works():
    loop = loop_for(model())
    for served in loop.serve([Job("a", ForcedDecoder(PROMPT, LONG))]):
        if served.step is not None and served.step.sequence == 5:
            break
    assert loop.pool.num_free == loop.pool.num_slots
    assert run_forced(loop, [("a", PROMPT, ANSWER)])[0][0].error is None


def test_requests_arrive_at_their_times_and_are_decoded_together():
    loop, events = loop_for(model()), []
    jobs = [Job(str(n), ForcedDecoder(PROMPT, LONG), arrival_ns=n * 1_000_000) for n in range(3)]
    recordings = loop.run(jobs, record=events.append)
    assert all(recording.error is None for recording in recordings)
    arrivals = [event.at_ns for event in events if event.kind is EventKind.ARRIVAL]
    assert all(at_ns >= n * 1_000_000 for n, at_ns in enumerate(arrivals))
    assert max(len(event.lanes) for event in events if event.kind is EventKind.STEP_BEGIN) == 3


def test_the_engine_takes_the_steps_of_the_runtime_alone():
    """The same scheduler with a script reader and no model plans the very same lanes."""
    events = []
    loop = loop_for(model(), limits=Limits(max_lanes=3))
    run_forced(loop, [(name, PROMPT, ANSWER) for name in "abc"], record=events.append)
    arrivals = [(0, Request(name, len(PROMPT)), ANSWER.script) for name in "abc"]
    assert lanes_of(events) == lanes_of(drive(Scheduler(Limits(max_lanes=3)), arrivals))


def test_a_thousand_steps_lose_no_slot_and_keep_no_request():
    loop = loop_for(model(), num_slots=256, limits=Limits(max_lanes=8))
    num_steps = 0
    for _ in range(20):
        jobs = [Job(str(n), ForcedDecoder(PROMPT, forced_text("x" * 60, encode))) for n in range(8)]
        for served in loop.serve(jobs):
            num_steps += served.step is not None
        assert loop.pool.num_free == loop.pool.num_slots
    assert num_steps > 1000
    assert not loop.executor._requests
    assert not loop.executor._decoders
    assert len(loop.pool.seen) == len(loop.pool._free_lines)
    assert torch.isfinite(loop.pool.storage.entries).all()
