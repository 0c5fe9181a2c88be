"""How a tag should have been spelled: what is certain, and what can be guessed."""

import re
from dataclasses import dataclass

from grammar import LooseAttribute, LooseTag, split_at_tags
from pasta_toolkit.diagnostics.diagnostic import Edit, Fix, Safety
from pasta_toolkit.diagnostics.estimate import MOST_TOKENS, round_to_tens
from pasta_toolkit.diagnostics.wording import canonical_form

__all__ = [
    "ATTRIBUTES",
    "LONGEST_TOPIC",
    "TagReading",
    "as_written",
    "canonical_respelling",
    "certain_tokens",
    "guess_fix",
    "guessed_spelling",
    "meant_attribute",
    "respell_fix",
    "respelled",
]

ATTRIBUTES = ("topic", "tokens")
LONGEST_TOPIC = 80  # Source: TOPIC in grammar/pasta.lark; a test keeps the two equal
DEFAULT_TOKENS = 50  # Source: ours; the middle of the lengths that trained models promise most often
CERTAIN_NUMBER = re.compile(r"\s*\+?0*([1-9][0-9]{0,3})(?:\.0*)?\s*")
ANY_NUMBER = re.compile(r"[0-9]{1,9}")
WRITTEN_TOPIC = re.compile(r"""topic\s*+=\s*+["']?([^"']*?)["']?\s*(?:tokens\b|/?>|$)""", re.IGNORECASE)
WRITTEN_TOKENS = re.compile(r"tokens[^0-9<>]{0,5}([0-9]{1,9})", re.IGNORECASE)
NOT_IN_TOPICS = re.compile("[\x00-\x1f\x7f-\x9f\\s<>]+")


@dataclass(frozen=True, slots=True)
class TagReading:
    """One tag that is not canonical, with what its place in the document says about it.

    `number` counts the promises up to it. `block_tokens` estimates the length of its block, None where it has none. A
    miscased tag fits if the document is in order with all miscased tags taken for tags.
    """

    text: str
    tag: LooseTag
    number: int
    block_tokens: int | None
    acts_as_end: bool
    fits: bool = False

    @property
    def source(self) -> str:
        """The tag as it is written."""
        return self.tag.span.of(self.text)

    def values(self, name: str) -> list[LooseAttribute]:
        """Return the attributes of a name, in any case."""
        return [attribute for attribute in self.tag.attributes if attribute.name.lower() == name]


def meant_attribute(name: str) -> str | None:
    """Return the attribute that an unknown name resembles.

    >>> meant_attribute("token")
    'tokens'
    """
    return {"top": "topic", "tok": "tokens"}.get(name[:3].lower())


def as_written(reading: TagReading) -> str | None:
    """Return the canonical spelling of a tag whose parts are all there, its values as they are; None for other tags."""
    tag = reading.tag
    if not tag.is_readable:
        return None
    if tag.name == "promise":
        values = _sole_values(reading)
        return None if values is None else _promise(*values)
    is_odd_end = tag.name == "sync" and tag.is_end
    is_empty_block = tag.name == "async" and tag.is_self_closing and not tag.is_end
    return None if tag.attributes or is_odd_end or is_empty_block else canonical_form(tag)


def respelled(reading: TagReading) -> str | None:
    """Return what `as_written` does, with a number of tokens that is certain rounded to tens."""
    values = _sole_values(reading) if reading.tag.is_readable and reading.tag.name == "promise" else None
    if values is None:
        return as_written(reading)
    topic, tokens = values
    number = certain_tokens(tokens)
    return _promise(topic, tokens if number is None else str(number))


def canonical_respelling(reading: TagReading) -> str | None:
    """Return what `respelled` does where it is a tag of the grammar."""
    spelling = respelled(reading)
    return spelling if spelling is not None and _is_tag(spelling) else None


