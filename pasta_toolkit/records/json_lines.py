"""Reads records from lines of JSON. Knows no files: it is given bytes and the number of their first line."""

import re
from collections.abc import Callable, Iterator
from typing import Any

import msgspec

from pasta_toolkit.records.json_object import value_place
from pasta_toolkit.records.record import FaultKind, InputError, Record, RecordFault
from pasta_toolkit.records.texts import BYTE_ORDER_MARK, byte_order_mark_fault, invalid_utf8_fault

__all__ = ["LineReader", "read_lines"]

NAMES_SHOWN = 10  # field names that the message of a missing field lists at the most
BYTE_IN_MESSAGE = re.compile(r" \(byte (\d+)\)$")


class LineReader:
    """Reads lines of JSON whose `field` holds the text; the compiled decoder is what is kept.

    Only the wanted field is built from a line, the others are skipped, unless `keep_fields` asks for them.

    Raises:
        InputError: the decoder cannot look for a field of that name.
    """

    def __init__(self, field: str, *, keep_fields: bool = False) -> None:
        try:
            line_type = msgspec.defstruct("Line", [("text", str)], rename={"text": field}, gc=False)
        except ValueError as error:
            raise InputError(f"field {field!r} cannot be read: a name holds no quote, backslash or control") from error
        self.field = field
        self.decode_line: Callable[[bytes], Any] = msgspec.json.Decoder(line_type).decode
        self.decode_fields = msgspec.json.Decoder(dict[str, Any]).decode if keep_fields else None


def read_lines(reader: LineReader, path: str, *, first_number: int, data: bytes) -> Iterator[Record | RecordFault]:
    """Read whole lines. A blank line is no record; a broken one is a fault, and reading goes on behind it."""
    if first_number == 1 and data.startswith(BYTE_ORDER_MARK):
        yield byte_order_mark_fault(path)
        data = data.removeprefix(BYTE_ORDER_MARK)
    decode, decode_fields = reader.decode_line, reader.decode_fields
    is_ascii = data.isascii()
    for number, line in enumerate(data.split(b"\n"), first_number):
        try:
            if not is_ascii and not line.isascii():
                line.decode("utf-8")  # the decoder does not look at the bytes of fields that it skips
            text = decode(line).text
            fields = decode_fields(line) if decode_fields else None
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            yield from _broken(reader, path, number, line, error)
        else:
            yield Record(path, number, text, fields)


def _broken(
    reader: LineReader, path: str, number: int, line: bytes, error: Exception
) -> Iterator[Record | RecordFault]:
    if not line.strip():
        return
    if isinstance(error, UnicodeDecodeError):
        yield invalid_utf8_fault(path, number, line)
    elif isinstance(error, msgspec.ValidationError):
        yield _wrong_shape(reader.field, path, number, line)
    else:
        yield _invalid_json(path, number, line, error)


def _invalid_json(path: str, number: int, line: bytes, error: Exception) -> RecordFault:
    """Explain a line that is no JSON; the decoder writes the byte of the fault into its message."""
    if isinstance(error, RecursionError):
        return _fault(path, number, "invalid-json", "the line is not usable JSON: it is nested too deeply", line=line)
    reason, place = str(error), BYTE_IN_MESSAGE.search(str(error))
    byte_offset = int(place[1]) if place else len(line)
    reason = reason[: place.start()] if place else reason
    message = f"the line is not valid JSON: {reason.removeprefix('JSON is malformed: ')}"
    offset = len(line[:byte_offset].decode("utf-8", errors="replace"))
    return _fault(path, number, "invalid-json", message, line=line, offset=offset)


def _wrong_shape(field: str, path: str, number: int, line: bytes) -> RecordFault:
    """Explain a line of valid JSON that holds no text under the field."""
    try:
        found = msgspec.json.decode(line)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        return _invalid_json(path, number, line, error)
    if not isinstance(found, dict):
        message = f"the line holds {_name_of(found)}, not a JSON object"
        return _fault(path, number, "not-an-object", message, line=line)
    if field not in found:
        return _fault(path, number, "missing-field", _missing_field(field, list(found)), line=line)
    message = f"field {field!r} holds {_name_of(found[field])}, not a string"
    return _fault(path, number, "not-a-string", message, line=line, offset=_value_offset(line, field))


def _value_offset(line: bytes, field: str) -> int:
    try:
        return value_place(line.decode("utf-8"), field).start
    except RecursionError:  # the decoder's own limit may be a little higher
        return 0


def _fault(path: str, number: int, kind: FaultKind, message: str, *, line: bytes, offset: int = 0) -> RecordFault:
    text = line.decode("utf-8", errors="replace")
    return RecordFault(path, number, kind, message, column=offset + 1, offset=offset, text=text)


def _missing_field(field: str, names: list[str]) -> str:
    if not names:
        return f"no field {field!r}: the record has no fields"
    shown = ", ".join(map(repr, names[:NAMES_SHOWN])) + (", ..." if len(names) > NAMES_SHOWN else "")
    return f"no field {field!r}: the record has {shown}; choose one of them"


def _name_of(value: object) -> str:
    if value is None:
        return "null"
    names = {bool: "a boolean", int: "a number", float: "a number", str: "a string", list: "a list", dict: "an object"}
    return names[type(value)]
