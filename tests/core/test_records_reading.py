"""Records come out as they went in, whatever they are kept in."""

import gzip
import io
import json
import sys
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pasta_toolkit.records import InputError, Record, find_inputs, read_records

TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=40)


def _lines(*records: object) -> bytes:
    return b"".join(json.dumps(record, ensure_ascii=False).encode() + b"\n" for record in records)


def _stdin(monkeypatch: pytest.MonkeyPatch, data: bytes) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(data)))


@settings(deadline=None)
@given(records=st.lists(st.dictionaries(TEXTS, TEXTS | st.integers() | st.none() | st.lists(TEXTS, max_size=2))))
def test_json_lines_give_the_records_that_the_standard_library_reads(
    tmp_path_factory: pytest.TempPathFactory, records: list[dict[str, object]]
) -> None:
    records = [{**record, "response": f"text {index}"} for index, record in enumerate(records)]
    path = tmp_path_factory.mktemp("lines") / "a.jsonl"
    path.write_bytes(_lines(*records))
    found = list(read_records([str(path)], keep_fields=True))
    assert [item.fields for item in found if isinstance(item, Record)] == records
    assert [item.text for item in read_records([str(path)]) if isinstance(item, Record)] == [
        record["response"] for record in records
    ]


@given(name=st.text(st.characters(exclude_categories=["Cs", "Cc"], exclude_characters='"\\')), text=TEXTS)
@settings(deadline=None)
def test_a_field_of_any_name_can_hold_the_text(tmp_path_factory: pytest.TempPathFactory, name: str, text: str) -> None:
    path = tmp_path_factory.mktemp("lines") / "a.jsonl"
    path.write_bytes(_lines({name: text}))
    assert list(read_records([str(path)], field=name)) == [Record(str(path), 1, text)]


def test_a_field_that_cannot_be_looked_for_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").write_bytes(b"{}")
    with pytest.raises(InputError, match="cannot be read: a name holds no quote"):
        list(read_records([str(tmp_path / "a.jsonl")], field='a"b'))


