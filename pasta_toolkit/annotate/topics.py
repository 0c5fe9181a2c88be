"""Names a branch after its first block: its heading, its label, or its leading words. Knows no meaning.

A topic has one to three words. Markup goes, words without weight go (English ones only), and what a promise tag may not
hold goes. A script without spaces gives a few characters instead of words.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from functools import cache
from itertools import chain, count

from pasta_toolkit.annotate.blocks import Block, BlockKind

__all__ = ["distinct_topics", "topic_options", "topic_words"]

LONGEST_WORD = 24  # characters; longer ones, such as addresses, are cut
LONGEST_UNSPACED = 6  # characters of a topic in a script without spaces
LONGEST_TOPIC = 80  # characters, as the grammar has it
LONGEST_LINE = 400  # characters of a block that are looked at
LONGEST_NUMBER = 8  # characters left for the number that makes a topic unlike the others
FALLBACK = "part"

MARKERS = re.compile(r"(?:[#>\s]+|[-*+](?=\s)|\(?\d{1,9}[.)](?=\s)|\[[ xX]\](?=\s))*\s*")
FENCE = re.compile(r"(?:`{3,}|~{3,})\s*([\w+#.-]*)")
BOLD = re.compile(r"(?:\*\*|__)(?=\S)(.+?)(?:\*\*|__)")
LINK = re.compile(r"!?\[([^\]]*)\]\([^)]*\)")
HTML_TAG = re.compile(r"</?\w[^>]*>")
LABEL = re.compile(r"\s*(.{1,60}?)(?:\uff1a|(?::|\s[-\u2013\u2014])(?=\s|$|\*|_))")
SENTENCE = re.compile(r"(.+?)(?:[.!?](?=\s|$)|[\u3002\uff01\uff1f])")
FORBIDDEN = re.compile(r"[\"<>\x00-\x1f\x7f-\x9f\u2028\u2029]+")
UNSPACED = re.compile(r"[\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff\u0e00-\u0eff\U00020000-\U0003ffff]+")
EDGES = (
    " \t`*_~|.,;:!?()[]{}'-/\\#=+&\u2018\u2019\u201c\u201d\u201e\u00ab\u00bb\u2026\u2013\u2014"
    "\uff0c\u3002\uff1b\uff1a\uff01\uff1f\u3001\uff08\uff09\u300c\u300d\u300e\u300f\u3010\u3011\u300a\u300b"
)
KEPT_ENDS = ("+", "#")  # C++, C#

# Words that say little at the beginning of a phrase. Other languages keep theirs.
LIGHT_WORDS = """
a an the this that these those it its he she they we you i his her their our your my him them us me one some any
is are was were be been being am do does did has have had can could may might will would shall should must
of in on at to for from by with without into onto upon about over under as than then so if when while because
and or but nor not no yes also very just here here's there there's it's that's let's let what which who whom how why
where please sure okay ok well now another other such each every all both either however moreover furthermore
additionally finally lastly firstly secondly thirdly first second third next
"""


def topic_words(text: str, block: Block, *, most_words: int) -> tuple[str, ...]:
    """Return the words that name a block, the weightiest first; possibly none.

    >>> topic_words("2. **Learn in Context**: Memorize.", Block(BlockKind.ITEM, 0, 34), most_words=3)
    ('Learn', 'Context')
    """
    line = _first_line(text[block.start : block.end])
    fence = FENCE.match(line) if block.kind is BlockKind.CODE else None
    if fence is not None:
        return tuple(_clean_words(f"{fence[1]} code"))[:most_words]
    words = list(_with_numbers(_clean_words(_phrase(line))))
    weighty = [word for word in words if not _is_light(word)]
    return tuple((weighty or words)[:most_words])


def _first_line(content: str) -> str:
    return content.lstrip().split("\n", 1)[0].split("\r", 1)[0][:LONGEST_LINE]


def _phrase(line: str) -> str:
    """Return the part of a line that names it: a bold beginning, in it a label before a colon or dash, a sentence."""
    phrase = _without_markers(LINK.sub(r"\1", HTML_TAG.sub(" ", _without_markers(line))))
    for pattern in (BOLD, LABEL, SENTENCE):
        match = pattern.match(phrase)
        if match and any(map(str.isalnum, match[1])):
            phrase = _without_markers(match[1])
    return phrase


def _without_markers(line: str) -> str:
    return MARKERS.sub("", line, count=1)


def _clean_words(phrase: str) -> Iterator[str]:
    for word in FORBIDDEN.sub(" ", phrase).split():
        cleaned = word.strip(EDGES)
        if word.endswith(KEPT_ENDS) and len(cleaned) == 1:
            cleaned = word.lstrip(EDGES).rstrip(EDGES.replace("+", "").replace("#", ""))
        if any(map(str.isalnum, cleaned)):
            yield from _cut(cleaned)


@cache
def _light_words() -> frozenset[str]:
    return frozenset(LIGHT_WORDS.split())


def _is_light(word: str) -> bool:
    return word.casefold().replace("\u2019", "'") in _light_words()


def _with_numbers(words: Iterable[str]) -> Iterator[str]:
    """Keep a number with the word before it: the `1` of `Step 1` is what tells it from `Step 2`."""
    waiting: str | None = None
    for word in words:
        if waiting is not None and word.isdecimal() and not _is_light(waiting):
            yield f"{waiting} {word}"
            waiting = None
        else:
            if waiting is not None:
                yield waiting
            waiting = word
    if waiting is not None:
        yield waiting


def _cut(word: str) -> Iterator[str]:
    unspaced = UNSPACED.search(word)
    if unspaced:
        yield (word[: unspaced.start()] + unspaced[0][:LONGEST_UNSPACED])[-LONGEST_WORD:]
    else:
        yield word[:LONGEST_WORD]


def topic_options(words: Sequence[str]) -> tuple[str, ...]:
    """Return the topics of one word, two words and so on, each within the grammar's bounds.

    >>> topic_options(("Learn", "Context"))
    ('Learn', 'Learn Context')
    """
    return tuple(" ".join(words[: index + 1])[:LONGEST_TOPIC].rstrip() for index in range(len(words))) or (FALLBACK,)


def distinct_topics(candidates: Iterable[Sequence[str]]) -> tuple[str, ...]:
    """Choose a topic for each branch of a group, so that no two are alike but for case.

    The first free candidate of a branch is taken; where none is free, the first one gets a number.

    >>> distinct_topics([("Tips",), ("tips", "tips more"), ("Tips",)])
    ('Tips', 'tips more', 'Tips 2')
    """
    taken: set[str] = set()
    chosen: list[str] = []
    for options in candidates:
        topic = next(option for option in chain(options, _numbered(options[0])) if option.casefold() not in taken)
        chosen.append(topic)
        taken.add(topic.casefold())
    return tuple(chosen)


def _numbered(topic: str) -> Iterator[str]:
    return (f"{topic[: LONGEST_TOPIC - LONGEST_NUMBER]} {number}" for number in count(2))
