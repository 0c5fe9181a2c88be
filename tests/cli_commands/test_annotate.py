"""`pasta annotate`: texts and records in, annotated ones out, and a run that can be resumed."""

import gzip
import json

import pytest

from grammar import parse, render
from tests.support.cli_runs import run
from tests.support.data_sets import write_lines

PETS = "Three pets are common.\n\n" + "".join(
    f"## {name}\n\n{name} are soft and warm and kind to all who feed them well. {'They sleep much. ' * 6}\n\n"
    for name in ("Cats", "Dogs", "Mice")
)
ANNOTATED_PETS = (
    "Three pets are common.\n\n"
    '<promise topic="Cats" tokens="40"/><async>'
    f"## Cats\n\nCats are soft and warm and kind to all who feed them well. {'They sleep much. ' * 6}\n\n</async>"
    '<promise topic="Dogs" tokens="40"/><async>'
    f"## Dogs\n\nDogs are soft and warm and kind to all who feed them well. {'They sleep much. ' * 6}\n\n</async>"
    f"## Mice\n\nMice are soft and warm and kind to all who feed them well. {'They sleep much. ' * 6}\n\n"
)
SHORT = "Just a sentence."


def records(path):
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def test_a_text_becomes_an_annotated_text(tmp_path):
    path = tmp_path / "pets.md"
    path.write_text(PETS, encoding="utf-8")
    result = run("annotate", str(path))
    assert (result.exit_code, result.stdout) == (0, ANNOTATED_PETS)
    assert result.stderr.startswith("pasta: 1 of 1 answers have branches now (100%); ideal speed-up 1.7")


def test_standard_input_is_a_text_or_records():
    assert run("annotate", "-", stdin=PETS.encode()).stdout == ANNOTATED_PETS
    line = json.dumps({"id": 7, "response": PETS})
    result = run("annotate", "-", stdin=f"{line}\n".encode())
    assert json.loads(result.stdout) == {"id": 7, "response": ANNOTATED_PETS}


def test_records_keep_every_other_character(tmp_path):
    source, target = tmp_path / "plain.jsonl", tmp_path / "out.jsonl"
    source.write_bytes(
        b'{"n": 1.0, "big": 123456789012345678901234567890,  "output":' + json.dumps(PETS).encode() + b"}\r\n"
        b'{"output": "caf\xc3\xa9"}'
    )
    result = run("annotate", str(source), "--field", "output", "--output", str(target))
    assert result.exit_code == 0
    first, second = target.read_bytes().split(b"\n")[:2]
    kept = b'{"n": 1.0, "big": 123456789012345678901234567890,  "output":'
    assert first == kept + json.dumps(PETS).encode() + b', "response": ' + json.dumps(ANNOTATED_PETS).encode() + b"}"
    assert second == '{"output": "café", "response": "café"}'.encode()
    assert target.read_bytes().endswith(b"}\n")


def test_the_field_to_write_to_can_be_named(tmp_path):
    source, target = write_lines(tmp_path / "in.jsonl", PETS, field="plain"), tmp_path / "out.jsonl"
    run("annotate", str(source), "--field", "plain", "--into", "tagged", "--output", str(target))
    assert records(target) == [{"id": 0, "plain": PETS, "score": 1.0, "tagged": ANNOTATED_PETS}]


def test_folders_and_texts_become_records_with_their_path(tmp_path):
    (tmp_path / "b.txt").write_text(SHORT, encoding="utf-8")
    (tmp_path / "a.md").write_text(PETS, encoding="utf-8")
    lines = run("annotate", str(tmp_path)).stdout.splitlines()
    assert [json.loads(line) for line in lines] == [
        {"path": str(tmp_path / "a.md"), "response": ANNOTATED_PETS},
        {"path": str(tmp_path / "b.txt"), "response": SHORT},
    ]


def test_a_text_becomes_a_record_where_the_output_is_called_so(tmp_path):
    source, target = tmp_path / "pets.txt", tmp_path / "out.jsonl"
    source.write_text(PETS, encoding="utf-8")
    run("annotate", str(source), "--output", str(target))
    assert records(target) == [{"path": str(source), "response": ANNOTATED_PETS}]


