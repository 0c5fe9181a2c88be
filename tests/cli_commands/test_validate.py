"""`pasta validate`: what it reports, how it ends, and what it repairs."""

import gzip
import json
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.support.cli_runs import Run, run
from tests.support.data_sets import BROKEN, FIXABLE, GOOD, write_lines

PARTLY_BROKEN = (GOOD, FIXABLE, "", BROKEN, GOOD)


def _validate(*arguments: str | Path, stdin: bytes = b"") -> Run:
    return run("validate", "--isolated", *map(str, arguments), stdin=stdin)


def _diagnostics(*arguments: str | Path) -> list[dict[str, object]]:
    found: list[dict[str, object]] = json.loads(_validate(*arguments, "--format", "json").stdout)["diagnostics"]
    return found


@pytest.fixture
def lines(tmp_path: Path) -> Path:
    return write_lines(tmp_path / "answers.jsonl", *PARTLY_BROKEN)


def test_clean_input_ends_with_zero_and_says_how_much_was_read(tmp_path: Path) -> None:
    path = write_lines(tmp_path / "a.jsonl", GOOD, GOOD)
    assert _validate(path) == Run(0, b"Nothing to report in 2 records.\n", "")


def test_findings_end_with_one_and_name_record_line_and_column(lines: Path) -> None:
    ran = _validate(lines)
    assert ran.exit_code == 1
    assert f"{lines}:2:1:8: error[PA102]" in ran.stdout
    assert f"{lines}:4:1:{len(GOOD) + 1}: error[PA209]" in ran.stdout
    last = ran.stdout.splitlines()[-1]
    assert last == "Found 2 errors in 2 of 5 records; 1 fixable with --fix (1 more with --fix --unsafe-fixes)."


@pytest.mark.parametrize("name", ["missing.txt", "table.csv"])
def test_wrong_usage_ends_with_two_and_a_sentence(tmp_path: Path, name: str) -> None:
    (tmp_path / "table.csv").write_text("a,b")
    ran = _validate(tmp_path / name)
    assert (ran.exit_code, ran.output) == (2, b"")
    assert ran.stderr.startswith("pasta: ")


def test_a_selector_that_fits_no_rule_ends_with_two(lines: Path) -> None:
    ran = _validate(lines, "--select", "XY")
    assert ran.exit_code == 2
    assert "no rule fits 'XY'" in ran.stderr


def test_the_field_and_the_form_can_be_chosen(tmp_path: Path) -> None:
    path = write_lines(tmp_path / "a.jsonl", f"{GOOD}</async>", field="output")
    assert _validate(path).exit_code == 1
    assert [item["rule"] for item in _diagnostics(path)] == ["missing-field"]
    branch = write_lines(tmp_path / "b.jsonl", "One text.</async>", field="output")
    assert _validate(branch, "--field", "output", "--form", "branch").exit_code == 0


@pytest.mark.parametrize(
    ("arguments", "codes"),
    [
        ([], ["PA102", "PA209"]),
        (["--select", "PA1"], ["PA102"]),
        (["--select", "PA1,PA209"], ["PA102", "PA209"]),
        (["--select", "noncanonical-tag", "--select", "PA2"], ["PA102", "PA209"]),
        (["--ignore", "PA2"], ["PA102"]),
    ],
)
def test_rules_are_selected_and_ignored(lines: Path, arguments: list[str], codes: list[str]) -> None:
    assert [item["code"] for item in _diagnostics(lines, *arguments)] == codes


def test_settings_come_from_the_nearest_pyproject(tmp_path: Path, lines: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "pyproject.toml").write_text('[tool.pasta]\nignore = ["PA209"]\n')
    (tmp_path / "below").mkdir()
    monkeypatch.chdir(tmp_path / "below")
    found = run("validate", str(lines))
    assert "PA102" in found.stdout
    assert "PA209" not in found.stdout
    assert run("validate", str(lines), "--ignore", "PA102").exit_code == 0
    assert "PA209" in run("validate", str(lines), "--isolated").stdout
    monkeypatch.chdir("/")
    assert "PA209" not in run("validate", str(lines), "--config", str(tmp_path / "pyproject.toml")).stdout


