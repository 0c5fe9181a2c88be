"""Kernel formulas, tables, skew, intervals and profiles: laws, closed forms and messages."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pasta_toolkit.specs import Calibration, SpecError, load_hardware, load_model, parse_spec
from simulator.cost import (
    CostError,
    KernelParameters,
    PrefillShape,
    StepShape,
    fitted_model,
    format_calibration,
    generic_profiles,
)
from simulator.cost.attention import decode_attention_seconds
from simulator.cost.batches import step_batches
from simulator.cost.block_schedule import BlockSchedule
from simulator.cost.device import Device
from simulator.cost.fitting import FIRST_GUESS, Tables, fit_device
from simulator.cost.heads import Heads
from simulator.cost.interpolation import Curve
from simulator.cost.interval import interval_factors
from simulator.cost.kernel_tables import AttentionTable, MatmulTable
from simulator.cost.least_squares import minimize_squares
from simulator.cost.matmul import matmul_seconds
from simulator.cost.measurements import AttentionRow, MatmulRow, StepRow, read_step_rows

H100 = load_hardware("h100")
DEVICE = Device.of(H100)
sizes = st.sampled_from([512, 1024, 4096, 6144, 28672, 128256])


@settings(max_examples=50)
@given(rows=st.integers(1, 600), outer=sizes, inner=sizes, factor=st.sampled_from([(1, 0, 0), (0, 1, 0), (0, 0, 1)]))
def test_larger_products_are_not_faster(rows: int, outer: int, inner: int, factor: tuple[int, int, int]) -> None:
    small = matmul_seconds(FIRST_GUESS, DEVICE, rows=rows, outer=outer, inner=inner)
    sizes_after = {"rows": rows + factor[0], "outer": outer + 512 * factor[1], "inner": inner + 512 * factor[2]}
    assert matmul_seconds(FIRST_GUESS, DEVICE, **sizes_after) >= small * (1 - 1e-12)


@settings(max_examples=50)
@given(rows=st.integers(1, 600), outer=sizes, inner=sizes)
def test_products_are_never_below_the_roofline(rows: int, outer: int, inner: int) -> None:
    moved = 2 * (outer * inner + rows * inner + rows * outer)
    floor = max(moved / H100.memory_bandwidth_bytes_per_s, 2 * rows * outer * inner / H100.bf16_dense_flops_per_s)
    assert matmul_seconds(FIRST_GUESS, DEVICE, rows=rows, outer=outer, inner=inner) >= floor


@settings(max_examples=50)
@given(lanes=st.integers(1, 300), context=st.integers(1, 50_000), speed=st.floats(0.5, 4))
def test_attention_scales_with_a_device_that_is_faster_in_everything(lanes: int, context: int, speed: float) -> None:
    fast = replace(DEVICE, bandwidth_bytes_per_s=speed * DEVICE.bandwidth_bytes_per_s, clock_hz=speed * DEVICE.clock_hz)
    work = {"num_lanes": lanes, "num_kv_heads": 8, "kv_bytes": 4096.0 * lanes * context, "mean_context": context}
    slow_seconds = decode_attention_seconds(FIRST_GUESS, DEVICE, **work)
    assert decode_attention_seconds(FIRST_GUESS, fast, **work) == pytest.approx(slow_seconds / speed)


def test_formulas_say_the_same_of_arrays_and_of_numbers() -> None:
    lanes = np.array([1.0, 2.0, 64.0])
    work = {"num_kv_heads": 8, "kv_bytes": 4096 * 512 * lanes, "mean_context": 512 + 0 * lanes}
    together = decode_attention_seconds(FIRST_GUESS, DEVICE, num_lanes=lanes, **work)
    for index, num_lanes in enumerate((1, 2, 64)):
        one = decode_attention_seconds(
            FIRST_GUESS, DEVICE, num_lanes=num_lanes, num_kv_heads=8, kv_bytes=4096 * 512 * num_lanes, mean_context=512
        )
        assert together[index] == pytest.approx(one)


def test_the_batched_prediction_is_the_fitted_model() -> None:
    model, profile = load_model("qwen3-8b"), generic_profiles().asynchronous
    rows = [StepRow("h100", "m", 1, lanes, context, 1.0) for lanes in (1, 8, 256) for context in (16, 4096)]
    (batch,) = step_batches(rows, {"h100": H100}, {"m": model})
    one_by_one = fitted_model(model, H100, profile=profile)
    expected = [one_by_one.step_time(StepShape((row.context,) * row.num_lanes)).total_seconds for row in rows]
    assert batch.predicted(KernelParameters.of(profile.parameters)) == pytest.approx(expected)


contexts = st.lists(st.integers(1, 20_000), min_size=1, max_size=64)


chunks = st.lists(st.builds(PrefillShape, st.integers(1, 600), st.integers(0, 5_000)), max_size=2)


@settings(max_examples=30)
@given(contexts=contexts, chunks=chunks, kv_heads=st.sampled_from([1, 8, 16]))
def test_unequal_contexts_never_gain_and_equal_ones_cost_nothing(
    contexts: list[int], chunks: list[PrefillShape], kv_heads: int
) -> None:
    schedule = BlockSchedule.of(H100, Heads(32, kv_heads, 128))
    assert schedule is not None
    assert schedule.extra_seconds(contexts, chunks) >= 0
    assert schedule.extra_seconds([contexts[0]] * len(contexts), chunks) == 0


@settings(max_examples=30)
@given(contexts=st.lists(st.integers(1, 9_000), min_size=64, max_size=90), scale=st.integers(2, 9))
def test_without_splits_the_price_of_unequal_contexts_grows_with_their_scale(contexts: list[int], scale: int) -> None:
    schedule = BlockSchedule.of(H100, Heads(32, 8, 128))
    assert schedule is not None
    extra = schedule.extra_seconds(contexts)
    assert schedule.extra_seconds([scale * context for context in contexts]) == pytest.approx(scale * extra, abs=1e-12)


def test_one_long_lane_goes_on_alone_at_the_rate_of_its_block() -> None:
    """Two slots, one head, 10 bytes a token, 100 bytes/s together and 60 alone.

    Lanes of 10 and 40 tokens: until 2 s both at 5 tokens/s, then one of 30 at 6. At their mean, 25: 5 s.
    """
    schedule = BlockSchedule(1, 2, 1, 10.0, 100.0, 60.0)
    assert schedule.extra_seconds([10, 40]) == pytest.approx((2 + 30 / 6) - 5)


def test_beside_a_chunk_the_longest_block_counts_while_there_are_slots_for_all() -> None:
    """Four query heads on 16 slots, 10 bytes a token, 60 bytes/s a block: lanes of 10 and 40 tokens take 40 / 6 s.

    A chunk of 70 tokens behind 20 is two blocks of rows a head; they see 84 and 90 tokens: 15 s, whatever the lanes do.
    """
    schedule = BlockSchedule(16, 16, 2, 10.0, 1_000.0, 60.0, group_size=2)
    assert schedule.extra_seconds([10, 40], [PrefillShape(1)]) == pytest.approx((40 - 25) / 6)
    assert schedule.extra_seconds([10, 40], [PrefillShape(70, 20)]) == 0
    assert schedule.extra_seconds([10, 100], [PrefillShape(70, 20)]) == pytest.approx((100 - 90) / 6)


def test_keys_are_split_while_lanes_do_not_fill_the_units() -> None:
    """FlashAttention-2's rule on 128 units: 204 blocks are enough; below, the fewest splits with nearly full waves."""
    schedule = BlockSchedule.of(load_hardware("rtx-4090"), Heads(32, 8, 128))
    assert schedule is not None
    assert [schedule.num_splits(lanes * 8, 64) for lanes in (24, 25, 26)] == [4, 5, 1]
    assert schedule.num_splits(8, 1) == 1


