"""Decides with Lark alone, slowly, whether some bytes can still become a stream of `main` or `branch`.

Shares nothing with the mask's compiler: no automaton, no expression parser, no UTF-8 arithmetic (Python's decoder does
it).

Bytes are viable when some continuation makes Lark accept them. It is enough to try few continuations (COMPLETIONS):
a text needs none; an opening that is not yet a reserved name becomes text by one more name character; inside a tag the
missing suffix of one canonical tag completes it, whatever its topic and number were. A branch then also needs its end.

To explore all byte strings, a prefix is shortened to one that has the same continuations: complete tags and text before
the last `<` that may still open a tag only matter by whether a promise is outstanding; members of a topic are
alike, and so are the digits but 0.
Non-ASCII characters are alike if Lark's terminals treat them alike at the two places where they are not simply text:
in a topic, and behind a reserved name.
"""

import codecs
import re
from functools import cache, cached_property

import lark
import numpy as np

from grammar import lark_parser, terminal_patterns

TAG = '<promise topic="x" tokens="10"/>'
SPELLINGS = (TAG, "<sync/>", "</async>", "<async>")
OPENINGS = (*SPELLINGS, "</promise", "</sync")
COMPLETIONS = ("", "x", *dict.fromkeys(spelling[cut:] for spelling in SPELLINGS for cut in range(1, len(spelling))))
TOPIC_START = '<promise topic="'
NO_KEY = 0
BLOCK = 256  # characters that are looked at together; the surrogates begin and end at such borders
BRANCH_END = "</async>"


def accepts(text: str, form: str, parser: lark.Lark | None = None) -> bool:
    """Ask Lark whether a text is a complete stream."""
    try:
        (parser or lark_parser()).parse(text, start=form)
    except lark.exceptions.UnexpectedInput:
        return False
    return True


def is_viable(text: str, form: str) -> bool:
    """Say whether some continuation of a text is a complete stream."""
    ends = ("", BRANCH_END) if form == "branch" else ("",)
    return any(accepts(text + completion + end, form) for completion in _likeliest_first(text) for end in ends)


def _likeliest_first(text: str) -> list[str]:
    """Order the completions so that one which makes a whole tag of the last `<` comes first."""
    opening = text[text.rfind("<") :] if "<" in text else ""
    return sorted(COMPLETIONS, key=lambda completion: _patterns()[0].fullmatch(opening + completion) is None)


def is_viable_bytes(content: bytes, form: str) -> bool:
    """Say the same of bytes, which may end inside a character."""
    decoder = codecs.getincrementaldecoder("utf-8")("strict")
    try:
        text = decoder.decode(content)
    except UnicodeDecodeError:
        return False
    tail = decoder.getstate()[0]
    return (
        any(is_viable(text + character, form) for character in _representatives(tail))
        if tail
        else is_viable(text, form)
    )


@cache
def kind_of_character(character: str) -> object:
    """Tell apart what Lark's terminals tell apart; characters that tags are spelled with stand for themselves."""
    if character in "".join(SPELLINGS):
        return character
    promise, less_than = _patterns()
    in_topic = promise.fullmatch(f'<promise topic="{character}" tokens="10"/>') is not None
    changed_tags = (TAG.replace("1", character), TAG.replace("10", f"1{character}0")) if character.isdecimal() else ()
    in_number = any(promise.fullmatch(tag) is not None for tag in changed_tags)
    return in_topic, in_number, less_than.match(f"<sync{character}") is not None


@cache
def _patterns() -> tuple[re.Pattern[str], re.Pattern[str]]:
    return re.compile(terminal_patterns()["PROMISE"]), re.compile(terminal_patterns()["LESS_THAN"])


@cache
def _all_kinds() -> tuple[list[int], list[str]]:
    """Number the kind of every code point, -1 for surrogates, and give one character of each kind."""
    numbers: dict[object, int] = {}
    representatives: list[str] = []
    kinds: list[int] = []
    for first in range(0, 0x110000, BLOCK):
        characters = [chr(code_point) for code_point in range(first, first + BLOCK)]
        if 0xD800 <= first <= 0xDFFF:
            kinds += [-1] * BLOCK
            continue
        alike = are_alike(characters)
        for character in characters[:1] if alike else characters:
            kind = kind_of_character(character)
            if kind not in numbers:
                numbers[kind] = len(numbers)
                representatives.append(character)
            kinds += [numbers[kind]] * (BLOCK if alike else 1)
    return kinds, representatives


def are_alike(characters: list[str]) -> bool:
    """Say whether all or none of some characters can stand in a topic, and continue a name, and none is a digit."""
    promise, less_than = _patterns()
    in_topic = len(promise.findall("".join(f'<promise topic="{character}" tokens="10"/>' for character in characters)))
    is_text = len(less_than.findall("".join(f"<sync{character}" for character in characters)))
    whole = (0, len(characters))
    return (
        in_topic in whole
        and is_text in whole
        and not any(map(str.isdecimal, characters))
        and ord(characters[0]) > BLOCK
    )


