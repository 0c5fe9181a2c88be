"""`pasta render`: the answer as a reader sees it, and never a wrong one."""

import gzip
import json
from pathlib import Path

import pytest

from grammar import escape, parse, render
from tests.support.cli_runs import Run, run
from tests.support.data_sets import BROKEN, FIXABLE, GOOD, write_lines

ANSWER = render(parse(GOOD))


def _render(*arguments: str | Path, stdin: bytes = b"") -> Run:
    return run("render", *map(str, arguments), stdin=stdin)


@pytest.mark.parametrize("text", ["", "plain", "\ufeff<sync/>\r\n\x00 &amp; <b>é\n", "no newline at the end"])
def test_a_text_gives_its_answer_byte_for_byte(tmp_path: Path, text: str) -> None:
    path = tmp_path / "a.txt"
    path.write_bytes(escape(text).encode())
    assert _render(path) == Run(0, text.encode(), "")


def test_branches_stand_at_the_place_of_their_promises() -> None:
    assert _render("-", stdin=GOOD.encode()) == Run(0, ANSWER.encode(), "")


def test_json_lines_keep_all_other_fields(tmp_path: Path) -> None:
    path = write_lines(tmp_path / "a.jsonl", GOOD, "plain")
    assert _render(path).stdout == write_lines(tmp_path / "b.jsonl", ANSWER, "plain").read_text()
    kept = [json.loads(line) for line in _render(path, "--to", "answer").stdout.splitlines()]
    assert kept[0] == {"id": 0, "response": GOOD, "score": 1.0, "answer": ANSWER}


def test_packed_lines_and_standard_input_are_read_alike(tmp_path: Path) -> None:
    path = write_lines(tmp_path / "a.jsonl", GOOD)
    packed = tmp_path / "b.jsonl.gz"
    packed.write_bytes(gzip.compress(path.read_bytes()))
    assert _render(packed).output == _render(path).output == _render("-", stdin=path.read_bytes()).output


def test_tables_give_json_lines(tmp_path: Path) -> None:
    pyarrow = pytest.importorskip("pyarrow", reason="pyarrow is optional")
    parquet = pytest.importorskip("pyarrow.parquet")
    table = pyarrow.table({"id": [7], "response": [GOOD]})
    parquet.write_table(table, tmp_path / "a.parquet")
    assert json.loads(_render(tmp_path / "a.parquet").stdout) == {"id": 7, "response": ANSWER}


def test_what_is_not_valid_is_named_and_left_out(tmp_path: Path) -> None:
    path = write_lines(tmp_path / "a.jsonl", BROKEN, GOOD, FIXABLE)
    path.write_bytes(path.read_bytes() + b"{broken\n")
    ran = _render(path)
    assert ran.exit_code == 1
    assert [json.loads(line)["response"] for line in ran.stdout.splitlines()] == [ANSWER]
    assert [line for line in ran.stderr.splitlines() if "error[" in line] != []
    assert all(f"{path}:{number}:" in ran.stderr for number in (1, 3, 4))


def test_damaged_bytes_are_left_out(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_bytes(b"plain \xff")
    ran = _render(tmp_path / "a.txt")
    assert (ran.exit_code, ran.output) == (1, b"")
    assert "error[IN201]" in ran.stderr


def test_json_lists_the_answers(tmp_path: Path) -> None:
    path = write_lines(tmp_path / "a.jsonl", GOOD, BROKEN)
    assert json.loads(_render(path, "--format", "json").stdout) == {
        "schema": "pasta.render/1",
        "answers": [{"path": str(path), "record": 1, "text": ANSWER}],
        "summary": {"left_out": 1},
    }


def test_one_file_at_a_time(tmp_path: Path) -> None:
    for name in ("a.txt", "b.txt"):
        (tmp_path / name).write_text("")
    assert "render them one by one" in _render(tmp_path).stderr
    assert "pasta render annotated.jsonl" in run("render", "--help").stdout
