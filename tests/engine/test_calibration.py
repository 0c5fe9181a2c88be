"""Calibration: what is measured, what is fitted to it, and the profile that comes of it."""

import json
import math
from dataclasses import replace
from statistics import median, stdev

import pytest
import torch
from click.testing import CliRunner
from hypothesis import given, settings
from hypothesis import strategies as st

from grammar import parse
from pasta_toolkit.cli.calibrate import CalibratedProfile, command
from pasta_toolkit.cli.simulate import command as simulate
from pasta_toolkit.report.measurement import StepSample
from pasta_toolkit.runtime import EventKind, Lane
from pasta_toolkit.specs import Calibration, load_hardware, load_model
from reference_engine.calibration import CalibrationRun, calibrate, visit_shape
from reference_engine.calibration_shapes import MOST_SHAPES, CalibrationShape, shapes_for
from reference_engine.errors import EngineError
from reference_engine.forced import ForcedDecoder, forced_answer, forced_text
from reference_engine.loop import Job
from reference_engine.step.readable import readable_step
from simulator.cost.errors import CostError
from simulator.cost.pool_fit import PoolFit, fit_pool_steps
from simulator.cost.pool_placement import PoolPlacement, PoolShape
from simulator.cost.pool_step import PoolStepModel, hat_weights
from simulator.pool_cost import PoolCost, pool_cost
from tests.support.compared import DEVICE, PARAMETERS, pool_model, save_tiny_model
from tests.support.engine_models import our_model, tiny_config
from tests.support.engine_runs import LAYOUTS, loop_for
from tests.support.engine_serial import byte_tokens

DOCUMENTS = [
    (
        'Why? <promise topic="a" tokens="20"/><promise topic="b" tokens="10"/><async>One and one.</async>'
        '<async>2.</async><sync/> So. <promise topic="c" tokens="10"/><async>Three of them.</async><sync/> End.'
    ),
    (
        '<promise topic="a" tokens="10"/>Main goes on for a while.<async>x</async><promise topic="b" tokens="10"/>'
        "<async>Much longer than the other one was.</async><sync/>."
    ),
]
UNITS = {"interleaved": 1, "paged": 4, "copied": 2048}


def encode(text):
    return byte_tokens(text, 97)


def watched_loop(layout):
    """Return a loop, and what each of its steps saw: extent, rows of the cache, and lanes."""
    seen = []

    def step(model, storage, batch):
        rows = batch.cache_rows
        padded = 0
        if rows is not None:
            padded = (max(rows.rows) - min(rows.rows) + 1) * max(rows.lengths) * max(batch.lane_rows)
        seen.append((len(batch.tokens), len(batch.outputs), batch.extent, padded))
        return readable_step(model, storage, batch)

    return loop_for(our_model(tiny_config("llama")), layout=layout, step=step), seen


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("jump_forward", [False, True])
def test_the_replayed_pool_is_the_engines_step_by_step(layout, jump_forward):
    """Lanes alone tell where tokens lie, also when requests of unlike length share the pool, and others follow."""
    loop, seen = watched_loop(layout)
    answers = [forced_answer(parse(text), encode, jump_forward=jump_forward) for text in DOCUMENTS]
    jobs = [Job(f"{n}", ForcedDecoder(encode("p" * (3 + n)), answer)) for n, answer in enumerate([*answers, *answers])]
    events = []
    with torch.inference_mode():
        loop.run(jobs[:3], record=events.append)
        loop.run(jobs[3:], record=events.append)
    placement = PoolPlacement(UNITS[layout], copies=layout == "copied")
    shapes = [placement.feed(event.lanes) for event in events if event.kind is EventKind.STEP_BEGIN]
    folded = layout != "copied"
    expected = [(rows, outputs, extent if folded else None, padded) for rows, outputs, extent, padded in seen]
    found = [
        (shape.num_rows, shape.num_outputs, shape.extent if folded else None, shape.padded_slots) for shape in shapes
    ]
    assert found == expected
    assert max(shape.num_rows for shape in shapes) > 3


def test_tokens_move_in_the_layout_with_rows_only():
    moved = {}
    for layout in LAYOUTS:
        loop, _ = watched_loop(layout)
        events = []
        loop.run(
            [Job("a", ForcedDecoder(encode("prompt"), forced_answer(parse(DOCUMENTS[0]), encode)))],
            record=events.append,
        )
        placement = PoolPlacement(UNITS[layout], copies=layout == "copied")
        steps = [placement.feed(event.lanes) for event in events if event.kind is EventKind.STEP_BEGIN]
        moved[layout] = sum(step.moved_tokens for step in steps)
    lanes = [lane for event in events if event.lanes for lane in event.lanes]
    copied = sum(lane.copied_tokens for lane in lanes)
    joined = sum(event.value for event in events if event.kind is EventKind.FINISH and event.thread in (1, 2, 3))
    assert moved == {"interleaved": 0, "paged": 0, "copied": copied + joined}


