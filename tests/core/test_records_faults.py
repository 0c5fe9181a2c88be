"""Input may be anything: reading never raises, names each fault with its place, and goes on behind it."""

import gzip
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from pasta_toolkit.records import Record, RecordFault, read_records

GOOD = b'{"response": "good"}\n'


def _faults(path: Path, data: bytes, **options: bool) -> Iterator[RecordFault]:
    path.write_bytes(data)
    return (item for item in read_records([str(path)], **options) if isinstance(item, RecordFault))


@pytest.mark.parametrize(
    ("line", "kind", "column", "message"),
    [
        (b'{"response": "a"', "invalid-json", 17, "Input data was truncated"),
        (b"x", "invalid-json", 1, "invalid character"),
        ('{"é": "a",}'.encode(), "invalid-json", 11, "trailing comma"),
        (b'{"response": "a\x00"}', "invalid-json", 16, "invalid character"),
        (b'{"response": NaN}', "invalid-json", 14, "invalid character"),
        (b'{"response": "\\ud800"}', "invalid-json", 23, "not valid JSON"),
        (b'{"x": ' + b"[" * 5000 + b"]" * 5000 + b', "response": "a"}', "invalid-json", 1, "nested too deeply"),
        (b'{"response": "a\xff"}', "invalid-utf8", 16, "byte 0xff is not valid UTF-8"),
        (b'{"other": "\xc3", "response": "a"}', "invalid-utf8", 12, "byte 0xc3 is not valid UTF-8"),
        (b'[{"response": "a"}]', "not-an-object", 1, "holds a list, not a JSON object"),
        (b"12", "not-an-object", 1, "holds a number"),
        (b'{"id": 1, "output": ""}', "missing-field", 1, "no field 'response': the record has 'id', 'output'"),
        (b"{}", "missing-field", 1, "the record has no fields"),
        (b'{"id": [1, {"response": "a"}], "response": null}', "not-a-string", 44, "holds null, not a string"),
        (b'{"response": {"a": 1}}', "not-a-string", 14, "holds an object, not a string"),
        (b'{"response": "a", "response":3}', "not-a-string", 30, "holds a number, not a string"),
        (b'{"n": 1' + b"0" * 400 + b', "response": true}', "not-a-string", 422, "holds a boolean"),
    ],
)
def test_a_broken_line_is_named_and_its_neighbours_are_read(
    tmp_path: Path, line: bytes, kind: str, column: int, message: str
) -> None:
    path = tmp_path / "a.jsonl"
    path.write_bytes(GOOD + line + b"\n" + GOOD)
    for keep_fields in (False, True):
        first, fault, last = read_records([str(path)], keep_fields=keep_fields)
        assert isinstance(fault, RecordFault)
        assert (fault.number, fault.kind, fault.line, fault.column) == (2, kind, 1, column)
        assert message in fault.message
        assert fault.text == line.decode(errors="replace")
        assert isinstance(first, Record)
        assert isinstance(last, Record)
        assert (first.number, last.number) == (1, 3)