def test_compressed_records_and_tables_are_read(tmp_path):
    packed = tmp_path / "in.jsonl.gz"
    packed.write_bytes(gzip.compress(json.dumps({"a": [1, {"b": None}], "response": PETS}).encode()))
    assert json.loads(run("annotate", str(packed)).stdout) == {"a": [1, {"b": None}], "response": ANNOTATED_PETS}


def test_rows_of_tables_become_records(tmp_path):
    pyarrow = pytest.importorskip("pyarrow", reason="pyarrow is an extra")
    parquet = pytest.importorskip("pyarrow.parquet", reason="pyarrow is an extra")
    parquet.write_table(pyarrow.table({"id": [1], "x": [float("nan")], "output": [PETS]}), tmp_path / "in.parquet")
    result = run("annotate", str(tmp_path / "in.parquet"), "--field", "output")
    assert json.loads(result.stdout) == {"id": 1, "x": None, "output": PETS, "response": ANNOTATED_PETS}


def test_broken_records_are_named_and_the_others_written(tmp_path):
    source, target = tmp_path / "in.jsonl", tmp_path / "out.jsonl"
    good = json.dumps({"response": SHORT})
    source.write_bytes(f'{good}\n{{"broken\n{{"other": 1}}\n\n{good}\n'.encode() + b'{"response": "\xff"}\n')
    result = run("annotate", str(source), "--output", str(target))
    assert result.exit_code == 1
    assert records(target) == [{"response": SHORT}] * 2
    messages = result.stderr.splitlines()
    assert messages[0].startswith(f"pasta: {source}:2: the line is not valid JSON")
    assert messages[1].startswith(f"pasta: {source}:3: no field 'response': the record has 'other'")
    assert messages[2].startswith(f"pasta: {source}:6: byte 0xff")
    assert messages[3].startswith("pasta: 0 of 2 answers have branches now")


def test_a_text_that_is_not_utf8_is_not_annotated(tmp_path):
    source = tmp_path / "in.txt"
    source.write_bytes(PETS.encode() + b"\xff")
    result = run("annotate", str(source))
    assert (result.exit_code, result.stdout) == (1, "")
    assert "is not valid UTF-8" in result.stderr


def test_many_faults_are_counted_and_not_all_named(tmp_path):
    source = tmp_path / "in.jsonl"
    source.write_text("broken\n" * 60, encoding="utf-8")
    result = run("annotate", str(source))
    assert result.exit_code == 1
    assert result.stderr.count("is not valid JSON") == 50
    assert "pasta: and 10 records more that cannot be read" in result.stderr


def test_reserved_tags_in_a_plain_answer_are_escaped(tmp_path):
    text = PETS.replace("much", "much <sync/>")
    result = run("annotate", "-", stdin=text.encode())
    assert "&lt;sync/>" in result.stdout
    assert render(parse(result.stdout)) == text


@pytest.mark.parametrize("jobs", ["1", "2"])
def test_an_interrupted_run_is_resumed(tmp_path, jobs):
    source = write_lines(tmp_path / "in.jsonl", *[PETS, SHORT] * 40, field="output")
    whole, part = tmp_path / "whole.jsonl", tmp_path / "part.jsonl"
    arguments = ("annotate", str(source), "--field", "output", "--tokenizer", "words", "--output")
    run(*arguments, str(whole))
    part.write_bytes(b"".join(whole.read_bytes().splitlines(keepends=True)[:33]) + whole.read_bytes()[:100])
    result = run(*arguments, str(part), "--resume", "--jobs", jobs)
    assert result.exit_code == 0
    assert part.read_bytes() == whole.read_bytes()
    assert result.stderr.endswith("; 33 had been written before\n")
    again = run(*arguments, str(part), "--resume")
    assert part.read_bytes() == whole.read_bytes()
    assert again.stderr == "pasta: 0 of 0 answers have branches now; 80 had been written before\n"


