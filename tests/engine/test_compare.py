"""Predicted against measured: errors of known size are found, wrong structure and wrong profiles are named."""

import json
from dataclasses import replace

import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st

from pasta_toolkit.cli.compare import command
from pasta_toolkit.cli.compare_ablations import ablations
from pasta_toolkit.report.agreement import errors_of, rank_correlation, sign_agreement
from pasta_toolkit.report.comparison import compare, compare_document
from pasta_toolkit.report.comparison_data import comparison_content
from pasta_toolkit.report.comparison_grids import document_grid
from pasta_toolkit.report.comparison_plots import comparison_plots
from pasta_toolkit.report.comparison_text import comparison_html, comparison_markdown, comparison_text
from pasta_toolkit.report.diagnosis import PricedSteps, diagnose
from pasta_toolkit.report.measurement import (
    MeasurementError,
    StepSample,
    append_measurement,
    append_visit,
    read_measurements,
    start_measurements,
)
from pasta_toolkit.report.recorded import measurements_of_trace
from pasta_toolkit.report.step_times import chunk_times_ns, first_difference, step_times, thread_times_ns
from pasta_toolkit.runtime import EventKind, Lane
from pasta_toolkit.runtime.script_data import script_data
from pasta_toolkit.specs import HardwareSpec, SpecError, format_hardware, load_hardware, load_model, parse_spec
from reference_engine.calibration import CalibrationRun
from simulator.cost import format_calibration
from simulator.replayed_decode import explained_cost, replay_decode
from simulator.replica import Serving
from tests.support.compared import (
    DEVICE,
    RESPONSE,
    decode_of,
    measured_as,
    pool_model,
    predicted_with,
    save_tiny_model,
)

KEYS = [
    "latency_error_median",
    "latency_error_p95",
    "speedup_error_median",
    "speedup_error_p95",
    "sign_agreement",
    "rank_correlation",
    "interval_coverage",
    "noise_floor_median",
    "noise_floor_p95",
    "measured_geomean_speedup",
    "geomean_ideal_speedup",
    "documents",
    "rows",
]
RESIDUALS = [place / 200 - 0.1 for place in range(41)]  # 90 % lie within 9 %


def comparison_of(*factors, model=None, **options):
    """Compare documents that took `factor` times what was predicted."""
    decodes = [decode_of(f"d{n}", RESPONSE + " And more." * n) for n in range(len(factors))]
    rows, priced, shown = [], [], None
    for decode, factor in zip(decodes, factors, strict=True):
        predicted = predicted_with(model or pool_model(RESIDUALS), decode)
        measured = measured_as(predicted, decode, factor=factor, **options)
        rows.append(compare_document(predicted, measured))
        seconds = [step.duration_ns / 1e9 for step in step_times(measured[1].events)]
        priced.append(PricedSteps(predicted.terms, seconds))
        shown = (measured[1].events, predicted.parallel)
    return compare(rows, priced=priced, about=[("model", "a test")], shown=shown)


def test_equal_measurements_have_no_error_at_any_level():
    comparison = comparison_of(1.0)
    assert all(errors.p95 < 1e-6 for errors in (*comparison.levels.values(), *comparison.times.values()))
    assert comparison.levels["step"].count > comparison.levels["chunk"].count > comparison.levels["thread"].count > 1
    assert comparison.findings == ()
    assert comparison.interval_coverage == 1


def test_a_slow_machine_biases_latency_and_not_the_speedup():
    comparison = comparison_of(1.04, 1.04, 1.04)
    assert comparison.times["latency"].bias == pytest.approx(1 / 1.04 - 1, abs=1e-6)
    assert comparison.levels["step"].median == pytest.approx(1 - 1 / 1.04, abs=1e-4)
    assert comparison.times["speed-up"].p95 < 1e-6
    assert comparison.measured_geomean_speedup == pytest.approx(comparison.predicted_geomean_speedup)


def test_a_slow_parallel_decode_shows_in_the_speedup():
    comparison = comparison_of(1.0, sequential_factor=1.1)
    assert comparison.times["speed-up"].bias == pytest.approx(1 / 1.1 - 1, abs=1e-6)
    assert comparison.times["latency"].p95 < 1e-6


def test_intervals_cover_what_lies_in_them():
    comparison = comparison_of(1.0, 1.05, 0.95, 1.2, 0.8)
    assert [row.is_covered for row in comparison.rows] == [True, True, True, False, False]
    assert comparison.interval_coverage == pytest.approx(3 / 5)