def test_records_of_json_lines_are_numbered_by_physical_line(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    path.write_bytes(b'\n{"response": "one"}\r\n  \t\n\n{"response": "two"}')
    assert [(item.number, item.text) for item in read_records([str(path)]) if isinstance(item, Record)] == [
        (2, "one"),
        (5, "two"),
    ]


def test_a_text_file_is_one_record_and_keeps_all_its_characters(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    text = "\ufeffone\r\ntwo\rthree\n\x00é"
    path.write_bytes(text.encode())
    assert list(read_records([str(path)])) == [Record(str(path), None, text)]


def test_an_empty_text_is_a_record_and_an_empty_data_set_has_none(tmp_path: Path) -> None:
    for name in ("a.txt", "a.jsonl", "a.jsonl.gz"):
        (tmp_path / name).write_bytes(b"")
    assert list(read_records([str(tmp_path)])) == [Record(str(tmp_path / "a.txt"), None, "")]


@pytest.mark.parametrize("name", ["a.jsonl", "a.jsonl.gz", "A.JSONL"])
def test_lines_across_chunks_are_read_whole(tmp_path: Path, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pasta_toolkit.records.chunks.CHUNK_BYTES", 64)
    texts = ["x" * length for length in (0, 1, 30, 63, 64, 65, 200, 1000, 3)]
    data = _lines(*({"response": text} for text in texts))
    (tmp_path / name).write_bytes(gzip.compress(data) if name.endswith("gz") else data)
    found = list(read_records([str(tmp_path / name)]))
    assert found == [Record(str(tmp_path / name), number, text) for number, text in enumerate(texts, 1)]


def test_members_of_a_gzip_file_are_read_one_after_the_other(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl.gz"
    path.write_bytes(gzip.compress(_lines({"response": "one"})) + gzip.compress(_lines({"response": "two"})))
    assert [item.text for item in read_records([str(path)]) if isinstance(item, Record)] == ["one", "two"]


def test_parquet_gives_rows_of_strings_and_their_fields(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pyarrow = pytest.importorskip("pyarrow", reason="pyarrow is optional")
    parquet = pytest.importorskip("pyarrow.parquet")
    monkeypatch.setattr("pasta_toolkit.records.parquet.ROWS_PER_BATCH", 2)
    texts = ["one", "", "dré", "four", "five"]
    table = pyarrow.table(
        {
            "response": pyarrow.array(texts),
            "packed": pyarrow.array(texts).dictionary_encode(),
            "large": pyarrow.array(texts, pyarrow.large_string()),
            "id": range(5),
        }
    )
    path = str(tmp_path / "a.parquet")
    parquet.write_table(table, path)
    for field in ("response", "packed", "large"):
        assert list(read_records([path], field=field)) == [
            Record(path, number, text) for number, text in enumerate(texts, 1)
        ]
    assert [item.fields for item in read_records([path], keep_fields=True) if isinstance(item, Record)] == (
        table.to_pylist()
    )


def test_parquet_without_pyarrow_names_the_extra(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    (tmp_path / "a.parquet").write_bytes(b"")
    with pytest.raises(InputError, match=r"needs pyarrow: pip install 'pasta-toolkit\[parquet\]'"):
        list(read_records([str(tmp_path / "a.parquet")]))


@pytest.mark.parametrize(
    ("data", "number"),
    [(b'{"response": "a"}\n', 1), (b' \n {  "response": "a"}\n', 2), (b"a", None), (b"{a", None), (b"", None)],
)
def test_standard_input_is_json_lines_if_it_begins_with_an_object(
    monkeypatch: pytest.MonkeyPatch, data: bytes, number: int | None
) -> None:
    _stdin(monkeypatch, data)
    text = "a" if number else data.decode()
    assert list(read_records(["-"])) == [Record("<stdin>", number, text)]


def test_standard_input_is_what_it_is_said_to_be(monkeypatch: pytest.MonkeyPatch) -> None:
    data = b'{"response": "a"}\n'
    _stdin(monkeypatch, data)
    assert list(read_records(["-"], stdin_format="text")) == [Record("<stdin>", None, data.decode())]
    _stdin(monkeypatch, b"\n")
    assert list(read_records(["-"], stdin_format="jsonl")) == []


def test_folders_give_known_files_in_the_order_of_paths_and_nothing_hidden(tmp_path: Path) -> None:
    for name in ("b.txt", "a/z.md", "a/b/c.pasta", "a-b/x.TXT", ".hidden/x.txt", ".x.txt", "x.py", "c.jsonl", "d.csv"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("")
    found = [Path(source.path).relative_to(tmp_path).as_posix() for source in find_inputs([str(tmp_path)])]
    assert found == ["a/b/c.pasta", "a/z.md", "a-b/x.TXT", "b.txt", "c.jsonl"]


def test_paths_keep_the_order_in_which_they_are_given(tmp_path: Path) -> None:
    for name in ("b.txt", "a.txt"):
        (tmp_path / name).write_text(name)
    paths = [str(tmp_path / "b.txt"), str(tmp_path / "a.txt")]
    assert [source.path for source in find_inputs(paths)] == paths


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("nowhere.txt", "no such file or folder: '.*nowhere.txt'"),
        ("empty", "nothing to read in folder '.*empty': no file ends in .txt, .md, .pasta, .jsonl"),
        ("table.csv", "cannot read '.*table.csv': give text, JSON Lines"),
        ("list.json", "cannot read '.*list.json': give text, JSON Lines"),
        ("x" * 5000, "cannot look at '.*': File name too long"),
    ],
)
def test_what_cannot_be_an_input_is_refused_in_a_sentence(tmp_path: Path, name: str, message: str) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "table.csv").write_text("a,b")
    (tmp_path / "list.json").write_text("[]")
    with pytest.raises(InputError, match=message):
        list(read_records([str(tmp_path / name)]))


def test_standard_input_is_read_only_once() -> None:
    with pytest.raises(InputError, match="standard input"):
        find_inputs(["-", "-"])