@pytest.mark.parametrize("copies", [False, True])
def test_there_are_at_most_twelve_shapes_of_one_to_32_lanes(copies):
    shapes = shapes_for(copies=copies)
    assert len(shapes) <= MOST_SHAPES
    decodes = [shape for shape in shapes if not shape.counts_prompts]
    assert {len(shape.prompts) for shape in decodes} >= {1, 2, 4, 8, 16, 32}
    assert any(len(set(shape.prompts)) > 1 for shape in shapes)
    assert len({shape.name for shape in shapes}) == len(shapes)


def test_a_visit_counts_the_steps_of_its_shape_alone_and_leaves_an_empty_pool():
    loop, _ = watched_loop("interleaved")
    shape = CalibrationShape("3 lanes", (5, 3, 4), num_steps=6)
    samples = list(visit_shape(loop, shape, visit=7))
    counted = [sample for sample in samples if sample.is_counted]
    assert len(counted) == 6
    assert all([lane.num_tokens for lane in sample.lanes] == [1, 1, 1] for sample in counted)
    assert all(sample.duration_ns > 0 and sample.visit == 7 for sample in samples)
    assert [lane.num_tokens for lane in samples[0].lanes] == [5, 3, 4]
    assert loop.pool.num_free == loop.pool.num_slots
    prompts = list(visit_shape(loop, CalibrationShape("prompt", (9,), counts_prompts=True), visit=8))
    assert [(sample.is_counted, sample.lanes[0].num_tokens) for sample in prompts] == [(True, 9)]


def test_rounds_visit_every_shape_and_turn_their_order_about():
    loop, _ = watched_loop("interleaved")
    shapes = [CalibrationShape(name, (2,), num_steps=1) for name in "abc"]
    samples = list(calibrate(loop, shapes, seconds=0))
    visits = list(dict.fromkeys((sample.visit, sample.shape) for sample in samples))
    assert [name for _, name in visits] == ["a", "b", "c", "c", "b", "a", "a", "b", "c"]


def test_a_pool_too_small_for_a_shape_is_refused():
    loop = loop_for(our_model(tiny_config("llama")), num_slots=128)
    with pytest.raises(
        EngineError, match="the shape '1 lane, 384 tokens' needs 448 slots of the KV pool, which has 128"
    ):
        list(calibrate(loop, shapes_for(copies=False), seconds=0))


def samples_of(model, shapes=None, *, noise=lambda visit: 1.0):
    """Return what a calibration would measure if steps took what a model says."""
    samples = []
    for visit, shape in enumerate((shapes or shapes_for(copies=model.copies)) * 5):
        placement = PoolPlacement(model.unit_slots, copies=model.copies)
        contexts = list(shape.prompts)
        first = tuple(Lane(str(n), 0, tokens, 0, 0, True) for n, tokens in enumerate(shape.prompts))
        steps = [first]
        for _ in range(shape.num_steps):
            steps.append(tuple(Lane(str(n), 0, 1, 0, context, True) for n, context in enumerate(contexts)))
            contexts = [context + 1 for context in contexts]
        for index, lanes in enumerate(steps[:1] if shape.counts_prompts else steps):
            seconds = model.pool_step(placement.feed(lanes)).total_seconds * noise(visit)
            counts = shape.counts_prompts or index > 0
            samples.append(StepSample(shape.name, visit, lanes, round(seconds * 1e9), counts))
    return samples


def test_the_fit_finds_the_parameters_that_made_the_steps():
    true = pool_model(rows_3=0.0215, rows_6=0.024, rows_16=0.035)
    fit = fit_pool_steps(samples_of(true), unit_slots=1, copies=False, model_parameters=134_515_008)
    assert max(map(abs, fit.errors.values())) < 1e-6
    assert dict(fit.calibration.parameters) == pytest.approx(dict(true.calibration.parameters), rel=1e-4, abs=1e-12)
    assert fit.noise == 0


def test_residuals_are_those_of_visits_and_one_bad_visit_moves_nothing():
    fit = fit_pool_steps(
        samples_of(pool_model(), noise=lambda visit: 3.0 if visit == 0 else 1.0),
        unit_slots=1,
        copies=False,
        model_parameters=1,
    )
    assert max(map(abs, fit.errors.values())) < 1e-6
    residuals = fit.calibration.log_residuals
    assert len(residuals) == 50 - 5 + 1  # stretches of 5 of 50 visits; prompts have one step each
    first = [sample.duration_ns for sample in samples_of(pool_model()) if sample.is_counted and sample.visit < 5]
    expected = math.log((sum(first) + 2 * sum(first[:12])) / sum(first))  # one stretch holds the bad visit, of 12 steps
    assert max(residuals) == pytest.approx(expected, abs=1e-6)
    assert sum(residual > 1e-6 for residual in residuals) == 1
    assert fit.calibration.steady_log_residuals == ()