def test_without_residuals_there_is_no_interval_to_cover():
    assert comparison_of(1.0, model=pool_model()).interval_coverage is None


def test_the_noise_floor_is_the_run_against_itself():
    comparison = comparison_of(1.0, repetitions=2)
    assert comparison.latency_noise.median == pytest.approx(1 - 1 / 1.01, abs=1e-6)
    assert comparison.speedup_noise.median < 1e-6
    assert comparison_of(1.0).latency_noise is None
    assert "nothing was decoded twice" in comparison_text(comparison_of(1.0))


@pytest.mark.parametrize("response", [RESPONSE, RESPONSE[: RESPONSE.index("<sync/>")]])
def test_measured_and_predicted_accounts_are_one_where_all_is_as_predicted(response):
    """The measured chain ends at the latency, and its terms are those predicted, but for the line through contexts."""
    decode = decode_of(response=response)
    predicted = predicted_with(pool_model(), decode)
    row = compare_document(predicted, measured_as(predicted, decode))
    assert row.measured_loss.levels_ns[0] + sum(row.measured_loss.terms_ns.values()) == row.measured_latency_ns
    assert row.predicted_loss.levels_ns[-1] == row.predicted_latency_ns
    for measured, predicted in zip(row.measured_loss.levels_ns, row.predicted_loss.levels_ns, strict=True):
        assert measured == pytest.approx(predicted, rel=2e-3)
    assert row.predicted_loss.factors["batch_inflation"] < 1


def test_another_structure_is_refused_and_the_first_event_named():
    decode = decode_of()
    predicted = predicted_with(pool_model(), decode)
    measured = measured_as(predicted, decode)
    place, event = next((n, e) for n, e in enumerate(predicted.parallel) if e.kind is EventKind.PROMISE)
    events = list(measured[1].events)
    events[place] = event._replace(value=90)
    broken = type(measured[1])(decode.name, "parallel", 0, decode.prompt_tokens, decode.parallel, tuple(events))
    with pytest.raises(MeasurementError) as raised:
        compare_document(predicted, [measured[0], broken])
    assert "a: the parallel decode has another structure than predicted" in str(raised.value)
    assert f"event {place} differs: measured promise, request a, thread 1, value 90, predicted promise" in str(
        raised.value
    )


def test_a_trace_that_stops_early_differs_at_its_end():
    events = predicted_with(pool_model(), decode_of()).parallel
    assert first_difference(events, events) is None
    assert first_difference(events[:-1], events).startswith(f"event {len(events) - 1} is predicted only: completion")
    other = [event._replace(at_ns=2 * event.at_ns) for event in events]
    assert first_difference(other, events) is None


def test_a_differing_lane_is_said_with_what_it_feeds():
    events = list(predicted_with(pool_model(), decode_of()).parallel)
    place = next(n for n, event in enumerate(events) if event.lanes)
    other = [*events]
    other[place] = events[place]._replace(lanes=(events[place].lanes[0]._replace(num_tokens=11),))
    assert "lane of thread 0 (feeds 11 at position 0 behind 0)" in first_difference(other, events)


def test_a_missing_decode_is_said():
    decode = decode_of()
    predicted = predicted_with(pool_model(), decode)
    with pytest.raises(MeasurementError, match="a parallel and a sequential decode are needed, one is missing"):
        compare_document(predicted, measured_as(predicted, decode)[:1])


def test_steps_last_from_one_beginning_to_the_next_and_fill_the_trace():
    events = predicted_with(pool_model(), decode_of()).parallel
    assert sum(step.duration_ns for step in step_times(events)) == events[-1].at_ns
    chunks, threads = chunk_times_ns(events), thread_times_ns(events)
    assert {thread for thread, _ in chunks} == set(threads) == {0, 1, 2}
    waits = threads[0] - sum(duration for (thread, _), duration in chunks.items() if thread == 0)
    assert 0 < waits < threads[0]


@pytest.mark.parametrize(
    ("wrong", "named", "factor"),
    [
        ({"rows_1": 0.06, "rows_2": 0.061, "rows_4": 0.062, "rows_8": 0.066}, "first_row", 3.0),
        ({"pool": 4e-4}, "pool", 100.0),
        ({"output": 2e-2}, "output", 100.0),
        ({"row_pool": 1e-4}, "row_pool", 100.0),
    ],
)
def test_a_wrong_profile_is_caught_and_its_term_named(wrong, named, factor):
    """What happened follows the right profile; what was predicted has one term off."""
    (finding,) = findings_of(wrong)
    assert named in (finding.name, *finding.alternatives)
    assert finding.factor == pytest.approx(factor, rel=0.02)
    assert finding.error_before > 0.1 > 10 * finding.error_after
    assert f"`{named}`" in finding.sentence
    assert f"predicted {finding.factor:.2f} times too long" in finding.sentence