def test_resuming_without_an_earlier_run_begins_one(tmp_path):
    source, target = write_lines(tmp_path / "in.jsonl", PETS), tmp_path / "out.jsonl"
    assert run("annotate", str(source), "--output", str(target), "--resume").exit_code == 0
    assert len(records(target)) == 1


def test_resuming_refuses_the_output_of_other_inputs(tmp_path):
    source, target = write_lines(tmp_path / "in.jsonl", PETS, SHORT, field="output"), tmp_path / "out.jsonl"
    write_lines(target, SHORT, field="output")
    arguments = ("annotate", str(source), "--field", "output", "--output", str(target), "--resume")
    result = run(*arguments)
    assert result.exit_code == 2
    assert f"cannot go on with {str(target)!r}: its record 1 is not {source}:1; resume with the same" in result.stderr
    run(*arguments[:-1])
    source.write_text(source.read_text(encoding="utf-8").splitlines(keepends=True)[0], encoding="utf-8")
    result = run(*arguments)
    assert result.exit_code == 2
    assert "it has more records than the inputs" in result.stderr


def test_the_summary_can_be_json(tmp_path):
    source, target = write_lines(tmp_path / "in.jsonl", PETS, SHORT, ""), tmp_path / "out.jsonl"
    result = run("annotate", str(source), "--output", str(target), "--format", "json", "--max-branches", "2")
    summary = json.loads(result.stdout)
    assert summary["schema"] == "pasta.annotate/1"
    assert {name: summary[name] for name in ("documents", "annotated", "empty", "resumed", "faults")} == {
        "documents": 3,
        "annotated": 1,
        "empty": 1,
        "resumed": 0,
        "faults": 0,
    }
    assert summary["tokenizer"] == {"name": "smollm2", "is_exact": True}
    assert summary["policy"]["max_branches"] == 2
    assert 1.3 < summary["geomean_ideal_speedup"] < 1.6  # one answer of about 2, one of 1


def test_an_estimate_of_tokens_is_called_one():
    result = run("annotate", "-", "--tokenizer", "words", stdin=PETS.encode())
    assert "tokens of words x 1.3 (an estimate)" in result.stderr


def test_options_change_the_annotation():
    grouped = run("annotate", "-", "--layout", "grouped", stdin=PETS.encode()).stdout
    assert grouped.index("</async>") > grouped.index('topic="Dogs"')
    assert run("annotate", "-", "--min-speedup", "3", stdin=PETS.encode()).stdout == PETS
    assert run("annotate", "-", "--from", "sot", stdin=b"- a\n- b\n").stdout.count("<promise") == 2


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--resume",), "--resume goes on with lines of JSON: name them with --output FILE.jsonl"),
        (("--format", "json"), "--format json needs --output FILE, because standard output holds the annotated data"),
        (("--from", "sot", "--max-branches", "4"), "--max-branches: only --from structure looks at this"),
        (("--max-branches", "1"), "1 is not in the range 2<=x<=64"),
        (("--tokenizer", "nowhere"), "no tokenizer 'nowhere'"),
        (("--output", "x.jsonl.gz"), "cannot write 'x.jsonl.gz': annotated records are written as .jsonl"),
        (("--output", "/no/such/folder/x.jsonl"), "cannot write '/no/such/folder/x.jsonl'"),
    ],
)
def test_vain_and_wrong_options_are_refused(arguments, message):
    result = run("annotate", "-", *arguments, stdin=b"Text.")
    assert result.exit_code == 2
    assert message in result.stderr.replace("\n", " ")


def test_an_input_is_never_overwritten(tmp_path):
    source = write_lines(tmp_path / "in.jsonl", PETS)
    before = source.read_bytes()
    result = run("annotate", str(source), "--output", str(source))
    assert result.exit_code == 2
    assert "is an input too and would be destroyed" in result.stderr
    assert source.read_bytes() == before


def test_the_help_has_examples():
    result = run("annotate", "--help")
    assert result.exit_code == 0
    assert "pasta annotate plain.jsonl --field output --output annotated.jsonl" in result.stdout
