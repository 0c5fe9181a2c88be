"""How wide a text is on a terminal. Knows no terminal: widths come from Unicode."""

import unicodedata

__all__ = ["display_width", "elided"]

INVISIBLE = ("Mn", "Me", "Cf", "Cc", "Cs")
REDIRECTING = dict.fromkeys(range(0x202A, 0x202F)) | dict.fromkeys(range(0x2066, 0x206A))  # bidirectional controls


def display_width(text: str) -> int:
    """Return the columns that a terminal gives to a text: two to wide characters, none to combining ones."""
    return sum(map(_character_width, text))


def _character_width(character: str) -> int:
    if unicodedata.category(character) in INVISIBLE:
        return 0
    return 2 if unicodedata.east_asian_width(character) in "WF" else 1


def elided(text: str, columns: int, *, ellipsis: str = "…") -> str:
    """Cut a text to so many columns, with an ellipsis where something is gone; what redirects writing is dropped."""
    text = text.translate(REDIRECTING)
    if display_width(text) <= columns:
        return text
    kept, used = [], len(ellipsis)
    for character in text:
        used += _character_width(character)
        if used > columns:
            break
        kept.append(character)
    return "".join(kept) + ellipsis