def test_a_profile_wrong_by_one_factor_is_named_as_a_whole():
    times = {"rows_1": 0.02, "rows_2": 0.021, "rows_4": 0.022, "rows_8": 0.026, "output": 2e-4, "pool": 4e-6}
    doubled = {
        name: 2 * value for name, value in (times | {"row_pool": 1e-6, "rows_32": 0.05, "rows_128": 0.146}).items()
    }
    (finding,) = findings_of(doubled)
    assert finding.name == "all terms"
    assert finding.factor == pytest.approx(2, rel=1e-3)
    (finding,) = findings_of({name: value / 4 for name, value in doubled.items()})
    assert "2.00 times too short" in finding.sentence


def test_half_the_bandwidth_is_named():
    """A datasheet's roofline with its bandwidth halved: weights and cache are read twice as long."""
    model = load_model("llama-3.1-8b")
    right = HardwareSpec("right", "gpu", "x", 1e15, 3e12, 80 * 10**9, ("a test",))
    wrong = HardwareSpec("wrong", "gpu", "x", 1e15, 1.5e12, 80 * 10**9, ("a test",))
    decode = decode_of()
    replays = [
        replay_decode(
            "a",
            decode.parallel,
            prompt_tokens=12,
            cost=explained_cost(model, device, name="roofline"),
            serving=Serving(),
        )
        for device in (right, wrong)
    ]
    measured = [step.duration_ns / 1e9 for step in step_times(replays[0].events)]
    (finding,) = diagnose([PricedSteps(replays[1].terms, measured)])
    assert finding.name == "memory bandwidth"
    assert finding.factor == pytest.approx(2, rel=0.02)
    assert "memory bandwidth (`weights`, `kv_cache`) predicted 2.00 times too long" in finding.sentence