def test_notes_are_no_reason_to_fail_and_are_shown_on_request(tmp_path: Path) -> None:
    path = write_lines(tmp_path / "a.jsonl", GOOD.replace("<sync/>", ""))
    ran = _validate(path)
    assert ran.exit_code == 0
    assert ran.stdout == "Not shown: 1 of the notes (give --notes).\nFound 1 note in 1 of 1 record.\n"
    assert "note[PA401]" in _validate(path, "--notes").stdout
    assert [item["severity"] for item in _diagnostics(path)] == ["note"]


def test_no_more_than_so_many_diagnostics_are_shown_and_all_are_counted(lines: Path) -> None:
    ran = _validate(lines, "--max-diagnostics", "1")
    assert ran.stdout.count("error[") == 1
    assert "Not shown: 1 more findings (raise --max-diagnostics)." in ran.stdout
    assert "Found 2 errors" in ran.stdout


def test_quiet_leaves_findings_alone(lines: Path) -> None:
    assert "Found" not in _validate(lines, "--quiet").stdout
    assert "error[PA102]" in _validate(lines, "--quiet").stdout


def test_statistics_take_the_place_of_findings(lines: Path) -> None:
    ran = _validate(lines, "--statistics")
    assert ran.stdout.splitlines()[:3] == [
        "findings  records   share  rule",
        "       1        1  20.0 %  error[PA102] noncanonical-tag",
        "       1        1  20.0 %  error[PA209] sync-without-promise",
    ]
    document = json.loads(_validate(lines, "--statistics", "--format", "json").stdout)
    assert [rule["code"] for rule in document["statistics"]] == ["PA102", "PA209"]


@pytest.mark.parametrize(
    "arguments",
    [["--statistics", "--format", "sarif"], ["--diff", "--format", "json"], ["--unsafe-fixes"], ["--jobs", "-1"]],
)
def test_options_that_do_not_go_together_are_refused(lines: Path, arguments: list[str]) -> None:
    ran = _validate(lines, *arguments)
    assert (ran.exit_code, ran.output) == (2, b"")
    assert "Error: " in ran.stderr


def test_json_and_sarif_and_github_name_the_line_of_the_record(lines: Path) -> None:
    assert [item["record"] for item in _diagnostics(lines)] == [2, 4]
    log = json.loads(_validate(lines, "--format", "sarif").stdout)
    places = [result["locations"][0]["physicalLocation"] for result in log["runs"][0]["results"]]
    assert [place["region"] for place in places] == [{"startLine": 2}, {"startLine": 4}]
    commands = _validate(lines, "--format", "github").stdout.splitlines()
    assert [command.split(",")[1] for command in commands] == ["line=2", "line=4"]


@pytest.mark.parametrize("report_format", ["text", "json", "sarif", "github"])
def test_a_report_can_go_to_a_file(tmp_path: Path, lines: Path, report_format: str) -> None:
    written = tmp_path / "report"
    ran = _validate(lines, "--format", report_format, "--output", written)
    assert (ran.exit_code, ran.output) == (1, b"")
    assert written.read_bytes() == _validate(lines, "--format", report_format).output


def test_fix_rewrites_what_is_safe_and_no_other_byte(lines: Path) -> None:
    before = lines.read_text().splitlines()
    ran = _validate(lines, "--fix")
    assert ran.exit_code == 1
    assert ran.stdout.endswith("Fixed 1. Found 1 error in 1 of 5 records; 1 fixable with --fix --unsafe-fixes.\n")
    after = lines.read_text().splitlines()
    assert after[1] == before[1].replace(json.dumps(FIXABLE), json.dumps(GOOD))
    assert [after[0], *after[2:]] == [before[0], *before[2:]]


