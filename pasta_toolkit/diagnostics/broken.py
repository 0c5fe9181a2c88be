"""Reads a broken document: its tags as they are meant, its structure as far as it goes, and what is wrong with both."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from grammar import Form, LooseTag, read_leniently
from pasta_toolkit.diagnostics.diagnostic import Diagnostic
from pasta_toolkit.diagnostics.estimate import count_words, tokens_of_words
from pasta_toolkit.diagnostics.outline import Outline
from pasta_toolkit.diagnostics.recovery import resolve
from pasta_toolkit.diagnostics.registry import STRUCTURE_RULES, TAG_RULES
from pasta_toolkit.diagnostics.spelling import TagReading, canonical_respelling, guessed_spelling
from pasta_toolkit.diagnostics.structure import Structure

__all__ = ["BrokenDocument", "read_broken"]


@dataclass(frozen=True, slots=True)
class BrokenDocument:
    """A document with its tags that are not canonical."""

    outline: Outline
    readings: tuple[TagReading, ...]

    def findings(self) -> Iterator[Diagnostic]:
        """Find what is wrong with the spelling and the order of its tags."""
        for reading in self.readings:
            for rule in TAG_RULES:
                yield from rule.check(reading)
        for fault in self.outline.structure.faults:
            yield STRUCTURE_RULES[fault.rule].report(self.outline, fault)


def read_broken(text: str, form: Form) -> BrokenDocument:
    """Read any text as a document. An unfinished promise that says too little, and has no block, counts for nothing."""
    all_tags = read_leniently(text)
    tags = [tag for tag in all_tags if not tag.is_miscased]
    letters = "".join(map(_letter, tags))
    structure = _resolved(text, tags, letters, form)
    readings = _readings(text, tags, structure)
    spellings = {index: guessed_spelling(reading) for index, reading in readings.items()}
    kept = "".join("-" if spellings.get(index) == "" else letter for index, letter in enumerate(letters))
    if kept != letters:
        structure = _resolved(text, tags, kept, form)
    outline = Outline(text, form, _parts(text, tags, spellings), structure, _offsets(tags, len(text)))
    miscased = _miscased(text, all_tags, form) if len(all_tags) > len(tags) else ()
    return BrokenDocument(outline, (*readings.values(), *miscased))


def _resolved(text: str, tags: Sequence[LooseTag], letters: str, form: Form) -> Structure:
    last_end = max(letters.rfind("/"), letters.rfind("e"))
    return resolve(letters, form, has_tail=form == "branch" and _has_text_after(text, tags, last_end))


def _letter(tag: LooseTag) -> str:
    if tag.name == "async":
        return "/" if tag.is_end else "e" if tag.is_self_closing else "a"
    return "-" if tag.is_end else tag.name[0]


def _has_text_after(text: str, tags: Sequence[LooseTag], index: int) -> bool:
    """Say whether text follows a tag, on whichever side of the tags behind it."""
    if index < 0:
        return False
    num_tag_characters = sum(tag.span.end - tag.span.start for tag in tags[index + 1 :])
    return len(text) - tags[index].span.end > num_tag_characters


def _readings(text: str, tags: Sequence[LooseTag], structure: Structure) -> dict[int, TagReading]:
    """Read each tag that is not canonical in the light of its place in the structure."""
    block_of = dict(structure.branches)
    readings = {}
    number = 0
    for index, tag in enumerate(tags):
        number += tag.name == "promise"
        if not tag.is_canonical:
            block = block_of.get(index)
            readings[index] = TagReading(
                text,
                tag,
                number=number,
                block_tokens=None if block is None else _tokens_between(text, tags, block.open, block.close),
                acts_as_end=index in structure.acting_ends,
            )
    return readings


def _tokens_between(text: str, tags: Sequence[LooseTag], first: int, last: int) -> int:
    """Estimate the tokens of the texts between two tags; `last` may lie one behind the last tag."""
    inner = tags[first : last + 1]
    ends = [tag.span.start for tag in inner[1:]]
    if last == len(tags):
        ends.append(len(text))
    texts = (text[before.span.end : end] for before, end in zip(inner, ends, strict=False))
    return tokens_of_words(sum(map(count_words, texts)))


def _parts(text: str, tags: Sequence[LooseTag], spellings: dict[int, str]) -> list[str]:
    """Return texts and canonical tags; a tag that counts for nothing stands as it is written."""
    parts = []
    end = 0
    for index, tag in enumerate(tags):
        parts += [text[end : tag.span.start], spellings.get(index) or tag.span.of(text)]
        end = tag.span.end
    return [*parts, text[end:]]


def _offsets(tags: Sequence[LooseTag], length: int) -> list[int]:
    return [0, *(place for tag in tags for place in (tag.span.start, tag.span.end)), length]


def _miscased(text: str, tags: Sequence[LooseTag], form: Form) -> tuple[TagReading, ...]:
    """Read the miscased tags that would be tags in lower case, where the document has a promise with them."""
    readings = (
        TagReading(text, tag, number=0, block_tokens=None, acts_as_end=False) for tag in tags if tag.is_miscased
    )
    meant = {reading.tag.span: reading for reading in readings if canonical_respelling(reading) is not None}
    considered = [tag for tag in tags if not tag.is_miscased or tag.span in meant]
    if all(tag.name != "promise" for tag in considered):
        return ()
    fits = not _resolved(text, considered, "".join(map(_letter, considered)), form).faults
    return tuple(replace(reading, fits=fits) for reading in meant.values())
