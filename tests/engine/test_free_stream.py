"""`Engine.stream`: what it tells, joined, is what was decoded, in forced mode and in free mode."""

from collections import defaultdict
from dataclasses import replace
from functools import cache, partial
from unittest.mock import patch

import pytest
import torch
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from grammar import AsyncBlock, Document, Text, parse, render
from pasta_toolkit.mask import Limits
from pasta_toolkit.runtime import Limits as RunLimits
from pasta_toolkit.runtime import Preemption, ThreadState
from reference_engine.engine import Engine, EngineOptions
from reference_engine.errors import EngineError
from reference_engine.events import RequestEnded, TextReady, ThreadProgress
from tests.support.dag_strategies import documents
from tests.support.engine_free import PROMPT, options, tag_loving_step, tiny_model, tokenizer

LIGHT = settings(max_examples=5, deadline=None, phases=(Phase.explicit, Phase.reuse, Phase.generate))
MANY = Limits(first_promise_by=24)
TWO = parse(
    'Two: <promise topic="left" tokens="20"/> and <promise topic="right" tokens="10"/>.'
    "<async>one thing é</async><async>another</async><sync/> So it is."
)


@cache
def engine(**chosen):
    """An engine whose model loves tags; one for all tests that want the same."""
    chosen = {"step": "readable", "num_slots": 4096, "row_slots": 512} | chosen
    with patch("reference_engine.engine.choose_step", return_value=(partial(tag_loving_step, tiny_model()), "")):
        return Engine(tiny_model(), tokenizer=tokenizer(), options=EngineOptions(**chosen))


def writable(document):
    """Replace what SmolLM2's tokenizer cannot write: it lacks a few control bytes and some rare planes."""
    known = {character: tokenizer().decode(tokenizer().encode(character)) for character in set(render(document))}

    def cleaned(text):
        return "".join(character if known[character] == character else "?" for character in text)

    return Document.of(
        replace(node, content=cleaned(node.content)) if isinstance(node, (Text, AsyncBlock)) else node
        for node in document.nodes
    )


def told(made, jobs):
    """Return all events, and the text of each request."""
    with torch.inference_mode():
        events = list(made.stream(jobs))
    texts = defaultdict(str)
    for event in events:
        if isinstance(event, TextReady):
            assert event.text
            texts[event.request] += event.text
    return events, texts


def recordings_of(events):
    return {event.request: event.recording for event in events if isinstance(event, RequestEnded)}


@given(
    several=st.lists(documents(), min_size=1, max_size=3), layout=st.sampled_from(["copied", "interleaved", "paged"])
)
@LIGHT
def test_forced_texts_joined_are_the_rendered_documents(several, layout):
    several = list(map(writable, several))
    made = engine(layout=layout, num_slots=32768)
    jobs = [made.forced(str(number), PROMPT, document) for number, document in enumerate(several)]
    jobs += [made.sequential(f"{number} plain", PROMPT, document) for number, document in enumerate(several)]
    events, texts = told(made, jobs)
    assert [recording.error for recording in recordings_of(events).values()] == [None] * len(jobs)
    for number, document in enumerate(several):
        assert texts[str(number)] == render(document)
        assert texts[f"{number} plain"] == render(document)


@given(seed=st.integers(0, 10_000), jump_forward=st.booleans(), temperature=st.sampled_from([0.0, 0.7, 1.0]))
@LIGHT
def test_free_texts_joined_are_the_rendered_response(seed, jump_forward, temperature):
    made = engine(jump_forward=jump_forward)
    chosen = [options(seed=seed + other, temperature=temperature, limits=MANY, max_tokens=60) for other in range(2)]
    events, texts = told(made, [made.free(str(number), PROMPT, options=each) for number, each in enumerate(chosen)])
    for name, recording in recordings_of(events).items():
        assert recording.error is None
        assert texts[name] == render(parse(recording.response))


def test_text_comes_as_soon_as_everything_before_it_is_final():
    made = engine()
    events, _ = told(made, [made.forced("a", PROMPT, TWO)])
    texts = [event.text for event in events if isinstance(event, TextReady)]
    assert texts[0] == "Two"
    assert "".join(texts) == "Two: one thing é and another. So it is."
    first_of_branch = next(place for place, event in enumerate(events) if event == TextReady("a", "one"))
    ends = [
        place
        for place, event in enumerate(events)
        if isinstance(event, ThreadProgress) and (event.thread, event.state) == (1, ThreadState.FINISHED)
    ]
    assert first_of_branch < ends[0]


