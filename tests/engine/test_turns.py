"""Decodes in turns: the same as at a stretch, on clocks that stand still between turns, and over at about one time."""

import pytest

from grammar import parse
from pasta_toolkit.report.measurement import PARALLEL, SEQUENTIAL
from reference_engine import Engine, EngineError, EngineOptions
from reference_engine.free_options import FreeOptions
from reference_engine.measuring import ForcedTask, FreeTask, measure
from reference_engine.turns import NUM_TURNS, measure_in_turns
from tests.support.clocks import TickingClock
from tests.support.compared import RESPONSE
from tests.support.engine_free import tiny_model, tokenizer

PROMPT = (3, 4, 5)
PLAIN = "No branches here, and not much of a text."


def engine_of(layout="interleaved", **options):
    chosen = {"step": "readable", "layout": layout, "num_slots": 4096, "row_slots": 512, **options}
    return Engine(tiny_model(), tokenizer=tokenizer(), options=EngineOptions(**chosen))


def tasks_of(*responses):
    return [ForcedTask(f"d{number}", PROMPT, parse(response)) for number, response in enumerate(responses)]


def without_times(measurement):
    return [event._replace(at_ns=0) for event in measurement.events]


@pytest.mark.parametrize("layout", ["interleaved", "paged", "copied"])
def test_decodes_in_turns_are_those_at_a_stretch(layout):
    engine, tasks = engine_of(layout), tasks_of(RESPONSE, PLAIN, RESPONSE + " And more." * 20)
    found = {(one.document, one.variant, one.repetition): one for one in measure_in_turns(engine, tasks, repetitions=2)}
    assert len(found) == len(tasks) * 2 * 2
    for task in tasks:
        for whole in measure(engine, task, repetitions=2):
            turned = found[whole.document, whole.variant, whole.repetition]
            assert without_times(turned) == without_times(whole)
            assert turned.script == whole.script
    assert engine.pool.num_free == engine.pool.num_slots


def test_a_decodes_clock_stands_still_between_its_turns(monkeypatch):
    """On a clock that only goes on when it is looked at, and by a second between any two turns."""
    clock = TickingClock(monkeypatch)

    def a_second(share):
        assert 0 <= share <= 1
        clock.pass_ns(10**9)

    found = list(measure_in_turns(engine_of(), tasks_of(RESPONSE, PLAIN), repetitions=1, between=a_second))
    assert len(found) == 4
    assert all(0 < one.latency_ns < 10**8 for one in found)
    for one in found:
        assert all(event.at_ns <= after.at_ns for event, after in zip(one.events, one.events[1:], strict=False))


def test_long_and_short_decodes_end_at_about_the_same_time():
    """None ends before nine tenths of all turns are over, though one has ten times the steps of another."""
    shares = []
    tasks = tasks_of(PLAIN * 2, PLAIN * 20, RESPONSE + PLAIN * 8)
    ends = [len(shares) for _ in measure_in_turns(engine_of(), tasks, repetitions=1, between=shares.append)]
    assert min(ends) > len(shares) * 0.9
    assert len(shares) <= NUM_TURNS * len(ends) * 1.1
    assert shares == sorted(shares)
    assert shares[0] == 0
    assert shares[-1] == pytest.approx(1, abs=0.1)


def test_what_is_known_is_not_decoded_again():
    known = {("d0", SEQUENTIAL, 0), ("d0", PARALLEL, 0), ("d1", PARALLEL, 0)}
    found = list(measure_in_turns(engine_of(), tasks_of(RESPONSE, PLAIN), repetitions=1, known=known))
    assert [(one.document, one.variant) for one in found] == [("d1", SEQUENTIAL)]
    assert list(measure_in_turns(engine_of(), [], repetitions=1)) == []


def test_a_decode_that_fails_is_named():
    with pytest.raises(EngineError, match="d0: "):
        list(measure_in_turns(engine_of(num_slots=16), tasks_of(RESPONSE), repetitions=1))


def test_an_answer_that_is_not_known_before_is_refused():
    with pytest.raises(EngineError, match="only documents can be decoded in turns"):
        list(measure_in_turns(engine_of(), [FreeTask("a", PROMPT, FreeOptions())], repetitions=1))