def test_where_noise_cannot_tell_them_apart_bandwidth_is_named_before_its_largest_term():
    """Half the bandwidth, and stretches that are 8 % off by turns: nearly all of a step's time is the weights'."""
    terms = [{"first_row": 0.02, "pool": 2e-6 * place, "output": 0.002} for place in range(320)]
    noise = [1.08 if place // 16 % 2 else 0.92 for place in range(320)]
    seconds = [
        (price["first_row"] / 2 + 0.8 * price["pool"] + price["output"]) * factor
        for price, factor in zip(terms, noise, strict=True)
    ]
    (finding,) = diagnose([PricedSteps(terms, seconds)])
    assert finding.name == "memory bandwidth"
    assert finding.factor == pytest.approx(2, rel=0.05)
    assert "first_row" in finding.alternatives
    (exact,) = diagnose([PricedSteps(terms, [second / factor for second, factor in zip(seconds, noise, strict=True)])])
    assert exact.name == "first_row"


def findings_of(wrong):
    decode = decode_of(response=RESPONSE + " And so on it goes for a while." * 6)
    measured = measured_as(predicted_with(pool_model(), decode), decode)
    predicted = predicted_with(pool_model(**wrong), decode)
    seconds = [step.duration_ns / 1e9 for step in step_times(measured[1].events)]
    return diagnose([PricedSteps(predicted.terms, seconds)])


def test_small_errors_are_no_finding_and_nothing_measured_is_none():
    assert findings_of({"rows_1": 0.021}) == ()
    assert diagnose([]) == ()


@given(st.lists(st.floats(-0.9, 5), min_size=1))
def test_errors_are_summed_up_in_order(errors):
    found = errors_of(errors)
    assert found.count == len(errors)
    assert 0 <= found.median <= found.p95 <= max(map(abs, errors))
    assert min(errors) <= found.bias <= max(errors)


@given(st.lists(st.tuples(st.floats(0.1, 9), st.floats(0.1, 9)), min_size=3))
def test_ranks_know_no_scale_and_no_sign_but_order(pairs):
    found = rank_correlation(pairs)
    if found is not None:
        assert -1.000001 <= found <= 1.000001
        assert rank_correlation([(one * one * one, other) for one, other in pairs]) == pytest.approx(found, abs=0.2)
        assert rank_correlation([(-one, other) for one, other in pairs]) == pytest.approx(-found)


def test_ties_share_their_rank():
    assert rank_correlation([(1, 1), (1, 2), (2, 3), (3, 3)]) == pytest.approx(8 / 9)
    assert rank_correlation([(1, 1), (1, 2), (1, 3)]) is None
    assert rank_correlation([(1, 1), (2, 2)]) is None


def test_signs_count_beyond_the_gap_only():
    assert sign_agreement([(1.2, 1.04), (0.9, 0.97)]) == (None, 0)
    assert sign_agreement([(1.2, 1.06), (1.2, 0.94), (1.2, 1.2)]) == (2 / 3, 3)


def test_measurements_come_back_from_their_file(tmp_path):
    path, decode = tmp_path / "m.jsonl", decode_of()
    measured = measured_as(predicted_with(pool_model(), decode), decode)
    assert start_measurements(path, {"model": "x"}) == ({"model": "x"}, [], [])
    for one in measured:
        append_measurement(path, one)
    assert read_measurements(path) == ({"model": "x"}, measured, [])
    with path.open("a") as stream:
        stream.write('{"document": "b", "vari')  # cut off while it was written
    assert start_measurements(path, {"model": "x"}).decodes == measured
    with pytest.raises(MeasurementError, match="holds measurements with model 'x', not 'y'"):
        start_measurements(path, {"model": "y"})
    with pytest.raises(MeasurementError, match="holds measurements with together None, not 8"):
        start_measurements(path, {"model": "x", "together": 8})


def test_visits_of_a_calibration_come_back_from_the_same_file(tmp_path):
    path = tmp_path / "m.jsonl"
    lanes = (Lane("0", 0, 1, 4, 4, True), Lane("1", 0, 7, 0, 0, False, 3))
    steps = [StepSample("2 lanes", 7, lanes, 1000 + step, step > 0, 12.5) for step in range(3)]
    start_measurements(path, {"model": "x"})
    append_visit(path, steps[:2])
    append_visit(path, [replace(steps[2], visit=8, probe_ns=None)])
    assert read_measurements(path) == ({"model": "x"}, [], [*steps[:2], replace(steps[2], visit=8, probe_ns=None)])


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("", "line 1 is no JSON"),
        ("[]", "is no JSON object"),
        ('{"schema": "pasta.trace/1"}', "this version reads 'pasta.measurements/1'"),
        ('{"schema": "pasta.measurements/1"}\n{"document": "a"}', "line 2 is no measurement"),
    ],
)
def test_what_is_no_file_of_measurements_is_refused(tmp_path, content, message):
    path = tmp_path / "m.jsonl"
    path.write_text(content)
    with pytest.raises(MeasurementError, match=message):
        read_measurements(path)


def test_a_recorded_decode_counts_from_its_admission_and_from_step_0():
    decode = decode_of("one")
    predicted = predicted_with(pool_model(), decode)
    shifted = [
        event._replace(at_ns=event.at_ns + 500, step=None if event.step is None else event.step + 7)
        for event in predicted.parallel
    ]
    about = {"requests": [{"request": "one", "prompt_tokens": 12, "script": script_data(decode.parallel)}]}
    (found,) = measurements_of_trace(about, shifted)
    assert (found.document, found.variant, found.prompt_tokens) == ("one", "parallel", 12)
    assert found.events == predicted.parallel
    with pytest.raises(MeasurementError, match="carries no scripts"):
        measurements_of_trace({}, shifted)


def test_a_recorded_decode_that_shared_its_steps_is_refused():
    decode = decode_of("one")
    events = list(predicted_with(pool_model(), decode).parallel)
    place = next(n for n, event in enumerate(events) if event.lanes)
    events[place] = events[place]._replace(lanes=(*events[place].lanes, events[place].lanes[0]._replace(request="two")))
    about = {"requests": [{"request": "one", "prompt_tokens": 12, "script": script_data(decode.parallel)}]}
    with pytest.raises(MeasurementError, match=r"'one' shares step 0 with 'two'.*record with --batch 1"):
        measurements_of_trace(about, events)


def test_the_json_document_has_the_keys_that_others_rely_on():
    content = comparison_content(comparison_of(1.0, 1.1, repetitions=2))
    assert list(content) == [*KEYS, "detail"]
    assert content["documents"] == len(content["rows"]) == 2
    json.dumps(content)


