"""Sees at a glance whether a text holds any character that a text rule may report. Names no rule."""

import re

__all__ = ["BYTE_ORDER_MARK", "CONTROL_CHARACTERS", "LONE_SURROGATES", "has_odd_characters"]

CONTROL_CHARACTERS = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]")  # category Cc but tab, line feed and return
LONE_SURROGATES = re.compile("[\ud800-\udfff]")
BYTE_ORDER_MARK = "\ufeff"

DELETE, FIRST_PRINTABLE = 0x7F, 0x20
ORDINARY_BYTES = bytes(
    byte for byte in range(256) if (byte >= FIRST_PRINTABLE and byte != DELETE) or chr(byte) in "\t\n"
)
LEAD_BYTE_OF_C1 = b"\xc2"  # the UTF-8 of U+0080 to U+009F begins with it


def has_odd_characters(text: str) -> bool:
    """Say whether a text holds a carriage return, a control character, a byte order mark or a lone surrogate."""
    try:
        encoded = text.encode()
    except UnicodeEncodeError:
        return True
    if encoded.translate(None, ORDINARY_BYTES):
        return True
    if len(encoded) == len(text):
        return False
    return BYTE_ORDER_MARK in text or (LEAD_BYTE_OF_C1 in encoded and CONTROL_CHARACTERS.search(text) is not None)