def test_fix_of_what_is_fixed_changes_nothing(lines: Path) -> None:
    _validate(lines, "--fix", "--unsafe-fixes")
    inode, content = lines.stat().st_ino, lines.read_bytes()
    assert _validate(lines, "--fix", "--unsafe-fixes") == Run(0, b"Nothing to report in 5 records.\n", "")
    assert (lines.stat().st_ino, lines.read_bytes()) == (inode, content)


def test_fix_rewrites_packed_lines_and_texts(tmp_path: Path) -> None:
    packed, text = tmp_path / "a.jsonl.gz", tmp_path / "b.txt"
    packed.write_bytes(gzip.compress(write_lines(tmp_path / "c.jsonl", FIXABLE, GOOD).read_bytes()))
    text.write_bytes(f"\ufeff{FIXABLE}\r\n".encode())
    _validate(packed, text, "--fix")
    fixed = write_lines(tmp_path / "d.jsonl", GOOD, GOOD).read_bytes()
    assert gzip.decompress(packed.read_bytes()) == fixed
    assert text.read_bytes() == f"\ufeff{GOOD}\r\n".encode()


def test_fix_of_standard_input_writes_text_to_stdout_and_the_report_to_stderr() -> None:
    ran = _validate("-", "--fix", stdin=FIXABLE.encode())
    assert ran == Run(0, GOOD.encode(), "Fixed 1. Nothing to report in 1 record.\n")


def test_damaged_bytes_are_reported_with_what_stands_behind_them_and_never_rewritten(tmp_path: Path) -> None:
    text = tmp_path / "a.txt"
    data = b"\xff " + FIXABLE.encode()
    text.write_bytes(data)
    ran = _validate(text, "--fix")
    assert text.read_bytes() == data
    assert "error[IN201]" in ran.stdout
    assert "error[PA102]" in ran.stdout
    assert "in 1 of 1 record" in ran.stdout


def test_a_packed_file_that_breaks_off_is_never_rewritten(tmp_path: Path) -> None:
    packed = tmp_path / "a.jsonl.gz"
    data = gzip.compress(write_lines(tmp_path / "b.jsonl", *[FIXABLE] * 50).read_bytes())[:-9]
    packed.write_bytes(data)
    ran = _validate(packed, "--fix")
    assert packed.read_bytes() == data
    assert "Fixed" not in ran.stdout
    assert "error[IN102]" in ran.stdout


def test_tables_are_not_rewritten(tmp_path: Path) -> None:
    pytest.importorskip("pyarrow", reason="pyarrow is optional")
    (tmp_path / "a.parquet").write_bytes(b"")
    ran = _validate(tmp_path / "a.parquet", "--fix")
    assert ran.exit_code == 2
    assert "Parquet is only read" in ran.stderr


def test_diff_shows_what_fix_would_do_and_changes_nothing(tmp_path: Path, lines: Path) -> None:
    text = tmp_path / "b.txt"
    text.write_text(f"{GOOD}\n{FIXABLE}", newline="")
    before = lines.read_bytes()
    ran = _validate(lines, text, "--diff")
    assert ran.exit_code == 1
    assert ran.stderr == "Would fix 2 in 2 of 6 records.\n"
    assert ran.stdout == (
        f"--- {lines}:2\n+++ {lines}:2\n@@ -1 +1 @@\n"
        f"-{FIXABLE}\n\\ No newline at end of file\n+{GOOD}\n\\ No newline at end of file\n"
        f"--- {text}\n+++ {text}\n@@ -1,2 +1,2 @@\n {GOOD}\n"
        f"-{FIXABLE}\n\\ No newline at end of file\n+{GOOD}\n\\ No newline at end of file\n"
    )
    assert lines.read_bytes() == before
    _validate(lines, text, "--fix")
    assert _validate(lines, text, "--diff").exit_code == 0


