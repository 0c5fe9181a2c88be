"""`pasta dag`: what it writes, in which format, and what it says of documents that it cannot draw."""

import json
from pathlib import Path

import pytest

from grammar import parse
from pasta_toolkit.dag import build_dag, measure
from pasta_toolkit.dag.export import to_dot, to_graphml, to_json, to_mermaid, to_text
from pasta_toolkit.tokens import load_counter
from tests.support.cli_runs import Run, run
from tests.support.dag_samples import annotated
from tests.support.data_sets import BROKEN, GOOD, write_lines

DAG = build_dag(parse(GOOD), load_counter("words"))


def dag(*arguments: str | Path, stdin: bytes = b"") -> Run:
    return run("dag", "--tokenizer", "words", *map(str, arguments), stdin=stdin)


@pytest.fixture
def answer(tmp_path: Path) -> Path:
    path = tmp_path / "answer.txt"
    path.write_text(GOOD, encoding="utf-8")
    return path


@pytest.fixture
def lines(tmp_path: Path) -> Path:
    return write_lines(tmp_path / "answers.jsonl", GOOD, "plain", BROKEN)


def test_text_with_measures_and_a_picture_is_the_default(answer: Path) -> None:
    assert dag(answer) == Run(0, to_text(DAG).encode(), "")


def test_standard_input_is_read(answer: Path) -> None:
    assert dag("-", stdin=GOOD.encode()) == dag(answer)


@pytest.mark.parametrize(
    ("dag_format", "write"),
    [("text", to_text), ("json", to_json), ("dot", to_dot), ("mermaid", to_mermaid), ("graphml", to_graphml)],
)
def test_every_text_format_goes_to_stdout(answer: Path, dag_format: str, write) -> None:
    assert dag(answer, "--format", dag_format) == Run(0, write(DAG).encode(), "")


def test_json_has_schema_and_measures(answer: Path) -> None:
    document = json.loads(dag(answer, "--format", "json").stdout)
    assert document["schema"] == "pasta.dag/1"
    assert document["tokenizer"] == {"name": "words x 1.3 (an estimate)", "is_exact": False}
    assert document["measures"]["ideal_speedup"] == measure(DAG).ideal_speedup


@pytest.mark.parametrize(
    ("name", "beginning"),
    [
        ("a.png", b"\x89PNG"),
        ("a.SVG", b"<?xml"),
        ("a.dot", b"digraph"),
        ("a.gv", b"digraph"),
        ("a.mmd", b"flowchart LR"),
        ("a.graphml", b"<?xml"),
        ("a.json", b"{"),
        ("a.txt", b"tokens counted with"),
    ],
)
def test_the_suffix_of_the_output_says_the_format(answer: Path, tmp_path: Path, name: str, beginning: bytes) -> None:
    assert dag(answer, "--output", tmp_path / name) == Run(0, b"", "")
    assert (tmp_path / name).read_bytes().startswith(beginning)


def test_a_format_outranks_the_suffix(answer: Path, tmp_path: Path) -> None:
    assert dag(answer, "--output", tmp_path / "a.png", "--format", "dot").exit_code == 0
    assert (tmp_path / "a.png").read_bytes().startswith(b"digraph")


def test_a_suffix_without_a_format_is_wrong_usage(answer: Path, tmp_path: Path) -> None:
    ran = dag(answer, "--output", tmp_path / "a.bmp")
    assert ran.exit_code == 2
    assert "says no format: use one of .png, .svg" in " ".join(ran.stderr.split())


def test_an_image_can_be_piped(answer: Path) -> None:
    assert dag(answer, "--format", "png").output.startswith(b"\x89PNG")


def test_a_record_of_a_data_set_is_chosen_by_its_line(lines: Path, answer: Path) -> None:
    assert dag(lines, "--record", 1).output == dag(answer).output
    assert b"sequential tokens     2\n" in dag(lines, "--record", 2).output


def test_several_records_need_a_choice(lines: Path) -> None:
    assert dag(lines) == Run(2, b"", f"pasta: {str(lines)!r} holds several records: choose one with --record N\n")


def test_a_record_that_is_not_there_is_wrong_usage(lines: Path) -> None:
    assert dag(lines, "--record", 4) == Run(2, b"", f"pasta: {str(lines)!r} has no record 4\n")


def test_the_field_can_be_chosen(tmp_path: Path, answer: Path) -> None:
    path = write_lines(tmp_path / "a.jsonl", GOOD, field="output")
    assert dag(path, "--field", "output").output == dag(answer).output


def test_a_document_that_is_not_valid_ends_with_one_and_its_first_error(lines: Path) -> None:
    ran = dag(lines, "--record", 3)
    assert (ran.exit_code, ran.output) == (1, b"")
    assert ran.stderr.startswith(f"pasta: {lines}:3 is not valid: ")
    assert ran.stderr.endswith(f"(line 1, column {len(GOOD) + 1}); `pasta validate` shows all\n")
    assert ran.stderr.count("\n") == 1


def test_further_errors_are_counted(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_text("<sync/>\n<sync/>\n<sync/>", encoding="utf-8")
    assert "(line 1, column 1), and 2 more; `pasta validate` shows all" in dag(path).stderr


def test_a_line_that_is_no_record_ends_with_one(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    path.write_text("{\n", encoding="utf-8")
    ran = dag(path, "--record", 1)
    assert (ran.exit_code, ran.output) == (1, b"")
    assert ran.stderr.startswith(f"pasta: {path}:1: ")


def test_other_forms_are_drawn() -> None:
    assert b"1 x" in dag("-", "--form", "main", stdin=b'<promise topic="x" tokens="50"/>').output
    assert b"branch" in dag("-", "--form", "branch", stdin=b"content</async>").output


def test_a_drawing_of_too_many_branches_ends_with_two(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_text(annotated(*["x"] * 401), encoding="utf-8")
    ran = dag(path, "--output", tmp_path / "a.png")
    assert ran.exit_code == 2
    assert ran.stderr.startswith("pasta: a drawing has room for 400 branches")


@pytest.mark.parametrize("arguments", [("nothing.txt",), ("-", "--tokenizer", "nothing")])
def test_what_does_not_exist_ends_with_two_and_a_sentence(arguments: tuple[str, ...]) -> None:
    ran = run("dag", *arguments)
    assert (ran.exit_code, ran.output, ran.stderr.count("\n")) == (2, b"", 1)


def test_an_output_that_cannot_be_written_ends_with_two(answer: Path, tmp_path: Path) -> None:
    ran = dag(answer, "--output", tmp_path / "no" / "a.json")
    assert ran.exit_code == 2
    assert "cannot write" in ran.stderr


def test_the_title_of_a_drawing_names_file_and_record(lines: Path, tmp_path: Path) -> None:
    dag(lines, "--record", 1, "--output", tmp_path / "a.svg")
    assert ">answers.jsonl, record 1<" in (tmp_path / "a.svg").read_text(encoding="utf-8")


def test_help_has_an_example() -> None:
    assert "pasta dag answer.txt --output answer.png" in run("dag", "--help").stdout
