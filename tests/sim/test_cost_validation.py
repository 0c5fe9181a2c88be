"""The validation's command, on tables of its own: small, so that it says something in seconds."""

from pathlib import Path

from click.testing import CliRunner

from simulator.cost.measurements import StepRow
from simulator.cost.protocol import Prediction
from simulator.cost.serving_profile import MixedAttentionTable
from simulator.cost.validation import Finding, batch_ratio_errors, main


def predictions(*pairs: tuple[int, float, float]) -> list[Prediction]:
    return [Prediction(StepRow("d", "m", 1, lanes, 128, measured), found) for lanes, measured, found in pairs]


def test_ratio_errors_compare_with_the_single_lane_of_the_same_context() -> None:
    # Measured: twice as slow at 8 lanes; predicted: three times. 64 lanes are beyond the question.
    found = batch_ratio_errors(predictions((1, 1.0, 2.0), (8, 2.0, 6.0), (64, 4.0, 9.0)))
    assert found == [0.5]


def test_a_finding_says_its_bound() -> None:
    assert str(Finding("steps", "median", 0.0213, 0.025)).split() == ["steps", "median", "2.13%", "(asked:", "2.5%)"]


def test_help_shows_the_options() -> None:
    text = CliRunner().invoke(main, ["--help"]).stdout
    assert all(option in text for option in ("--data", "--json", "--write-profiles"))


def test_a_folder_without_tables_is_refused(tmp_path: Path) -> None:
    result = CliRunner().invoke(main, ["--data", str(tmp_path)])
    assert "cannot read the table" in str(result.exception)


def test_mixed_attention_is_linear_along_each_axis() -> None:
    rows = [
        (chunk, behind, lanes, context, 1.0 + chunk + 2 * behind + 3 * lanes + 4 * context)
        for chunk in (16, 32)
        for behind in (0, 64)
        for lanes in (1, 4)
        for context in (16, 64)
    ]
    table = MixedAttentionTable.of(rows)
    found = table.seconds(chunk=20, chunk_context=32, num_lanes=2, context=40)
    assert found == 1.0 + 20 + 64 + 6 + 160
    assert table.seconds(chunk=0, chunk_context=0, num_lanes=0, context=0) == 0
