"""Sees at a glance whether a text holds any character that a text rule may report. Names no rule."""

import re

__all__ = [
    "BYTE_ORDER_MARK",
    "CONTROLS",
    "CONTROL_CHARACTERS",
    "LONE_SURROGATES",
    "has_odd_characters",
    "is_unremarkable",
]

CONTROLS = tuple(chr(code) for code in (*range(0x20), *range(0x7F, 0xA0)) if chr(code) not in "\t\n\r")  # category Cc
CONTROL_CHARACTERS = re.compile(f"[{re.escape(''.join(CONTROLS))}]")
LONE_SURROGATES = re.compile("[\ud800-\udfff]")
BYTE_ORDER_MARK = "\ufeff"

DELETE, FIRST_PRINTABLE = 0x7F, 0x20
ORDINARY_BYTES = bytes(
    byte for byte in range(256) if (byte >= FIRST_PRINTABLE and byte != DELETE) or chr(byte) in "\t\n"
)
LESS_THAN = b"<"
UNREMARKABLE_BYTES = ORDINARY_BYTES.replace(LESS_THAN, b"")
LEAD_BYTE_OF_C1 = b"\xc2"  # the UTF-8 of U+0080 to U+009F begins with it


def has_odd_characters(text: str) -> bool:
    """Say whether a text holds a carriage return, a control character, a byte order mark or a lone surrogate."""
    return not _holds_only(text, ORDINARY_BYTES, b"")


def is_unremarkable(text: str, num_less_than: int) -> bool:
    """Say whether a text has just so many `<` and no odd character: both at a single glance."""
    return _holds_only(text, UNREMARKABLE_BYTES, LESS_THAN * num_less_than)


def _holds_only(text: str, allowed: bytes, rest: bytes) -> bool:
    """Say whether a text has no odd character, and its bytes but the allowed ones are the rest."""
    try:
        encoded = text.encode()
    except UnicodeEncodeError:
        return False
    if encoded.translate(None, allowed) != rest:
        return False
    if len(encoded) == len(text):
        return True
    return BYTE_ORDER_MARK not in text and not (LEAD_BYTE_OF_C1 in encoded and CONTROL_CHARACTERS.search(text))
