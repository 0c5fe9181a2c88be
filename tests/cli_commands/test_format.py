"""`pasta format`: one spelling, two layouts, and nothing lost."""

import json
from pathlib import Path

import pytest

from grammar import format_document, parse, render
from tests.support.cli_runs import Run, run
from tests.support.data_sets import BROKEN, FIXABLE, GOOD, write_lines

GROUPED = format_document(parse(GOOD), layout="grouped")


def _format(*arguments: str | Path, stdin: bytes = b"") -> Run:
    return run("format", *map(str, arguments), stdin=stdin)


def test_a_text_is_printed_in_the_layout_that_is_asked_for(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_text(GOOD)
    assert _format(path, "--layout", "grouped") == Run(0, GROUPED.encode(), "")
    assert _format(path) == Run(0, GOOD.encode(), "")
    assert _format("-", "--layout", "inline", stdin=GROUPED.encode()) == Run(0, GOOD.encode(), "")
    assert path.read_text() == GOOD


def test_layouts_change_no_character_that_a_reader_sees() -> None:
    assert GROUPED != GOOD
    assert render(parse(_format("-", "--layout", "grouped", stdin=GOOD.encode()).stdout)) == render(parse(GOOD))


def test_differently_spelled_tags_are_respelled() -> None:
    assert _format("-", stdin=FIXABLE.encode()) == Run(0, GOOD.encode(), "")


def test_records_keep_their_other_fields_and_broken_ones_pass_unchanged(tmp_path: Path) -> None:
    path = write_lines(tmp_path / "a.jsonl", GOOD, BROKEN, FIXABLE)
    path.write_bytes(path.read_bytes() + b"{broken\n")
    ran = _format(path)
    before, after = path.read_text().splitlines(), ran.stdout.splitlines()
    assert after == [before[0], before[1], before[2].replace(json.dumps(FIXABLE), json.dumps(GOOD)), before[3]]
    assert ran.exit_code == 1
    assert f"{path}:2:1:{len(GOOD) + 1}: error[PA209]" in ran.stderr
    assert f"{path}:4:1:2: error[IN301]" in ran.stderr


def test_write_rewrites_in_place_and_once(tmp_path: Path) -> None:
    text, lines = tmp_path / "a.txt", write_lines(tmp_path / "b.jsonl", GOOD, BROKEN)
    text.write_text(GOOD)
    ran = _format(tmp_path, "--write", "--layout", "grouped")
    assert ran.exit_code == 1
    assert ran.stderr.endswith("Formatted 2 of 3 records.\n")
    assert text.read_text() == GROUPED
    assert [json.loads(line)["response"] for line in lines.read_text().splitlines()] == [GROUPED, BROKEN]
    inode = lines.stat().st_ino
    assert _format(text, "--write", "--layout", "grouped") == Run(0, b"", "Formatted 0 of 1 records.\n")
    _format(lines, "--write", "--layout", "grouped")
    assert lines.stat().st_ino == inode


def test_check_names_what_would_change_and_changes_nothing(tmp_path: Path) -> None:
    text, lines = tmp_path / "a.txt", write_lines(tmp_path / "b.jsonl", GOOD, FIXABLE)
    text.write_text(GOOD)
    assert _format(tmp_path, "--check") == Run(
        1, f"would change: {lines}:2\n".encode(), "Would format 1 of 3 records.\n"
    )
    assert _format(text, "--check").exit_code == 0
    ran = _format(tmp_path, "--check", "--format", "json")
    assert ran.exit_code == 1
    assert json.loads(ran.stdout) == {
        "schema": "pasta.format/1",
        "changed": [{"path": str(lines), "record": 2}],
        "summary": {"records": 3, "changed": 1, "errors": 0},
    }


def test_diff_shows_what_would_change(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_text(f"{FIXABLE}\n")
    ran = _format(path, "--diff")
    assert ran.exit_code == 1
    assert ran.stdout == f"--- {path}\n+++ {path}\n@@ -1 +1 @@\n-{FIXABLE}\n+{GOOD}\n"


def test_damaged_bytes_pass_unchanged(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_bytes(b"\xff" + FIXABLE.encode())
    ran = _format(path)
    assert (ran.exit_code, ran.output) == (1, path.read_bytes())
    assert "error[IN201]" in ran.stderr


@pytest.mark.parametrize("form", ["main", "branch"])
def test_streams_of_other_forms_are_formatted_too(form: str) -> None:
    text = "One.</async>" if form == "branch" else 'A <promise topic="x" tokens="10"/><sync/>'
    assert _format("-", "--form", form, stdin=text.encode()) == Run(0, text.encode(), "")


def test_jobs_change_no_byte(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pasta_toolkit.records.chunks.CHUNK_BYTES", 2048)
    path = write_lines(tmp_path / "a.jsonl", *[GOOD, BROKEN, FIXABLE] * 4)
    assert _format(path, "--layout", "grouped", "--jobs", "2") == _format(path, "--layout", "grouped")


def test_tables_are_refused(tmp_path: Path) -> None:
    pytest.importorskip("pyarrow", reason="pyarrow is optional")
    (tmp_path / "a.parquet").write_bytes(b"")
    assert "Parquet is only read" in _format(tmp_path / "a.parquet").stderr


def test_wrong_usage_is_a_sentence(tmp_path: Path) -> None:
    for name in ("a.txt", "b.txt"):
        (tmp_path / name).write_text(GOOD)
    assert "2 files cannot go to stdout together" in _format(tmp_path).stderr
    assert "--format json goes with --check" in _format(tmp_path / "a.txt", "--format", "json").stderr
    assert "pasta format answers/ --check" in run("format", "--help").stdout