def test_with_a_probe_a_drifting_machine_leaves_the_fit_as_it_was():
    """The machine's speed changes by half from visit to visit, and the median probe's is its usual one."""
    drift = {visit: 1 + 0.5 * math.sin(visit) for visit in range(60)}
    samples = [
        replace(sample, probe_ns=2e7 * drift[sample.visit])
        for sample in samples_of(pool_model(), noise=drift.__getitem__)
    ]
    fit = fit_pool_steps(samples, unit_slots=1, copies=False, model_parameters=1)
    usual = median(drift.values())
    assert max(map(abs, fit.errors.values())) < 1e-6
    assert fit.calibration.parameters["rows_1"] == pytest.approx(usual * PARAMETERS["rows_1"], rel=1e-3)
    assert max(fit.steady_spreads.values()) < 1e-6
    assert fit.noise > 0.3
    assert max(map(abs, fit.calibration.steady_log_residuals)) < 1e-6
    assert max(map(abs, fit.calibration.log_residuals)) > 0.05
    blind = fit_pool_steps(
        [*samples[:-1], replace(samples[-1], probe_ns=None)], unit_slots=1, copies=False, model_parameters=1
    )
    assert blind.steady_spreads == blind.spreads


def test_a_calibration_between_turns_is_for_decodes_that_take_a_machines_mean_time():
    """One visit in ten is three times slower, which moves the mean probe and not the median one."""
    slow = {visit: 3.0 if visit % 10 == 0 else 1.0 for visit in range(60)}
    samples = [
        replace(sample, probe_ns=2e7 * slow[sample.visit])
        for sample in samples_of(pool_model(), noise=slow.__getitem__)
    ]
    fits = [
        fit_pool_steps(samples, unit_slots=1, copies=False, model_parameters=1, num_turns=num_turns)
        for num_turns in (None, 10, 1000)
    ]
    median_s, mean_s, _ = (fit.calibration.parameters["rows_1"] / PARAMETERS["rows_1"] for fit in fits)
    assert median_s == pytest.approx(1, rel=1e-3)
    assert mean_s == pytest.approx(1.2, rel=1e-3)
    assert fits[1].calibration.steady_log_residuals == pytest.approx([0] * 46, abs=1e-6)
    few, many = (stdev(fit.calibration.log_residuals) for fit in fits[1:])
    assert few == pytest.approx(10 * many, rel=0.3)  # the square root of a hundred times as many turns


def test_no_parameter_comes_out_negative():
    """Steps that get cheaper in a fuller pool are noise, and no profile says so."""
    shapes = shapes_for(copies=False)
    index = next(place for place, shape in enumerate(shapes) if max(shape.prompts) > 300)
    samples = samples_of(pool_model(), noise=lambda visit: 0.5 if visit % len(shapes) == index else 1.0)
    fit = fit_pool_steps(samples, unit_slots=1, copies=False, model_parameters=1)
    assert min(fit.calibration.parameters.values()) >= 0


def test_nothing_measured_is_refused():
    with pytest.raises(CostError, match="the calibration has no steps"):
        fit_pool_steps([], unit_slots=1, copies=False, model_parameters=1)


def test_a_calibration_without_a_parameter_is_refused():
    parameters = {name: value for name, value in PARAMETERS.items() if name != "row_pool"}
    with pytest.raises(CostError, match="lacks row_pool; `pasta calibrate` writes it"):
        PoolStepModel(Calibration(parameters, method="steps over one pool"))


@settings(max_examples=30, deadline=None)
@given(rows=st.integers(1, 400), outputs=st.integers(1, 32), extent=st.integers(1, 4000))
def test_terms_add_up_and_none_is_negative(rows, outputs, extent):
    cost = pool_model().pool_step(PoolShape(rows, outputs, extent))
    assert cost.total_seconds == pytest.approx(sum(term.seconds for term in cost.terms))
    assert min(term.seconds for term in cost.terms) >= 0


@given(rows=st.integers(1, 500))
def test_hat_weights_sum_to_one_and_meet_the_rows(rows):
    knots = (1, 2, 4, 8, 32, 128)
    weights = hat_weights(knots, rows)
    assert sum(weights) == pytest.approx(1)
    assert sum(weight * knot for weight, knot in zip(weights, knots, strict=True)) == pytest.approx(rows)


def test_one_thread_alone_costs_the_closed_form():
    """`sequential_ns` sums lanes of a pool of their own; feeding the pool step by step gives the same."""
    cost = PoolCost(pool_model())
    steps = [Lane("a", 0, 7, 0, 0, True), *(Lane("a", 0, 1, 7 + n, 7 + n, True) for n in range(20))]
    assert sum(cost.duration_ns((lane,)) for lane in steps) == PoolCost(pool_model()).sequential_ns(7, 21)


