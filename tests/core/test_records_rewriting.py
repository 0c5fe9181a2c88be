"""Rewriting changes the texts that it is told to change, and not a byte beside them."""

import gzip
import json
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pasta_toolkit.records import Chunk, Input, InputError, Replacement, rewrite_chunk, set_field

TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | TEXTS,
    lambda values: st.lists(values, max_size=3) | st.dictionaries(TEXTS, values, max_size=3),
    max_leaves=6,
)


@given(fields=st.dictionaries(TEXTS, VALUES, max_size=4), name=TEXTS, text=TEXTS, indent=st.sampled_from([None, 1]))
@pytest.mark.parametrize("ensure_ascii", [False, True])
def test_setting_a_field_is_what_json_would_say(
    fields: dict[str, object], name: str, text: str, indent: int | None, ensure_ascii: bool
) -> None:
    line = json.dumps(fields, ensure_ascii=ensure_ascii, indent=indent)
    assert json.loads(set_field(line, name, text)) == {**fields, name: text}


@given(first=VALUES, before=TEXTS, last=VALUES, after=TEXTS)
def test_setting_a_field_keeps_every_character_beside_its_value(
    first: object, before: str, last: object, after: str
) -> None:
    head = f'{{ "a" :{json.dumps(first)} , "text":  '
    tail = f'\t,"z":{json.dumps(last, ensure_ascii=False)}}}\r'
    changed = set_field(f"{head}{json.dumps(before)}{tail}", "text", after)
    assert changed.startswith(head)
    assert changed.endswith(tail)


def test_a_value_spelled_in_ascii_stays_in_ascii() -> None:
    assert set_field('{"a": "\\u00e9"}', "a", "ü") == '{"a": "\\u00fc"}'
    assert set_field('{"a": "é"}', "a", "ü") == '{"a": "ü"}'


def test_numbers_are_kept_as_they_are_written() -> None:
    line = '{"a": 1.00, "b": 1e400, "c": ' + "7" * 5000 + ', "text": "x"}'
    assert set_field(line, "text", "y") == line.replace('"x"', '"y"')


def test_a_chunk_keeps_the_lines_of_other_records_byte_for_byte() -> None:
    data = b'{"text": "a"}\r\n\nbroken \xff\n{ "text" : "b" , "n":1.0}'
    changed = rewrite_chunk(Chunk("x", "json-lines", 7, data), {10: "new"}, field="text")
    assert changed == b'{"text": "a"}\r\n\nbroken \xff\n{ "text" : "new" , "n":1.0}'


def test_a_text_is_replaced_as_a_whole() -> None:
    assert rewrite_chunk(Chunk("x", "text", data=b"a"), {None: "\ufeffé"}, field="") == "\ufeffé".encode()


def test_rows_of_a_table_cannot_be_rewritten() -> None:
    assert rewrite_chunk(Chunk("x", "rows"), {1: "a"}, field="") is None


def _replace(path: Path, pieces: list[tuple[bytes, bytes | None]]) -> None:
    kind = "json-lines-gzip" if path.name.endswith(".gz") else "json-lines"
    with Replacement(Input(str(path), kind)) as replacement:  # type: ignore[arg-type]
        for before, after in pieces:
            replacement.add(before, after)


@pytest.mark.parametrize("name", ["a.jsonl", "a.jsonl.gz"])
def test_a_file_is_replaced_from_its_first_change_on_and_keeps_its_permissions(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    pack, unpack = (gzip.compress, gzip.decompress) if name.endswith("gz") else (bytes, bytes)
    path.write_bytes(pack(b"one two three "))
    path.chmod(0o640)
    _replace(path, [(b"one ", None), (b"two ", b"2 "), (b"three ", None)])
    assert unpack(path.read_bytes()) == b"one 2 three "
    assert path.stat().st_mode & 0o777 == 0o640
    assert list(tmp_path.iterdir()) == [path]


def test_a_file_without_a_change_is_not_touched(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    path.write_bytes(b"one")
    inode = path.stat().st_ino
    _replace(path, [(b"one", None)])
    assert path.stat().st_ino == inode


def test_an_exception_or_a_second_thought_leaves_the_file_as_it_was(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    path.write_bytes(b"one")
    with suppress(KeyboardInterrupt), Replacement(Input(str(path), "json-lines")) as replacement:
        replacement.add(b"one", b"new")
        raise KeyboardInterrupt
    with Replacement(Input(str(path), "json-lines")) as replacement:
        replacement.add(b"one", b"new")
        replacement.abandon()
    assert path.read_bytes() == b"one"
    assert list(tmp_path.iterdir()) == [path]


def test_of_a_symbolic_link_the_file_it_leads_to_is_replaced(tmp_path: Path) -> None:
    (tmp_path / "real.jsonl").write_bytes(b"one")
    link = tmp_path / "link.jsonl"
    link.symlink_to(tmp_path / "real.jsonl")
    _replace(link, [(b"one", b"new")])
    assert link.is_symlink()
    assert (tmp_path / "real.jsonl").read_bytes() == b"new"


def test_a_file_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    path = tmp_path / "gone" / "a.jsonl"
    with pytest.raises(InputError, match=r"cannot rewrite '.*a\.jsonl': No such file or directory"):
        _replace(path, [(b"one", b"new")])


def test_a_file_that_became_shorter_is_left_as_it_is(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    path.write_bytes(b"o")
    with pytest.raises(InputError, match="became shorter"):
        _replace(path, [(b"one", None), (b"two", b"2")])
    assert path.read_bytes() == b"o"