def test_reports_show_what_was_compared():
    comparison = comparison_of(1.0, 1.02, 0.99, repetitions=2)
    for text in (comparison_text(comparison), comparison_markdown(comparison)):
        assert "latency error, median" in text
        assert "noise floor" in text
    assert len(document_grid(comparison).rows) == 3
    page = comparison_html(comparison)
    assert page.count("<svg") == 4
    assert "https://" not in page.replace("https://matplotlib.org", "")
    drawn = comparison_plots(comparison)
    assert sorted(drawn) == ["errors.svg", "residuals.svg", "scatter.svg", "timelines.svg"]
    assert drawn == comparison_plots(comparison)


def test_no_rows_are_refused():
    with pytest.raises(MeasurementError, match="there is no document to compare"):
        compare([])


def test_ablations_change_one_thing_and_go_from_1_to_32_branches():
    rows = ablations()
    assert {row.num_branches for row in rows} >= {1, 2, 4, 8, 16, 32}
    assert {row.changes.get("layout", "interleaved") for row in rows} == {"interleaved", "paged", "copied"}
    assert {row.changes.get("positions", "predicted") for row in rows} == {"predicted", "fixed:64", "oracle", "shared"}
    assert {row.changes.get("jump_forward", False) for row in rows} == {False, True}
    assert all(len(row.document.promises) == row.num_branches for row in rows)
    assert len({(row.group, row.setting) for row in rows}) == len(rows)


@pytest.fixture(scope="module")
def tiny(tmp_path_factory):
    """A tiny model, two answers, and a profile that knows the model's size."""
    folder = tmp_path_factory.mktemp("compare")
    model = save_tiny_model(folder / "tiny")
    answers = folder / "answers.jsonl"
    records = [{"instruction": "How?", "response": RESPONSE}, {"instruction": "Why?", "response": "No branches."}]
    answers.write_text("".join(json.dumps(record) + "\n" for record in records), encoding="utf-8")
    profile = folder / "profile.toml"
    calibration = pool_model(RESIDUALS, model_parameters=1_574_448).calibration
    profile.write_text(format_hardware(DEVICE, tables=format_calibration(calibration, table="calibration")))
    return folder, model, answers, profile


def run(*arguments):
    result = CliRunner().invoke(command, list(map(str, arguments)))
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result


def tiny_arguments(tiny):
    _, model, _, profile = tiny
    return ["--model", model, "--dtype", "float32", "--threads", "1", "--hardware", profile, "--format", "json"]


def test_compare_measures_goes_on_and_reads_what_it_measured(tiny):
    """A second run decodes the missing repetition only; a run without an engine gives the same rows."""
    folder, _, answers, profile = tiny
    runs, arguments = folder / "runs.jsonl", tiny_arguments(tiny)
    first = run(answers, *arguments, "--measurements", runs, "--repetitions", "1")
    lines = runs.read_text().splitlines()
    assert len(lines) == 1 + 2 * 2
    again = run(answers, *arguments, "--measurements", runs, "--repetitions", "2")
    assert runs.read_text().splitlines()[:5] == lines
    assert len(runs.read_text().splitlines()) == 1 + 2 * 2 * 2
    runs.write_text(runs.read_text().replace('"model":"tiny"', '"model":"smollm2"'))
    read = run("--measurements", runs, "--hardware", profile, "--model-spec", spec_of(folder), "--format", "json")
    for result in (first, again, read):
        content = json.loads(result.stdout)
        assert content["schema"] == "pasta.compare/1"
        assert [row["document"] for row in content["rows"]] == ["answers.jsonl:1", "answers.jsonl:2"]
        assert [row["branches"] for row in content["rows"]] == [2, 0]
    assert json.loads(again.stdout)["rows"][0]["measured_loss_s"] is not None
    assert json.loads(again.stdout)["noise_floor_median"] is not None


def test_more_repetitions_of_one_document_do_not_stand_for_those_of_another(tiny, monkeypatch):
    """The file holds one document twice: the other is missing still, and with it the visits between its decodes."""
    folder, model, answers, _ = tiny
    said = ["--dtype", "float32", "--threads", "1", "--format", "json", "--seconds", "0"]
    arguments = [answers, "--model", model, *said, "--measurements", folder / "uneven.jsonl"]
    run(*arguments, "--limit", "1", "--repetitions", "2")
    shares = []
    monkeypatch.setattr(CalibrationRun, "due", lambda _, share: shares.append(share) or iter(()))
    run(*arguments, "--limit", "1", "--repetitions", "2")
    assert shares == []
    both = json.loads(run(*arguments, "--limit", "2", "--repetitions", "1").stdout)
    assert [row["document"] for row in both["rows"]] == ["answers.jsonl:1", "answers.jsonl:2"]
    assert shares == [0, 0.5, 1]