def test_asking_what_a_step_would_cost_takes_none():
    cost, other = PoolCost(pool_model()), PoolCost(pool_model())
    prompt, lane = Lane("a", 0, 7, 0, 0, True), Lane("a", 0, 1, 7, 7, True)
    cost.duration_ns((prompt,))
    other.duration_ns((prompt,))
    cost.decode_ns((7, 7, 7))
    cost.prefill_ns(90)
    assert cost.duration_ns((lane,)) == other.duration_ns((lane,))


def test_a_profile_of_another_model_is_refused(tmp_path):
    hardware = load_hardware("cpu")
    with pytest.raises(CostError, match="has no calibration"):
        pool_cost(load_model("smollm2-135m"), hardware)


def test_calibrate_writes_a_profile_that_simulate_reads(tmp_path):
    model = save_tiny_model(tmp_path / "tiny")
    profile = tmp_path / "profile.toml"
    arguments = ["--model", model, "--dtype", "float32", "--threads", "1", "--seconds", "0", "--output", profile]
    result = CliRunner().invoke(command, [*map(str, arguments), "--format", "json", "--name", "mine"])
    assert result.exit_code == 0, (result.output, result.exception)
    content = json.loads(result.stdout)
    assert content["schema"] == "pasta.calibrate/1"
    assert len(content["shapes"]) <= MOST_SHAPES
    spec = load_hardware(str(profile))
    assert spec.name == "mine"
    assert spec.calibration.num_rows == content["visits"]
    assert any("torch" in source for source in spec.calibration.source)
    assert content["interval"][0] <= 1 <= content["interval"][1]
    answer = tmp_path / "answer.txt"
    answer.write_text('A. <promise topic="x" tokens="10"/><async>One.</async><sync/> B.')
    refused = CliRunner().invoke(simulate, [str(answer), "--model", "smollm2-135m", "--hardware", str(profile)])
    assert "was calibrated with a model of" in str(refused.exception)
    profile.write_text(
        profile.read_text().replace(
            f"model_parameters = {int(content['parameters']['model_parameters'])}", "model_parameters = 134515008"
        )
    )
    simulated = CliRunner().invoke(
        simulate, [str(answer), "--model", "smollm2-135m", "--hardware", str(profile), "--format", "json"]
    )
    assert simulated.exit_code == 0, simulated.output
    assert json.loads(simulated.stdout)["rows"][1]["latency_s"] > 0


def profile_with(spreads):
    calibration = pool_model([0.01] * 41).calibration
    return CalibratedProfile(DEVICE, PoolFit(calibration, dict.fromkeys(spreads, 0.0), spreads, spreads), "")


def test_a_noisy_machine_is_said_and_a_quiet_one_is_not():
    assert profile_with({"a": 0.01, "b": 0.02}).warning is None
    assert profile_with({"a": 0.01, "b": 0.02}).content()["is_noisy"] is False
    noisy = profile_with({"a": 0.2, "b": 0.3, "c": 0.01})
    assert noisy.content()["is_noisy"] is True
    assert noisy.warning == (
        "this machine is noisy: the middle half of the rounds spreads over 20% of a step's time (30% for 'b'); "
        "close other programs and calibrate again"
    )


@pytest.mark.parametrize("in_a_row", [1, 5, None])
def test_a_calibration_spreads_its_visits_and_goes_on_where_it_was(in_a_row):
    """A third of the visits is due when a third of the time is gone; those made before are not made again."""
    loop, _ = watched_loop("interleaved")
    shapes = [CalibrationShape(name, (2,), num_steps=1) for name in "abcd"]
    calibration = CalibrationRun(loop, shapes, seconds=0, in_a_row=in_a_row)
    assert list(calibration.due(0)) == []
    third = list(calibration.due(1 / 3))
    assert 4 <= len(third) <= 4 + 5
    rest = list(calibration.due(1))
    assert 12 <= len(third) + len(rest) <= 12 + 5
    assert list(calibration.due(1)) == []
    made = [step for visit in (*third, *rest) for step in visit]
    numbers = list(dict.fromkeys(step.visit for step in made))
    assert len(numbers) == len(third) + len(rest)
    after = CalibrationRun(loop, shapes, seconds=0, known=made[: len(made) // 2])
    assert {step.visit for visit in after.due() for step in visit}.isdisjoint(
        step.visit for step in made[: len(made) // 2]
    )


def test_long_texts_fill_the_pool_as_they_are_fed():
    loop, seen = watched_loop("interleaved")
    loop.run([Job("a", ForcedDecoder(encode("abc"), forced_text("x" * 30, encode)))])
    assert [extent for _, _, extent, _ in seen] == [3, *range(4, 33)]