def test_a_byte_order_mark_is_named_and_the_first_record_read(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    path.write_bytes(b"\xef\xbb\xbf" + GOOD)
    fault, record = read_records([str(path)])
    assert isinstance(fault, RecordFault)
    assert (fault.number, fault.kind, fault.has_record) == (1, "json-byte-order-mark", True)
    assert record == Record(str(path), 1, "good")


def test_a_text_with_damaged_bytes_is_read_with_marks_in_their_place(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_bytes(b"\xc3\xa9\nab\xff\xfe <sync/>")
    fault, record = read_records([str(path)])
    assert isinstance(fault, RecordFault)
    assert (fault.kind, fault.line, fault.column, fault.offset) == ("invalid-utf8", 2, 3, 4)
    assert record == Record(str(path), None, "é\nab\ufffd\ufffd <sync/>")


@pytest.mark.parametrize("num_bytes_left", [1, 10, 40, 400])
def test_a_gzip_file_that_breaks_off_gives_the_lines_before_and_the_line_of_the_break(
    tmp_path: Path, num_bytes_left: int
) -> None:
    texts = [f"text {number * 7919}" for number in range(200)]
    data = gzip.compress(b"".join(b'{"response": "%s"}\n' % text.encode() for text in texts))
    path = tmp_path / "a.jsonl.gz"
    path.write_bytes(data[:num_bytes_left])
    *records, fault = read_records([str(path)])
    assert [item.text for item in records if isinstance(item, Record)] == texts[: len(records)]
    assert isinstance(fault, RecordFault)
    assert (fault.kind, fault.number) == ("broken-gzip", len(records) + 1)


def test_damage_late_in_a_gzip_file_loses_no_line_before_it(tmp_path: Path) -> None:
    rows = [b'{"response": "%d"}\n' % (number * 7919 % 10007) for number in range(5000)]
    packed = gzip.compress(b"".join(rows))
    path = tmp_path / "a.jsonl.gz"
    path.write_bytes(packed[:-20])
    *records, fault = read_records([str(path)])
    assert isinstance(fault, RecordFault)
    assert len(records) > 4000
    assert fault.message.startswith(f"the gzip data breaks off or is damaged in line {len(records) + 1}")


def test_a_file_that_is_no_parquet_is_named(tmp_path: Path) -> None:
    pytest.importorskip("pyarrow", reason="pyarrow is optional")
    (fault,) = _faults(tmp_path / "a.parquet", b"PAR1 this is none PAR1")
    assert fault.kind == "broken-parquet"


def test_columns_of_parquet_that_hold_no_text_are_named(tmp_path: Path) -> None:
    pyarrow = pytest.importorskip("pyarrow", reason="pyarrow is optional")
    parquet = pytest.importorskip("pyarrow.parquet")
    path = str(tmp_path / "a.parquet")
    damaged = pyarrow.array([b"good", b"\xff", None], pyarrow.binary()).view(pyarrow.string())
    parquet.write_table(pyarrow.table({"n": [1, 2, 3], "text": damaged}), path)
    (number,) = read_records([path], field="n")
    assert isinstance(number, RecordFault)
    assert number.message == "column 'n' holds int64, not strings"
    (missing,) = read_records([path])
    assert isinstance(missing, RecordFault)
    assert missing.message == "no column 'response': the columns are 'n', 'text'; choose one of them"
    record, broken, null = read_records([path], field="text")
    assert record == Record(path, 1, "good")
    assert isinstance(broken, RecordFault)
    assert isinstance(null, RecordFault)
    assert (broken.number, broken.kind, null.number, null.kind) == (2, "invalid-utf8", 3, "not-a-string")


def test_a_file_that_cannot_be_opened_is_a_fault_and_the_next_is_read(tmp_path: Path) -> None:
    (tmp_path / "loop.txt").symlink_to(tmp_path / "nowhere")
    (tmp_path / "z.txt").write_text("read")
    fault, record = read_records([str(tmp_path)])
    assert isinstance(fault, RecordFault)
    assert (fault.kind, fault.message) == ("unreadable-file", "cannot read the file: No such file or directory")
    assert record == Record(str(tmp_path / "z.txt"), None, "read")


@settings(deadline=None, max_examples=150)
@given(data=st.binary(max_size=60) | st.lists(st.sampled_from([GOOD, b"\n", b"{", b"\xff", b'{"a":1}'])).map(b"".join))
@example(data=b"\xef\xbb\xbf" * 3)
@example(data=b"\xef\xbb\xbf\n" + GOOD)
@pytest.mark.parametrize("name", ["a.txt", "a.jsonl", "a.jsonl.gz", "a.other"])
def test_any_bytes_are_read_to_their_end(tmp_path_factory: pytest.TempPathFactory, name: str, data: bytes) -> None:
    path = tmp_path_factory.mktemp("any") / name
    path.write_bytes(data)
    for keep_fields in (False, True):
        for item in read_records([str(path)], keep_fields=keep_fields):
            assert isinstance(item, Record | RecordFault)
            if isinstance(item, RecordFault):
                assert 0 <= item.offset <= len(item.text)
                assert item.line == item.text[: item.offset].count("\n") + 1