def test_a_calibration_between_decodes_in_turns_is_used_saved_and_kept(tiny):
    """A second run decodes nothing and visits nothing: profile and rows are those of the first."""
    folder, model, answers, _ = tiny
    runs, profile = folder / "turns.jsonl", folder / "between.toml"
    said = ["--dtype", "float32", "--threads", "1", "--format", "json", "--seconds", "0", "--together", "2"]
    arguments = [answers, "--model", model, *said, "--measurements", runs, "--save-profile", profile]
    first = json.loads(run(*arguments).stdout)
    assert first["detail"]["about"]["together"] == "2"
    assert first["detail"]["about"]["profile"] == "calibrated between the decodes"
    assert len(first["calibration"]["shapes"]) == 12
    assert first["calibration"]["visits"] >= 3 * 12
    spec = load_hardware(str(profile))
    assert dict(spec.calibration.parameters) == pytest.approx(first["calibration"]["parameters"])
    lines = runs.read_text()
    again = json.loads(run(*arguments, "--seconds", "5").stdout)
    assert runs.read_text() == lines
    assert again["calibration"] == first["calibration"]
    assert again["rows"] == first["rows"]
    with pytest.raises(MeasurementError, match="holds measurements with together 2, not 1"):
        run(answers, *tiny_arguments(tiny), "--measurements", runs)


def spec_of(folder):
    path = folder / "tiny.toml"
    path.write_text(
        'name = "tiny"\nnum_layers = 1\nhidden_size = 16\nfeed_forward_size = 16\nnum_query_heads = 2\n'
        'num_kv_heads = 1\nhead_size = 8\nvocabulary_size = 49152\nhas_tied_embeddings = false\nsource = ["a test"]\n'
    )
    return path


def test_a_profile_that_is_far_off_ends_with_findings(tiny):
    result = run(tiny[2], *tiny_arguments(tiny), "--repetitions", "1", "--parallel-only", "--limit", "1")
    content = json.loads(result.stdout)
    assert content["documents"] == 1
    assert bool(content["detail"]["findings"]) == (result.exit_code == 1)


def test_free_decodes_are_replayed(tiny, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tiny[0] / "cache"))
    answers = tiny[2]
    result = run(answers, *tiny_arguments(tiny), "--free", "--max-tokens", "40", "--repetitions", "1", "--limit", "1")
    content = json.loads(result.stdout)
    assert content["documents"] == 1
    assert content["detail"]["about"]["mode"] == "free"


def test_wrong_usage_is_said():
    assert "Missing argument 'PATH...'" in run().stderr
    assert "--ablations brings its own documents" in run("a.txt", "--ablations").stderr
    assert "--together is for documents" in run("a.txt", "--free", "--together", "2").stderr
    assert "leave --together and --save-profile away" in run("--ablations", "--together", "2").stderr
    assert "leave --hardware away" in run("a.txt", "--hardware", "h100", "--save-profile", "p.toml").stderr


def test_measurements_without_a_profile_are_refused(tiny):
    folder = tiny[0]
    path = folder / "others.jsonl"
    decode = decode_of()
    start_measurements(path, {"model": "smollm2"})
    for one in measured_as(predicted_with(pool_model(), decode), decode):
        append_measurement(path, one)
    with pytest.raises(MeasurementError, match="need --hardware: the profile of the device that made them"):
        run("--measurements", path)


@pytest.mark.parametrize(("option", "kind"), [("--hardware", "hardware"), ("--model-spec", "model")])
@pytest.mark.parametrize("what", [("a.jsonl",), ("--ablations",)])
def test_a_name_that_nobody_knows_is_refused_before_anything_is_measured(option, kind, what, monkeypatch):
    monkeypatch.setattr("pasta_toolkit.cli.compare_sources.source_of", lambda *_: pytest.fail("it measures"))
    monkeypatch.setattr("pasta_toolkit.cli.compare_ablations.run_ablations", lambda *_: pytest.fail("it measures"))
    with pytest.raises(SpecError, match=f"no {kind} named 'nobody'"):
        run(*what, option, "nobody")


def test_a_device_comes_back_from_its_toml():
    assert parse_spec(format_hardware(DEVICE), HardwareSpec, where="") == DEVICE