def test_diff_says_what_cannot_be_read(tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").write_text("{")
    ran = _validate(tmp_path / "a.jsonl", "--diff")
    assert (ran.exit_code, ran.output) == (1, b"")
    assert "error[IN301]" in ran.stderr


@pytest.mark.parametrize("arguments", [["--format", "json"], ["--diff"]])
def test_jobs_change_no_byte_of_the_output(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, arguments: list[str]
) -> None:
    monkeypatch.setattr("pasta_toolkit.records.chunks.CHUNK_BYTES", 4096)
    write_lines(tmp_path / "a.jsonl", *PARTLY_BROKEN * 4)
    (tmp_path / "b.txt").write_text(FIXABLE)
    write_lines(tmp_path / "c.jsonl", *PARTLY_BROKEN)
    alone = _validate(tmp_path, *arguments)
    assert alone.exit_code == 1
    assert _validate(tmp_path, "--jobs", "2", *arguments) == alone


def test_fix_with_jobs_writes_the_same_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pasta_toolkit.records.chunks.CHUNK_BYTES", 4096)
    one, two = (write_lines(tmp_path / name, *PARTLY_BROKEN * 4) for name in ("1.jsonl", "2.jsonl"))
    _validate(one, "--fix")
    _validate(two, "--fix", "--jobs", "2")
    assert one.read_bytes() == two.read_bytes()


def test_blank_lines_and_empty_files_are_no_findings(tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").write_bytes(b"\n\r\n  \n")
    (tmp_path / "b.txt").write_bytes(b"")
    assert _validate(tmp_path) == Run(0, b"Nothing to report in 1 record.\n", "")


@settings(deadline=None, max_examples=60)
@given(
    data=st.binary(max_size=80)
    | st.lists(st.sampled_from(["<async>", "<sync/>", "\x00", "\ufeff", "\r\n", GOOD])).map(
        lambda pieces: "".join(pieces).encode()
    ),
    name=st.sampled_from(["a.txt", "a.jsonl", "a.jsonl.gz"]),
    report_format=st.sampled_from(["text", "json", "sarif", "github"]),
)
def test_any_bytes_end_with_findings_or_none_and_a_report(
    tmp_path_factory: pytest.TempPathFactory, data: bytes, name: str, report_format: str
) -> None:
    path = tmp_path_factory.mktemp("any") / name
    path.write_bytes(data)
    ran = _validate(path, "--format", report_format)
    assert ran.exit_code in {0, 1}
    if report_format in {"json", "sarif"}:
        json.loads(ran.stdout)
    assert _validate(path, "--fix", "--unsafe-fixes").exit_code in {0, 1}


@pytest.mark.parametrize("data", [b"\x00", b"a\r\nb\r\n", b"\xef\xbb\xbfa", b"\xff\xfe"])
def test_odd_bytes_have_a_diagnostic_with_a_place(tmp_path: Path, data: bytes) -> None:
    (tmp_path / "a.txt").write_bytes(data)
    first, *_ = _diagnostics(tmp_path / "a.txt")
    assert first["line"] == 1
    assert first["column"] == data.find(b"\r") + 1 or 1


@pytest.mark.parametrize(
    ("piece", "number"), [("<async>", 100_000), ('<promise topic="x" tokens="10"/>', 100_000), ("<", 300_000)]
)
def test_endless_loops_of_a_model_are_reported(tmp_path: Path, piece: str, number: int) -> None:
    (tmp_path / "a.txt").write_text(piece * number)
    ran = _validate(tmp_path / "a.txt", "--max-diagnostics", "3")
    assert ran.exit_code == (0 if piece == "<" else 1)
    assert len(ran.stdout) < 10_000


def test_the_program_itself_imports_no_heavy_library(tmp_path: Path) -> None:
    path = write_lines(tmp_path / "a.jsonl", GOOD)
    script = (
        "import sys; sys.argv = ['pasta', 'validate', sys.argv[1]]\n"
        "from pasta_toolkit.cli import main\n"
        "try: main()\n"
        "finally: print(sorted({'torch', 'transformers', 'matplotlib', 'rich', 'pyarrow'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", script, str(path)], capture_output=True, text=True, check=True)
    assert done.stdout == "Nothing to report in 1 record.\n[]\n"


def test_help_shows_an_example() -> None:
    assert "pasta validate answers.jsonl" in run("validate", "--help").stdout
