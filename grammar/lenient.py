"""A tolerant reader: finds every tag of any string, in whatever spelling, and never raises. Judges nothing.

What opens a tag is the grammar's own notion (`reserved_pattern`). A tag never reaches past the next reserved opening,
so a broken one hides nothing behind it, and reading takes linear time whatever the text is. An extent is chosen as
short as sense allows: what is not surely part of a tag stays text.

1. A canonical tag is read as the grammar reads it.
2. A well-formed tag may spell attributes, quotes, slash and white space differently, over several lines too.
3. A promise that ends with `>` on its line but cannot be read in between is one unreadable tag.
4. Anything else is unfinished: the opening, the attributes of a promise that are whole, and at the very end of the text
   what a decode that was cut off had begun to write.

Names in another case (`<Async>`) open no tag in the grammar. Where such a tag is well-formed it is listed as miscased.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from itertools import chain, pairwise

from grammar.definition import reserved_pattern, terminal_patterns
from grammar.escape import unescape
from grammar.scanner import TAG_TERMINALS
from grammar.source import Span

__all__ = ["LooseAttribute", "LooseTag", "read_leniently", "read_miscased", "text_outside_tags"]

CONTAINER = "async"  # the only tag that has content, and so an end tag
WITH_ATTRIBUTES = "promise"
NAME_OF_LETTER = {"p": WITH_ATTRIBUTES, "a": CONTAINER, "/": CONTAINER, "s": "sync"}  # of canonical tags
ATTRIBUTES = ("topic", "tokens")
LONGEST_VALUE = (
    400  # ours: five times the longest topic; a longer quotation is prose behind a quote that was not closed
)

ATTRIBUTE = r"""\s*+(?P<name>[^\s"'<>/=]++)\s*+=\s*+(?:"(?P<double>{0})"|'(?P<single>{1})'|(?P<bare>[^\s"'<>/=]++))"""
ANY_ATTRIBUTE = re.compile(ATTRIBUTE.format(f'[^"]{{0,{LONGEST_VALUE}}}+', f"[^']{{0,{LONGEST_VALUE}}}+"))
PLAIN_ATTRIBUTE = re.compile(ATTRIBUTE.format(r'[^"<>\n]{0,100}+', r"[^'<>\n]{0,100}+"))
TAG_END = re.compile(r"\s*+(?P<slash>/?+)\s*+>")
UNREADABLE_REST = re.compile(r"[^<>\n]{0,300}+>")
CUT_OFF_ATTRIBUTE = re.compile(
    r"""\s*+(?P<name>[^\s"'<>/=]++)(?P<value>\s*+=\s*+(?:"[^"<>\n]{0,80}+|'[^'<>\n]{0,80}+)?+)?+(?=\s*+\Z)"""
)


@dataclass(frozen=True, slots=True)
class LooseAttribute:
    """An attribute as it is written: `quote` is one of `"`, `'` and nothing."""

    name: str
    value: str
    quote: str
    span: Span
    value_span: Span


@dataclass(frozen=True, slots=True)
class LooseTag:
    """A tag as it is written.

    `name` is in lower case. A complete tag ends with `>`; a readable one consists of name, attributes and slash alone.
    A promise or sync whose end tag stands right behind it (`<sync></sync>`) is one tag. A miscased tag is text to the
    grammar.
    """

    name: str
    span: Span
    attributes: tuple[LooseAttribute, ...] = ()
    is_end: bool = False
    is_self_closing: bool = False
    is_complete: bool = True
    is_readable: bool = True
    is_canonical: bool = False
    is_miscased: bool = False


def read_leniently(text: str) -> tuple[LooseTag, ...]:
    """Return all tags of any string in order; what lies between them is text.

    >>> [(tag.name, tag.is_canonical) for tag in read_leniently("a <sync /> b <async> c")]
    [('sync', False), ('async', True)]
    """
    tags: list[LooseTag] = []
    end = 0
    for tag in _with_end_tags(_tags(_openings(), text, 0, len(text))):
        if tag.span.start > end:
            tags.extend(_miscased(text, end, tag.span.start))
        tags.append(tag)
        end = tag.span.end
    tags.extend(_miscased(text, end, len(text)))
    return tuple(tags)


def read_miscased(text: str) -> tuple[LooseTag, ...]:
    """Return the miscased tags alone of a text that holds no reserved opening.

    >>> [tag.name for tag in read_miscased("<Async> and <AsyncIterator>")]
    ['async']
    """
    return tuple(_miscased(text, 0, len(text)))


def text_outside_tags(text: str, *, is_miscased_text: bool = True) -> str:
    """Return what a reader sees of any string when its tags are taken out: the text that no repair may change.

    Miscased tags are text, as they are to the grammar, unless `is_miscased_text` says otherwise.
    """
    tags = [tag for tag in read_leniently(text) if not (tag.is_miscased and is_miscased_text)]
    places = [0, *(place for tag in tags for place in (tag.span.start, tag.span.end)), len(text)]
    return "".join(unescape(text[start:end]) for start, end in zip(places[::2], places[1::2], strict=True))


@cache
def _openings() -> re.Pattern[str]:
    return re.compile(f"<(?P<opening>{reserved_pattern()})")


@cache
def _openings_in_any_case() -> re.Pattern[str]:
    return re.compile(f"<(?P<opening>(?ai:{reserved_pattern()}))")


@cache
def _canonical() -> re.Pattern[str]:
    return re.compile("|".join(terminal_patterns()[name] for name in TAG_TERMINALS))


def _tags(openings: re.Pattern[str], text: str, start: int, end: int) -> Iterator[LooseTag]:
    """Read one tag at each opening, confined to what lies before the next opening."""
    for opening, following in pairwise(chain(openings.finditer(text, start, end), [None])):
        assert opening is not None
        yield _read(text, opening, following.start() if following else end)


def _with_end_tags(tags: Iterable[LooseTag]) -> Iterator[LooseTag]:
    """Join a promise or sync with the end tag that stands right behind it."""
    pending: LooseTag | None = None
    for tag in tags:
        if pending is not None and _are_pair(pending, tag):
            yield _joined(pending, tag)
            pending = None
            continue
        if pending is not None:
            yield pending
        pending = tag
    if pending is not None:
        yield pending


def _are_pair(first: LooseTag, second: LooseTag) -> bool:
    return (
        second.is_end
        and second.name == first.name != CONTAINER
        and second.span.start == first.span.end
        and first.is_complete
        and second.is_complete
        and not (first.is_end or first.is_self_closing or second.attributes)
    )


def _joined(first: LooseTag, second: LooseTag) -> LooseTag:
    return LooseTag(
        first.name, Span(first.span.start, second.span.end), first.attributes, is_readable=first.is_readable
    )


def _miscased(text: str, start: int, end: int) -> Iterator[LooseTag]:
    """Find the well-formed tags of a text whose names would be reserved in lower case."""
    if text.find("<", start, end) < 0:
        return
    for tag in _with_end_tags(_tags(_openings_in_any_case(), text, start, end)):
        if tag.is_complete and tag.is_readable:
            yield _as_miscased(tag)


def _as_miscased(tag: LooseTag) -> LooseTag:
    return LooseTag(
        tag.name,
        tag.span,
        tag.attributes,
        is_end=tag.is_end,
        is_self_closing=tag.is_self_closing,
        is_miscased=True,
    )


def _read(text: str, opening: re.Match[str], limit: int) -> LooseTag:
    start = opening.start()
    canonical = _canonical().match(text, start, limit)
    if canonical is not None:
        return _read_canonical(text, start, canonical.end())
    name = opening["opening"].lstrip("/").lower()
    return _well_formed(text, opening, limit, name) or _broken(text, opening, limit, name)


def _read_canonical(text: str, start: int, end: int) -> LooseTag:
    letter = text[start + 1]
    attributes: tuple[LooseAttribute, ...] = ()
    if letter == WITH_ATTRIBUTES[0]:
        attributes = _attributes(ANY_ATTRIBUTE, text, start + 1 + len(WITH_ATTRIBUTES), end)
    name = NAME_OF_LETTER[letter]
    return LooseTag(name, Span(start, end), attributes, letter == "/", name != CONTAINER, is_canonical=True)


def _well_formed(text: str, opening: re.Match[str], limit: int, name: str) -> LooseTag | None:
    attributes = _attributes(ANY_ATTRIBUTE, text, opening.end(), limit)
    place = attributes[-1].span.end if attributes else opening.end()
    end = TAG_END.match(text, place, limit)
    if end is None:
        return None
    return LooseTag(
        name,
        Span(opening.start(), end.end()),
        attributes,
        is_end=opening["opening"][0] == "/",
        is_self_closing=bool(end["slash"]),
    )


def _broken(text: str, opening: re.Match[str], limit: int, name: str) -> LooseTag:
    is_end = opening["opening"][0] == "/"
    takes_attributes = name == WITH_ATTRIBUTES and not is_end
    attributes = _attributes(PLAIN_ATTRIBUTE, text, opening.end(), limit) if takes_attributes else ()
    place = attributes[-1].span.end if attributes else opening.end()
    unreadable = _end_of_unreadable(text, opening.end(), place, limit) if takes_attributes else None
    end = _end_of_unfinished(text, place, limit, takes_attributes) if unreadable is None else unreadable
    return LooseTag(
        name,
        Span(opening.start(), end),
        attributes,
        is_end=is_end,
        is_complete=unreadable is not None,
        is_readable=False,
    )


def _end_of_unreadable(text: str, start: int, place: int, limit: int) -> int | None:
    """Find the `>` of a promise that is one by its looks: it has an equals sign or ends with a slash."""
    rest = UNREADABLE_REST.match(text, place, limit)
    if rest is None:
        return None
    inside = text[start : rest.end()]
    return rest.end() if "=" in inside or inside.endswith("/>") else None


def _end_of_unfinished(text: str, place: int, limit: int, takes_attributes: bool) -> int:
    if takes_attributes and limit == len(text):
        cut_off = CUT_OFF_ATTRIBUTE.match(text, place, limit)
        if cut_off is not None and (cut_off["value"] or _begins_attribute(cut_off["name"])):
            return cut_off.end()
    return place + 1 if text.startswith("/", place, limit) else place


def _begins_attribute(name: str) -> bool:
    return any(attribute.startswith(name) for attribute in ATTRIBUTES)


def _attributes(pattern: re.Pattern[str], text: str, start: int, limit: int) -> tuple[LooseAttribute, ...]:
    attributes: list[LooseAttribute] = []
    found = pattern.match(text, start, limit)
    while found is not None:
        attributes.append(_attribute(found))
        found = pattern.match(text, found.end(), limit)
    return tuple(attributes)


def _attribute(found: re.Match[str]) -> LooseAttribute:
    kind = found.lastgroup or "bare"
    quote = {"double": '"', "single": "'"}.get(kind, "")
    return LooseAttribute(
        found["name"],
        found[kind],
        quote,
        Span(found.start("name"), found.end()),
        Span(*found.span(kind)),
    )
