"""What else reads tags from JSON Lines, as programs to measure `pasta validate` against: `validate_peers.py NAME FILE`.

`re` finds the tags and checks nothing. `expat` parses the same answers written as XML, which checks that tags nest and
nothing else. `lark` runs the parser of the language's definition.
"""

import re
import sys
from collections.abc import Callable
from pathlib import Path
from xml.parsers import expat

import msgspec

__all__ = ["expat_parse", "re_scan"]

TAG = r"<(?:promise [^<>]*/|async|/async|sync/)>"


class _Line(msgspec.Struct):
    response: str


def re_scan() -> Callable[[str], int]:
    """Return a function that counts tags with one regular expression."""
    find = re.compile(TAG).findall
    return lambda text: len(find(text))


def expat_parse() -> Callable[[str], int]:
    """Return a function that parses XML with handlers for start and end tags, and counts the start tags."""

    def parse(text: str) -> int:
        names: list[str] = []
        parser = expat.ParserCreate()
        parser.StartElementHandler = lambda name, attributes: names.append(name)
        parser.EndElementHandler = lambda name: None
        parser.Parse(text, True)
        return len(names)

    return parse


def lark_parse() -> Callable[[str], int]:
    """Return a function that runs Lark's own parser, which refuses what is not in the language."""
    from grammar import check_with_lark  # noqa: PLC0415

    def parse(text: str) -> int:
        check_with_lark(text)
        return 0

    return parse


def main(name: str, path: str) -> None:
    """Read all records of a file of JSON Lines."""
    count = {"re": re_scan, "expat": expat_parse, "lark": lark_parse}[name]()
    decode = msgspec.json.Decoder(_Line).decode
    with Path(path).open("rb") as file:
        print(sum(count(decode(line).response) for line in file))


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2])