@cache
def _kinds_by_prefix() -> dict[bytes, frozenset[str]]:
    """For every proper prefix of an encoded character, one character of each kind that begins with it."""
    kinds, representatives = _all_kinds()
    found: dict[bytes, set[str]] = {}
    for code_point in range(0x80, 0x110000):
        if kinds[code_point] >= 0:
            encoded = chr(code_point).encode()
            for cut in range(1, len(encoded)):
                found.setdefault(encoded[:cut], set()).add(representatives[kinds[code_point]])
    return {prefix: frozenset(characters) for prefix, characters in found.items()}


def _representatives(tail: bytes) -> frozenset[str]:
    return _kinds_by_prefix().get(tail, frozenset())


@cache
def _readings(tail: bytes) -> list[tuple[int, bytes, tuple[str, ...]]]:
    """Read one more byte: what stays unfinished (nothing of a complete character), and which characters it may be."""
    kinds, representatives = _all_kinds()
    readings = []
    for byte in range(256):
        content = tail + bytes([byte])
        try:
            readings.append((byte, b"", (representatives[kinds[ord(content.decode())]],)))
        except UnicodeDecodeError:
            if content in _kinds_by_prefix():
                readings.append((byte, _like_prefixes()[content], tuple(sorted(_representatives(content)))))
    return readings


@cache
def _like_prefixes() -> dict[bytes, bytes]:
    """For every proper prefix of an encoded character, the first one whose continuations are of the same kinds."""
    kinds, _ = _all_kinds()
    first: dict[object, bytes] = {}
    like: dict[bytes, bytes] = {}
    for prefix in sorted(_kinds_by_prefix(), key=lambda prefix: (-len(prefix), prefix)):
        outcomes = []
        for byte in range(0x80, 0xC0):
            longer = prefix + bytes([byte])
            try:
                outcomes.append(kinds[ord(longer.decode())])
            except UnicodeDecodeError:
                outcomes.append(like.get(longer))
        like[prefix] = first.setdefault(tuple(outcomes), prefix)
    return like


def shorten(text: str, form: str) -> str:
    """Return the shortest prefix that we know to have the same continuations."""
    last = text.rfind("<")
    pending = text[last:] if last >= 0 else ""
    if pending.startswith(TOPIC_START) and pending.count('"') == 1:
        pending = TOPIC_START + "x" * (len(pending) - len(TOPIC_START))
    elif pending.startswith(TOPIC_START) and ">" not in pending:
        pending = TOPIC_START + "x" + re.sub("[2-9]", "1", pending[pending.index('"', len(TOPIC_START)) :])
    elif not any(opening.startswith(pending) for opening in OPENINGS) or pending in SPELLINGS:
        pending = ""
    if form == "branch" and text.endswith(BRANCH_END):
        return BRANCH_END
    before = text[: len(text) - len(pending)] if pending else text
    if (
        pending.startswith("<promise ") and ">" not in pending
    ):  # whether or not something is outstanding now, it will be
        return pending
    is_outstanding = before.rfind(TOPIC_START) > before.rfind("<sync/>")
    return (TAG if is_outstanding else "") + pending


class OracleTable:
    """All prefixes of a form, shortened, with what each byte makes of them; state 0 stands for what is not viable."""

    def __init__(self, form: str) -> None:
        self.form = form
        self.numbers: dict[tuple[str, bytes], int] = {}
        self.keys: list[tuple[str, bytes]] = [("", b"dead")]
        self.rows: list[list[int]] = [[NO_KEY] * 256]
        self.after_character: dict[tuple[str, str], str | None] = {}
        self.start = self._number("", b"")
        while len(self.rows) < len(self.keys):
            self.rows.append(self._row(*self.keys[len(self.rows)]))

    @cached_property
    def table(self) -> "np.ndarray":
        """The rows as an array."""
        return np.array(self.rows, dtype=np.int64)

    @cached_property
    def is_accepting(self) -> "np.ndarray":
        """Which states are complete streams."""
        complete = [not tail and accepts(text, self.form) for text, tail in self.keys]
        return np.array(complete)

    def walk(self, content: bytes) -> int:
        """Return the state after some bytes."""
        state = self.start
        for byte in content:
            state = self.rows[state][byte]
        return state

    def _number(self, text: str, tail: bytes) -> int:
        key = (text, tail)
        if key not in self.numbers:
            self.numbers[key] = len(self.keys)
            self.keys.append(key)
        return self.numbers[key]

    def _row(self, text: str, tail: bytes) -> list[int]:
        """Return what each byte makes of a prefix; bytes that UTF-8 does not know there make nothing of it."""
        row = [NO_KEY] * 256
        for byte, longer, candidates in _readings(tail):
            after = [self._after(text, candidate) for candidate in candidates]
            if longer:
                row[byte] = self._number(text, longer) if any(each is not None for each in after) else NO_KEY
            else:
                row[byte] = NO_KEY if after[0] is None else self._number(after[0], b"")
        return row

    def _after(self, text: str, character: str) -> str | None:
        key = (text, character)
        if key not in self.after_character:
            longer = text + character
            self.after_character[key] = shorten(longer, self.form) if is_viable(longer, self.form) else None
        return self.after_character[key]


@cache
def oracle_table(form: str) -> OracleTable:
    """Return the explored oracle of a form."""
    return OracleTable(form)