def certain_tokens(value: str) -> int | None:
    """Return the number of tokens that a value states beyond doubt, rounded to tens.

    >>> certain_tokens(" 047 "), certain_tokens("many")
    (50, None)
    """
    number = CERTAIN_NUMBER.fullmatch(value)
    if number is None or int(number[1]) > MOST_TOKENS:
        return None
    return round_to_tens(int(number[1]))


def guessed_spelling(reading: TagReading) -> str:
    """Return a canonical tag for any tag, nothing where it can only be dropped."""
    tag = reading.tag
    if tag.name == "sync":
        return "" if tag.is_end else "<sync/>"
    if tag.name == "async":
        if tag.is_self_closing and not tag.is_end:
            return "</async>" if reading.acts_as_end else "<async></async>"
        return canonical_form(tag)
    if tag.is_end or _is_cut_off(reading):
        return ""
    return _promise(_guessed_topic(reading), str(_guessed_tokens(reading)))


def respell_fix(reading: TagReading) -> Fix | None:
    """Return the fix that only respells, if there is one. To make a tag of what was text is a guess."""
    spelling = respelled(reading)
    safety = Safety.UNSAFE if reading.tag.is_miscased else Safety.SAFE
    return None if spelling is None else _fix(reading, spelling, safety)


def guess_fix(reading: TagReading) -> Fix:
    """Return the fix that guesses."""
    return _fix(reading, guessed_spelling(reading), Safety.UNSAFE)


def _fix(reading: TagReading, spelling: str, safety: Safety) -> Fix:
    message = f"write `{spelling}`" if spelling else "remove the tag"
    return Fix(message, (Edit(reading.tag.span, spelling),), safety)


def _is_tag(spelling: str) -> bool:
    return split_at_tags(spelling) == ["", spelling, ""]


def _sole_values(reading: TagReading) -> tuple[str, str] | None:
    """Return topic and tokens of a promise that has just these and whose values double quotes can hold."""
    topics, tokens = reading.values("topic"), reading.values("tokens")
    if reading.tag.is_end or not len(topics) == len(tokens) == 1 or len(reading.tag.attributes) != len(ATTRIBUTES):
        return None
    values = topics[0].value, tokens[0].value
    return None if any('"' in value for value in values) else values


def _promise(topic: str, tokens: str) -> str:
    return f'<promise topic="{topic}" tokens="{tokens}"/>'


def _is_cut_off(reading: TagReading) -> bool:
    """Say whether an unfinished promise says too little, and no block waits for it."""
    has_both = bool(reading.values("topic")) and bool(reading.values("tokens"))
    return not reading.tag.is_complete and not has_both and reading.block_tokens is None


def _guessed_topic(reading: TagReading) -> str:
    topics = reading.values("topic") if reading.tag.is_readable else []
    written = WRITTEN_TOPIC.search(reading.source)
    if topics and _is_tag(_promise(topics[0].value, str(DEFAULT_TOKENS))):
        return topics[0].value
    if topics:
        guess = topics[0].value
    elif written is not None:
        guess = written[1]
    else:
        guess = next((a.value for a in reading.tag.attributes if meant_attribute(a.name) == "topic"), "")
    words = NOT_IN_TOPICS.sub(" ", guess.replace('"', "'")).strip()
    return _shortened(words) or f"part {reading.number}"


def _shortened(topic: str) -> str:
    """Cut a topic at the end of a word."""
    if len(topic) <= LONGEST_TOPIC:
        return topic
    cut = topic[: LONGEST_TOPIC + 1]
    return cut.rpartition(" ")[0].rstrip() or topic[:LONGEST_TOPIC]


def _guessed_tokens(reading: TagReading) -> int:
    """Take the first number that stands for the length, else the length of the block, else a middling one."""
    values = [a.value for a in reading.tag.attributes if meant_attribute(a.name) == "tokens"]
    if not reading.tag.is_readable:
        values = WRITTEN_TOKENS.findall(reading.source)
    numbers = (int(found[0]) for value in values if (found := ANY_NUMBER.search(value)))
    stated = next((number for number in numbers if number > 0), reading.block_tokens)
    return DEFAULT_TOKENS if stated is None else round_to_tens(stated)