def test_a_curve_goes_through_its_points_and_never_falls_beyond_them() -> None:
    curve = Curve.of({4: 2.0, 1: 1.0, 8: 1.5})
    assert [curve.at(x) for x in (0, 1, 2.5, 4, 8, 80)] == [1.0, 1.0, 1.5, 2.0, 1.5, 1.5]
    assert curve.scaled_beyond(16) == 3.0


def test_measured_products_are_returned_as_measured() -> None:
    rows = [MatmulRow("h100", m, n, 1024, 1e-6 * m + 1e-9 * n) for m in (1, 8) for n in (1024, 4096)]
    table = MatmulTable.of(rows, H100)
    assert table.seconds(rows=8, outer=4096, inner=1024) == pytest.approx(8e-6 + 4.096e-6)
    between = table.seconds(rows=8, outer=2048, inner=1024)
    assert table.seconds(rows=8, outer=1024, inner=1024) < between < table.seconds(rows=8, outer=4096, inner=1024)


def test_heads_that_were_not_measured_take_lanes_of_the_same_bytes() -> None:
    rows = [AttentionRow("h100", 32, 8, 128, lanes, 512, lanes * 1e-6) for lanes in (1, 2, 4)]
    table = AttentionTable.of(rows)
    assert table.seconds(Heads(16, 4, 128), num_lanes=4, context=512) == pytest.approx(2e-6)