def test_every_thread_tells_its_progress_and_what_it_waits_for():
    made = engine()
    events, _ = told(made, [made.forced("a", PROMPT, TWO)])
    by_thread = defaultdict(list)
    for event in events:
        if isinstance(event, ThreadProgress):
            by_thread[event.thread].append(event)
    recording = recordings_of(events)["a"]
    for thread, progress in by_thread.items():
        counts = [event.decoded_tokens for event in progress]
        assert counts == sorted(counts)
        assert counts[-1] == len(recording.threads[thread])
        assert progress[-1].state is ThreadState.FINISHED
    assert {(event.topic, event.promised_tokens) for event in by_thread[1]} == {("left", 20)}
    assert {(event.topic, event.promised_tokens) for event in by_thread[0]} == {(None, None)}
    states = [event.state for event in by_thread[0]]
    assert ThreadState.BLOCKED in states
    assert states.index(ThreadState.BLOCKED) < len(states) - 1 - states[::-1].index(ThreadState.READY)
    assert by_thread[1][0].state is ThreadState.WAITING_FOR_FORK


@pytest.mark.parametrize("preemption", Preemption)
def test_requests_that_lose_their_cache_tell_nothing_twice(preemption):
    made = engine(num_slots=96, preemption=preemption)
    events, texts = told(made, [made.forced(name, PROMPT, TWO) for name in "abcd"])
    assert set(texts.values()) == {render(TWO)}
    states = {event.state for event in events if isinstance(event, ThreadProgress)}
    assert ThreadState.PREEMPTED in states


@pytest.mark.parametrize("preemption", Preemption)
def test_free_requests_that_lose_their_cache_write_what_they_would_have(preemption):
    chosen = {name: options(seed=seed, limits=MANY, max_tokens=40) for seed, name in enumerate("abc")}
    told_alone = [told(engine(), [engine().free(name, PROMPT, options=each)])[1][name] for name, each in chosen.items()]
    small = engine(num_slots=80, preemption=preemption)
    events, texts = told(small, [small.free(name, PROMPT, options=each) for name, each in chosen.items()])
    assert [texts[name] for name in chosen] == told_alone
    assert ThreadState.PREEMPTED in {event.state for event in events if isinstance(event, ThreadProgress)}


def test_nothing_is_told_of_a_request_behind_its_end():
    made = engine(num_slots=64)
    jobs = [made.free(str(seed), PROMPT, options=options(seed=seed, max_tokens=20)) for seed in range(3)]
    jobs.append(made.forced("long", [1] * 100, TWO))
    events, _ = told(made, jobs)
    ended = set()
    for event in events:
        assert event.request not in ended
        if isinstance(event, RequestEnded):
            ended.add(event.request)
    assert ended == {"0", "1", "2", "long"}
    assert "needs 100 slots" in recordings_of(events)["long"].error


def test_whoever_stops_listening_leaves_the_engine_usable():
    made = engine()
    with torch.inference_mode():
        for event in made.stream([made.forced("a", PROMPT, TWO)]):
            if isinstance(event, TextReady):
                break
    assert made.pool.num_free == made.pool.num_slots
    assert told(made, [made.forced("a", PROMPT, TWO)])[1]["a"] == render(TWO)


def test_positions_of_known_lengths_are_refused_in_free_mode():
    with pytest.raises(EngineError) as caught:
        engine(positions="oracle").free("a", PROMPT)
    assert str(caught.value) == ("the position policy 'oracle' needs branches of known length; decode with 'predicted'")


def test_a_prompt_longer_than_the_model_reads_is_refused_in_free_mode():
    with pytest.raises(EngineError, match=r"the prompt has 4096 tokens; .* reads at most 4095"):
        engine().free("a", [1] * 4096)


def test_as_many_requests_as_may_run_do():
    made = engine(limits=RunLimits(max_requests=1))
    events, _ = told(made, [made.forced(name, PROMPT, TWO) for name in "ab"])
    requests = [event.request for event in events]
    assert requests == sorted(requests)
