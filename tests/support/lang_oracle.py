"""Decides whether a text is PASTA-LANG, slowly: one character at a time, from the description of the language.

Shares no code and no expression with the grammar, so that the two can judge each other.
"""

import unicodedata
from collections.abc import Iterator

__all__ = ["continues_name", "is_in_language"]

OPENINGS = ("<promise", "</promise", "<async", "</async", "<sync", "</sync")
# XML 1.0, fifth edition, productions [4] NameStartChar and [4a] NameChar, as they stand there.
NAME_START_RANGES = (
    (0xC0, 0xD6),
    (0xD8, 0xF6),
    (0xF8, 0x2FF),
    (0x370, 0x37D),
    (0x37F, 0x1FFF),
    (0x200C, 0x200D),
    (0x2070, 0x218F),
    (0x2C00, 0x2FEF),
    (0x3001, 0xD7FF),
    (0xF900, 0xFDCF),
    (0xFDF0, 0xFFFD),
    (0x10000, 0xEFFFF),
)
NAME_RANGES = (*NAME_START_RANGES, (0xB7, 0xB7), (0x0300, 0x036F), (0x203F, 0x2040))
ASCII_NAME = ":_-.ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"


class _BrokenTagError(Exception):
    """A reserved opening that is no canonical tag."""


def is_in_language(text: str, form: str) -> bool:
    """Say whether `text` is a valid document of `form`."""
    try:
        events = list(_events(text))
    except _BrokenTagError:
        return False
    return {"response": _is_response, "main": _is_main, "branch": _is_branch}[form](events)


def continues_name(character: str) -> bool:
    """Say whether a character can stand inside an XML name."""
    return character in ASCII_NAME or any(low <= ord(character) <= high for low, high in NAME_RANGES)


def _events(text: str) -> Iterator[str]:
    place = 0
    while place < len(text):
        if not _is_reserved(text, place):
            yield "text"
            place += 1
            continue
        name, place = _tag(text, place)
        yield name


def _is_reserved(text: str, place: int) -> bool:
    for opening in OPENINGS:
        after = place + len(opening)
        if text[place:after] == opening and (after == len(text) or not continues_name(text[after])):
            return True
    return False


def _tag(text: str, place: int) -> tuple[str, int]:
    for name, spelling in (("async", "<async>"), ("end", "</async>"), ("sync", "<sync/>")):
        if text[place : place + len(spelling)] == spelling:
            return name, place + len(spelling)
    place = _after(text, place, '<promise topic="')
    topic, place = _up_to_quote(text, place)
    place = _after(text, place, '" tokens="')
    tokens, place = _up_to_quote(text, place)
    if not (_is_topic(topic) and _is_tokens(tokens)):
        raise _BrokenTagError
    return "promise", _after(text, place, '"/>')


def _after(text: str, place: int, literal: str) -> int:
    if text[place : place + len(literal)] != literal:
        raise _BrokenTagError
    return place + len(literal)


def _up_to_quote(text: str, place: int) -> tuple[str, int]:
    end = place
    while end < len(text) and text[end] != '"':
        end += 1
    return text[place:end], end


def _is_topic(topic: str) -> bool:
    return 1 <= len(topic) <= 80 and not any(c in "<>" or unicodedata.category(c) == "Cc" for c in topic)


def _is_tokens(tokens: str) -> bool:
    if not tokens or len(tokens) > 4 or any(c not in "0123456789" for c in tokens):
        return False
    return tokens[0] != "0" and 10 <= int(tokens) <= 9990 and int(tokens) % 10 == 0


def _is_response(events: list[str]) -> bool:
    unfulfilled = joinable = 0
    inside = False
    for event in events:
        if inside and event not in ("text", "end"):
            return False  # nothing nests
        if event == "promise":
            unfulfilled += 1
            joinable += 1
        elif event == "async":
            if unfulfilled == 0:
                return False
            inside = True
        elif event == "end":
            if not inside:
                return False
            inside = False
            unfulfilled -= 1
        elif event == "sync":
            if joinable == 0 or unfulfilled > 0:
                return False
            joinable = 0
    return not inside and unfulfilled == 0


def _is_main(events: list[str]) -> bool:
    outstanding = 0
    for event in events:
        if event in ("async", "end") or (event == "sync" and outstanding == 0):
            return False
        outstanding = outstanding + 1 if event == "promise" else 0 if event == "sync" else outstanding
    return True


def _is_branch(events: list[str]) -> bool:
    return bool(events) and events[-1] == "end" and all(event == "text" for event in events[:-1])