def test_a_fit_finds_the_parameters_that_made_its_rows() -> None:
    def residuals(vector):  # type: ignore[no-untyped-def]
        return np.array([vector[0] - 3, 10 * (vector[1] - vector[0] ** 2), 0.1 * vector[0] * 0])

    assert minimize_squares(residuals, np.array([0.5, 0.0]), max_iterations=200) == pytest.approx([3, 9], abs=1e-3)


def test_a_device_that_follows_the_formulas_is_fitted_well() -> None:
    true = replace(FIRST_GUESS, matmul_bandwidth_fraction=0.7, matmul_launch_cycles=9000)
    rows = [
        MatmulRow("h100", m, n, k, float(matmul_seconds(true, DEVICE, rows=m, outer=n, inner=k)))
        for m in (1, 32, 256)
        for n in (1024, 4096, 16384)
        for k in (1024, 8192)
    ]
    start = Calibration({name: getattr(FIRST_GUESS, name) for name in generic_profiles().asynchronous.parameters})
    found = fit_device(Tables({"h100": H100}, matmuls=rows), start=start).parameters
    assert found["matmul_bandwidth_fraction"] == pytest.approx(0.7, rel=0.02)
    assert found["matmul_launch_cycles"] == pytest.approx(9000, rel=0.05)


def test_nothing_to_fit_is_refused() -> None:
    with pytest.raises(CostError, match="there is nothing to fit"):
        fit_device(Tables({}), start=generic_profiles().asynchronous)


def test_intervals_are_quantiles_of_the_residuals() -> None:
    residuals = tuple(np.log(np.linspace(0.9, 1.1, 201)))
    assert interval_factors(residuals) == pytest.approx((0.91, 1.09), abs=1e-6)
    assert interval_factors(residuals[:5]) == (1.0, 1.0)


def test_a_written_profile_is_read_back() -> None:
    profile = generic_profiles().synchronous
    assert parse_spec(format_calibration(profile), Calibration, where="profile.toml") == profile


@pytest.mark.parametrize(
    ("values", "message"),
    [
        (
            {"matmul_bandwith_fraction": 1.0},
            "unknown cost parameter 'matmul_bandwith_fraction'; did you mean 'matmul_band",
        ),
        ({}, "the cost parameter 'matmul_bandwidth_fraction' is missing"),
    ],
)
def test_a_wrong_profile_is_refused(values: dict[str, float], message: str) -> None:
    with pytest.raises(CostError, match=message):
        KernelParameters.of(values)


def test_a_negative_parameter_is_refused() -> None:
    with pytest.raises(
        CostError, match="the cost parameter matmul_launch_cycles is -1; it must be a number of at least 0"
    ):
        replace(FIRST_GUESS, matmul_launch_cycles=-1)


def test_a_profile_with_a_number_that_is_not_finite_is_refused() -> None:
    with pytest.raises(SpecError, match=r"holds a number that is not finite \(a\)"):
        Calibration({"a": float("nan")})


def test_a_host_that_launches_slowly_is_a_floor() -> None:
    model = load_model("llama-3.1-8b")
    profile = generic_profiles().asynchronous
    slow = replace(profile, parameters={**profile.parameters, "host_seconds_per_layer": 1e-3})
    cost = fitted_model(model, H100, profile=slow).step_time(StepShape((100,)))
    assert cost.total_seconds == pytest.approx(32e-3)
    assert cost.seconds("host") > 0


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("system,model\n", "has no rows"),
        ("system,backend,model,tp,batch,ctx,step_ms\na,b,c,1,x,1,1\n", r"line 2: .*'x' is no number or no column"),
        ("system,backend,model,tp,batch\na,b,c,1,1\n", "line 2: 'step_ms' is no number or no column"),
    ],
)
def test_a_broken_table_is_refused(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "steps.csv"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(CostError, match=message):
        read_step_rows(path)


def test_a_missing_table_is_refused(tmp_path: Path) -> None:
    with pytest.raises(CostError, match="cannot read the table"):
        read_step_rows(tmp_path / "nowhere.csv")


def test_the_fitted_model_refuses_a_processor_of_which_it_knows_no_kernels() -> None:
    with pytest.raises(CostError, match=r"'CPU-Xeon-2core' has no clock_hz.*take the roofline model"):
        fitted_model(load_model("smollm2-135m"), load_hardware("cpu"))
