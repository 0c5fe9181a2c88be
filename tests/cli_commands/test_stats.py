"""`pasta stats`: measures of a data set in every format, groups, baselines, and what could not be measured."""

import csv
import io
import json
from pathlib import Path
from typing import Any

import pytest

from grammar import parse
from pasta_toolkit.dag import build_dag, measure
from pasta_toolkit.tokens import load_counter
from tests.support.cli_runs import Run, run
from tests.support.data_sets import BROKEN, GOOD, write_lines

COUNTER = load_counter("words")
SHARED = Path(__file__).parents[2].parent / "shared/data/alpaca_eval_dev.jsonl"
SPEEDUP = measure(build_dag(parse(GOOD), COUNTER)).ideal_speedup


def stats(*arguments: str | Path, stdin: bytes = b"") -> Run:
    return run("stats", "--tokenizer", "words", *map(str, arguments), stdin=stdin)


def document_of(*arguments: str | Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(stats(*arguments, "--format", "json").stdout)
    return found


def write_records(path: Path, *records: dict[str, Any]) -> Path:
    path.write_text("".join(json.dumps(record) + "\n" for record in records), encoding="utf-8")
    return path


@pytest.fixture
def lines(tmp_path: Path) -> Path:
    return write_lines(tmp_path / "answers.jsonl", GOOD, "a plain answer", "")


@pytest.fixture
def records(tmp_path: Path) -> Path:
    return write_records(
        tmp_path / "records.jsonl",
        {"response": GOOD, "model": "b", "plain": "word " * 1000},
        {"response": "a plain answer", "model": "a", "plain": "a plain answer"},
        {"response": GOOD, "model": {"name": 1}, "plain": ""},
        {"response": GOOD, "plain": "word"},
    )


def test_json_has_the_promised_keys(lines: Path) -> None:
    document = document_of(lines)
    assert document["schema"] == "pasta.stats/1"
    assert (document["documents"], document["empty_documents"], document["sequential_documents"]) == (3, 1, 1)
    assert document["geomean_ideal_speedup"] == pytest.approx(SPEEDUP**0.5)
    assert document["geomean_ideal_speedup_with_promises"] == pytest.approx(SPEEDUP)
    assert document["tag_overhead"] == document["tag_tokens"] / document["decoded_tokens"]
    assert document["tokenizer"] == {"name": "words x 1.3 (an estimate)", "is_exact": False}
    assert document["quantiles"]["promises"]["max"] == 2
    assert document["faults"] == {"invalid": 0, "unreadable": 0, "damaged": 0, "without_baseline": 0}
    assert "groups" not in document
    assert "documents_detail" not in document


def test_details_have_a_row_for_every_document(lines: Path) -> None:
    details = document_of(lines, "--details")["documents_detail"]
    assert [(detail["path"], detail["record"]) for detail in details] == [(str(lines), place) for place in (1, 2, 3)]
    assert details[0]["ideal_speedup"] == SPEEDUP
    assert [detail["is_empty"] for detail in details] == [False, False, True]


def test_groups_have_a_row_for_every_value(records: Path) -> None:
    document = document_of(records, "--by", "model")
    assert document["by"] == "model"
    assert [(group["value"], group["documents"]) for group in document["groups"]] == [
        ("(none)", 1),
        ("a", 1),
        ("b", 1),
        ('{"name": 1}', 1),
    ]
    assert document["groups"][2]["geomean_ideal_speedup"] == pytest.approx(SPEEDUP)


def test_a_baseline_gives_the_theoretical_speedup(records: Path) -> None:
    document = document_of(records, "--baseline", "plain", "--details")
    details = document["documents_detail"]
    assert details[0]["baseline_tokens"] == 1300
    assert details[0]["theoretical_speedup"] == 1300 / details[0]["critical_path_tokens"]
    assert (document["documents_with_baseline"], document["empty_baselines"]) == (3, 1)


def test_records_without_the_baseline_are_measured_named_and_end_with_one(records: Path) -> None:
    ran = stats(records, "--baseline", "model", "--format", "json")
    assert ran.exit_code == 1
    assert json.loads(ran.stdout)["documents"] == 4
    assert ran.stderr == (
        f"pasta: {records}:3 has no text in the field 'model' to compare with\n"
        f"pasta: {records}:4 has no text in the field 'model' to compare with\n"
        "pasta: records: 2 measured without the baseline that they lack\n"
    )


def test_invalid_and_unreadable_records_are_counted_and_the_others_measured(tmp_path: Path) -> None:
    path = write_lines(tmp_path / "a.jsonl", GOOD, BROKEN, GOOD)
    path.write_text(path.read_text(encoding="utf-8") + "{\n", encoding="utf-8")
    ran = stats(path, "--format", "json")
    assert ran.exit_code == 1
    assert json.loads(ran.stdout)["documents"] == 2
    assert json.loads(ran.stdout)["faults"]["invalid"] == 1
    named = ran.stderr.splitlines()
    assert len(named) == 3
    assert any(line.startswith(f"pasta: {path}:2 is not valid: ") for line in named)
    assert any(line.startswith(f"pasta: {path}:4: ") for line in named)
    assert named[-1] == "pasta: records: 1 not valid and not measured; 1 unreadable and not measured"


def test_many_faults_are_counted_and_only_the_first_are_named(tmp_path: Path) -> None:
    path = write_lines(tmp_path / "a.jsonl", *[BROKEN] * 30)
    named = stats(path).stderr.splitlines()
    assert len(named) == 21
    assert named[-1] == "pasta: records: 30 not valid and not measured"


def test_text_says_what_was_left_out_and_what_counted(lines: Path) -> None:
    ran = stats(lines)
    assert (ran.exit_code, ran.stderr) == (0, "")
    assert ran.stdout.startswith("Tokens counted with words x 1.3 (an estimate).\n")
    assert "1 empty, left out of averages" in ran.stdout
    assert "geometric mean, sequential / critical-path tokens" in ran.stdout


def test_text_of_groups_and_details_has_their_tables(records: Path) -> None:
    shown = stats(records, "--by", "model", "--details").stdout
    assert "\nBy model\n" in shown
    assert f"\n{records}:4 " in shown


def test_markdown_has_tables(records: Path) -> None:
    shown = stats(records, "--by", "model", "--format", "markdown").stdout
    assert "\n**Data set**\n\n| measure | value | meaning |\n| :-- | --: | :-- |\n" in shown
    assert "\n| \\(none" not in shown
    assert "\n| (none) | 1 |" in shown


def test_csv_has_a_row_for_all_and_for_every_group(records: Path) -> None:
    rows = list(csv.DictReader(io.StringIO(stats(records, "--by", "model", "--format", "csv").stdout)))
    assert [row["value"] for row in rows] == ["(all)", "(none)", "a", "b", '{"name": 1}']
    assert rows[0]["documents"] == "4"


def test_csv_of_details_has_a_row_for_every_document(records: Path) -> None:
    rows = list(csv.DictReader(io.StringIO(stats(records, "--details", "--format", "csv").stdout)))
    assert [row["record"] for row in rows] == ["1", "2", "3", "4"]
    assert rows[1]["ideal_speedup"] == "1.0"


def test_folders_and_standard_input_are_read(lines: Path, tmp_path: Path) -> None:
    assert document_of(tmp_path)["documents"] == 3
    assert json.loads(stats("-", "--format", "json", stdin=lines.read_bytes()).stdout)["documents"] == 3


def test_text_files_have_no_value_to_group_by(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text(GOOD, encoding="utf-8")
    assert [group["value"] for group in document_of(tmp_path, "--by", "model")["groups"]] == ["(none)"]


def test_no_answers_at_all_have_no_averages(tmp_path: Path) -> None:
    path = write_lines(tmp_path / "a.jsonl", "", "")
    document = document_of(path)
    assert (document["documents"], document["empty_documents"]) == (2, 2)
    assert document["geomean_ideal_speedup"] is None
    assert stats(path).exit_code == 0


def test_plots_are_written_and_named_on_stderr(lines: Path, tmp_path: Path) -> None:
    folder = tmp_path / "plots"
    ran = stats(lines, "--plots", folder, "--format", "json")
    assert ran.exit_code == 0
    assert len(list(folder.iterdir())) == 5
    assert ran.stderr.splitlines()[0] == f"wrote {folder / 'ideal_speedup.png'}"
    assert json.loads(ran.stdout)["documents"] == 3


def test_batches_do_not_change_the_result(tmp_path: Path) -> None:
    path = write_lines(tmp_path / "a.jsonl", *[GOOD, "plain"] * 100)
    document = document_of(path)
    assert document["documents"] == 200
    assert document["geomean_ideal_speedup"] == pytest.approx(SPEEDUP**0.5)


def test_main_streams_are_measured_by_their_promises(tmp_path: Path) -> None:
    path = write_lines(
        tmp_path / "a.jsonl", '<promise topic="x" tokens="100"/><promise topic="y" tokens="100"/><sync/>'
    )
    assert document_of(path, "--form", "main")["sequential_tokens"] == 200


@pytest.mark.skipif(not SHARED.is_file(), reason="shared/data/alpaca_eval_dev.jsonl is not there")
def test_real_answers_without_tags_have_no_speedup() -> None:
    document = document_of(SHARED, "--field", "output", "--by", "model")
    assert (document["documents"], document["empty_documents"]) == (1200, 9)
    assert document["geomean_ideal_speedup"] == 1
    assert [group["documents"] for group in document["groups"]] == [400, 400, 400]


def test_help_has_an_example() -> None:
    assert "pasta stats annotated.jsonl --by model --plots plots/" in run("stats", "--help").stdout
