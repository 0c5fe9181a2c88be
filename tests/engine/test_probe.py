"""The probe: what it says of the machine, that it leaves a decode as it is, and that its time counts nowhere else."""

import pytest

from grammar import parse
from pasta_toolkit.report.comparison import compare, compare_document
from pasta_toolkit.report.comparison_data import comparison_content
from pasta_toolkit.report.comparison_text import comparison_text
from pasta_toolkit.report.measurement import PROBE_CONTEXT_TOKENS, append_measurement, read_measurements
from reference_engine import Engine, EngineOptions
from reference_engine.measuring import ForcedTask, measure
from reference_engine.probe import NUM_TOKENS, Probe, probe_of
from tests.support.clocks import TickingClock
from tests.support.compared import RESPONSE, decode_of, measured_as, pool_model, predicted_with
from tests.support.engine_free import tiny_model, tokenizer

PROMPT = (3, 4, 5)


def engine_of(layout="interleaved"):
    options = EngineOptions(step="readable", layout=layout, num_slots=2048, row_slots=256)
    return Engine(tiny_model(), tokenizer=tokenizer(), options=options)


def compared(*slowdowns, factor=1.0):
    """Compare decodes on a machine that was slower from one document to the next, as a probe says; 0 is no probe."""
    rows = []
    for number, slowdown in enumerate(slowdowns):
        decode = decode_of(f"d{number}", RESPONSE + " And more." * number)
        predicted = predicted_with(pool_model(), decode)
        measured = measured_as(predicted, decode, factor=factor, slowdown=slowdown or None, repetitions=2)
        rows.append(compare_document(predicted, measured))
    return compare(rows)


def test_a_drifting_machine_is_told_from_a_wrong_prediction():
    """The machine drifts by up to 40 %, the prediction is 5 % short: raw errors show both, steady ones the second."""
    comparison = compared(0.9, 1.0, 1.4, factor=1.05)
    assert comparison.times["latency"].p95 > 0.25
    assert comparison.steady.times["latency"].p95 == pytest.approx(1 - 1 / 1.055, abs=1e-3)
    assert comparison.steady.times["latency"].bias == pytest.approx(1 / 1.055 - 1, abs=1e-3)
    assert comparison.slowdowns == pytest.approx((0.9, 1.0, 1.4))
    text = comparison_text(comparison)
    assert "at the profile's speed" in text
    assert "a probe's step took 1.00 times what the profile says (0.91 to 1.36 in 90 % of the documents)" in text
    content = comparison_content(comparison)
    assert content["detail"]["at_profile_speed"]["latency_error_p95"] == comparison.steady.times["latency"].p95
    assert [row["slowdown"] for row in content["rows"]] == pytest.approx([0.9, 1.0, 1.4])


def test_one_decode_without_a_probe_leaves_nothing_to_say_of_all():
    comparison = compared(1.1, 0, 1.1)
    assert comparison.steady is None
    assert comparison.rows[0].steady is not None
    assert comparison.rows[1].steady is None
    assert "at the profile's speed" not in comparison_text(comparison)
    assert comparison_content(comparison)["detail"]["at_profile_speed"] is None


def test_measurements_keep_their_probe_in_a_file(tmp_path):
    decode = decode_of()
    measured = measured_as(predicted_with(pool_model(), decode), decode, slowdown=1.25)
    path = tmp_path / "m.jsonl"
    path.write_text('{"schema": "pasta.measurements/1"}\n')
    for one in measured:
        append_measurement(path, one)
    assert read_measurements(path).decodes == measured
    assert measured[0].probe_ns == 1.25 * predicted_with(pool_model(), decode).probe_ns


def test_the_probe_is_predicted_as_one_lane_behind_its_context():
    predicted = predicted_with(pool_model(), decode_of())
    one_lane = 0.020 + (4e-6 + 1e-6) * (PROBE_CONTEXT_TOKENS + 1)
    assert predicted.probe_ns == pytest.approx(one_lane * 1e9, rel=1e-3)


@pytest.mark.parametrize("layout", ["interleaved", "paged", "copied"])
def test_a_probe_leaves_a_decode_as_it_is(layout):
    engine = engine_of(layout)
    task = ForcedTask("a", PROMPT, parse(RESPONSE))
    plain = list(measure(engine, task, repetitions=1))
    probed = list(measure(engine, task, repetitions=1, probe=probe_of(engine, every=2)))
    for one, other in zip(plain, probed, strict=True):
        assert [event._replace(at_ns=0) for event in one.events] == [event._replace(at_ns=0) for event in other.events]
        assert one.probe_ns is None
        assert other.probe_ns > 0
    assert engine.pool.num_free == engine.pool.num_slots


def test_a_probes_time_is_left_out_of_the_decodes(monkeypatch):
    """On a clock that only goes on when it is looked at, and by a second in every step of the probe."""
    clock = TickingClock(monkeypatch)

    def slow_probe():
        while True:
            clock.pass_ns(10**9)
            yield 10**9

    task = ForcedTask("a", PROMPT, parse(RESPONSE))
    engine = engine_of()
    (plain, _) = measure(engine, task, repetitions=1)
    (probed, _) = measure(engine, task, repetitions=1, probe=Probe(slow_probe(), every=3))
    assert probed.probe_ns == 10**9
    assert 0 < plain.latency_ns <= probed.latency_ns < 10**9
    assert all(one.at_ns <= other.at_ns for one, other in zip(probed.events, probed.events[1:], strict=False))


def test_a_probe_begins_anew_and_alternates_with_other_steps():
    engine = engine_of()
    times = probe_of(engine, every=1).times_ns
    assert all(next(times) > 0 for _ in range(2 * NUM_TOKENS))
    (recording,) = engine.decode([engine.forced("a", PROMPT, parse(RESPONSE))])
    assert recording.error is None
    assert next(times) > 0
