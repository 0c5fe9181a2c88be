"""Chooses installed fonts that have the characters to be drawn, and says which characters no font has."""

import unicodedata
from dataclasses import dataclass
from typing import Any

__all__ = ["STAND_IN", "Fonts", "choose_fonts"]

STAND_IN = "□"
FIRST_CHOICE = "DejaVu Sans"  # comes with matplotlib, so pictures look alike everywhere
LAST_RESORT = "Last Resort"  # draws a box for every character there is, which is no way of having it
# Families that are made for screens and cover much, tried before all others; those not installed are passed over.
PREFERRED = (
    "Noto Sans",
    "Noto Sans CJK SC",
    "Noto Sans SC",
    "Source Han Sans SC",
    "PingFang SC",
    "Hiragino Sans GB",
    "Microsoft YaHei",
    "WenQuanYi Micro Hei",
    "WenQuanYi Zen Hei",
    "Noto Sans CJK JP",
    "Noto Sans JP",
    "Noto Sans CJK KR",
    "Noto Sans KR",
    "Malgun Gothic",
    "Noto Sans Arabic",
    "Noto Sans Devanagari",
    "Noto Sans Thai",
    "Noto Emoji",
    "Segoe UI Emoji",
    "Segoe UI Symbol",
    "Symbola",
    "Arial Unicode MS",
)
REGULAR_WEIGHTS = (400, "normal", "regular")


@dataclass(frozen=True, slots=True)
class Fonts:
    """Families to draw with, in order of preference, and the characters that none of them has."""

    families: tuple[str, ...]
    missing: frozenset[str]

    def drawable(self, text: str) -> str:
        """Replace what no font has by a box; invisible characters are dropped."""
        return "".join(_replacement(character) if character in self.missing else character for character in text)

    def first_alone(self, text: str) -> str:
        """Replace everything that the first family does not have."""
        characters = _characters(FIRST_CHOICE)
        return "".join(character if ord(character) in characters else _replacement(character) for character in text)


def choose_fonts(text: str) -> Fonts:
    """Find families for all characters of a text among the fonts that are installed.

    Ties: the first family in the order of preference, then of the alphabet, that has any character still missing.
    """
    families = []
    missing = set(text)
    for family in _installed():
        characters = _characters(family)
        found = {character for character in missing if ord(character) in characters}
        if found or family == FIRST_CHOICE:
            families.append(family)
            missing -= found
        if not missing:
            break
    return Fonts(tuple(families), frozenset(missing))


def _installed() -> tuple[str, ...]:
    """Return the families that have a regular face, in order of preference, then of the alphabet."""
    from matplotlib.font_manager import fontManager  # noqa: PLC0415 (heavy)

    found = {
        entry.name
        for entry in fontManager.ttflist
        if entry.style == "normal" and entry.weight in REGULAR_WEIGHTS and not entry.name.startswith(LAST_RESORT)
    }
    first = [name for name in (FIRST_CHOICE, *PREFERRED) if name in found]
    return (*first, *sorted(found.difference(first)))


def _characters(family: str) -> Any:
    """Return the characters of the very file that matplotlib draws with; there may be several of one family."""
    from matplotlib.font_manager import FontProperties, findfont, get_font  # noqa: PLC0415 (heavy)

    try:
        return get_font(findfont(FontProperties(family=[family]))).get_charmap()
    except (OSError, RuntimeError):  # a font that FreeType cannot read has nothing to offer
        return {}


def _replacement(character: str) -> str:
    is_invisible = unicodedata.category(character) in ("Cf", "Mn", "Me")
    return "" if is_invisible else STAND_IN
