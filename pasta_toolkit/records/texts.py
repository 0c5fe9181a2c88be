"""Turns bytes into text, whatever the bytes are: what is not UTF-8 becomes U+FFFD and a fault with its place."""

from collections.abc import Iterator

from grammar import Source
from pasta_toolkit.records.record import Record, RecordFault

__all__ = ["BYTE_ORDER_MARK", "byte_order_mark_fault", "invalid_utf8_fault", "read_text"]

BYTE_ORDER_MARK = b"\xef\xbb\xbf"


def read_text(path: str, data: bytes) -> Iterator[Record | RecordFault]:
    """Read a whole file as one record, preceded by a fault if its bytes are not UTF-8.

    The text then holds U+FFFD in their place. A byte order mark is a character of the text like any other.
    """
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError:
        fault = invalid_utf8_fault(path, None, data)
        yield fault
        text = fault.text
    yield Record(path, None, text)


def byte_order_mark_fault(path: str) -> RecordFault:
    """Return the fault of a byte order mark at the beginning of JSON Lines."""
    message = "the file begins with a byte order mark (U+FEFF), which JSON forbids; save it as UTF-8 without one"
    return RecordFault(path, 1, "json-byte-order-mark", message)


def invalid_utf8_fault(path: str, number: int | None, data: bytes) -> RecordFault:
    """Return the fault of bytes that are not UTF-8, at the first place; its text shows U+FFFD for each.

    Raises:
        ValueError: the bytes are valid UTF-8.
    """
    try:
        data.decode("utf-8")
    except UnicodeDecodeError as error:
        text = data.decode("utf-8", errors="replace")
        offset = len(data[: error.start].decode("utf-8"))
        position = Source(text[:offset]).position(offset)
        message = f"byte 0x{data[error.start]:02x} is not valid UTF-8 ({error.reason})"
        return RecordFault(
            path, number, "invalid-utf8", message, position.line, position.column, offset=offset, text=text
        )
    raise ValueError("the bytes are valid UTF-8")
