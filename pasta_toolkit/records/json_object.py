"""Finds a field in the source of a JSON object and writes it anew, leaving every other character as it is."""

import re
from json import JSONDecoder, dumps

from grammar import Span

__all__ = ["set_field", "value_place"]

SPACE = re.compile(r"[ \t\n\r]*")


def value_place(line: str, field: str) -> Span:
    """Return where the value of a field stands in a line that holds a JSON object; of equal names, the last counts.

    Raises:
        KeyError: the object has no such field.
        RecursionError: some value is nested too deeply.
    """
    return dict(_places(line))[field]


def set_field(line: str, field: str, text: str) -> str:
    r"""Return the line with another string under a field, which is added at the end if it is not there.

    A value that was spelled in ASCII stays in ASCII.

    >>> set_field('{"a": 1.0,  "b":"x"}', "b", "y")
    '{"a": 1.0,  "b":"y"}'
    >>> set_field('{"a": 1.0}', "b", "y")
    '{"a": 1.0, "b": "y"}'

    Raises:
        RecursionError: some value is nested too deeply.
    """
    places = _places(line)
    place = dict(places).get(field)
    if place is not None:
        return line[: place.start] + dumps(text, ensure_ascii=place.of(line).isascii()) + line[place.end :]
    written = f"{dumps(field)}: {dumps(text, ensure_ascii=line.isascii())}"
    end = places[-1][1].end if places else line.index("{") + 1
    return f"{line[:end]}{', ' if places else ''}{written}{line[end:]}"


def _places(line: str) -> list[tuple[str, Span]]:
    """Walk the members of the object; the line is known to be valid JSON."""
    places: list[tuple[str, Span]] = []
    decode = JSONDecoder(parse_int=str, parse_float=str).raw_decode  # long numbers cost nothing, and never fail
    offset = _skip(line, line.index("{") + 1)
    while line[offset] != "}":
        name, offset = decode(line, offset)
        start = _skip(line, _skip(line, offset) + 1)
        _, end = decode(line, start)
        places.append((name, Span(start, end)))
        offset = _skip(line, end)
        if line[offset] == ",":
            offset = _skip(line, offset + 1)
    return places


def _skip(line: str, offset: int) -> int:
    match = SPACE.match(line, offset)
    return match.end() if match else offset
