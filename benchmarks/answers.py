"""Makes annotated answers that look like real ones, the same ones every time. Copies no data set."""

import json
import random
from collections.abc import Iterator
from itertools import cycle
from pathlib import Path
from xml.sax.saxutils import escape

from grammar import split_at_tags

__all__ = ["annotated_answers", "write_json_lines", "write_json_lines_of_xml", "xml_of"]

SEED = 20260101
NUM_DISTINCT = 4000  # answers are repeated beyond that: about 6 MB of text, far more than any cache holds
TOKENS_PER_WORD = 1.3
MOST_TOKENS = 9990
TEXT_OF_WORDS = """
the a of to and in is that for it as with on by this which from are be or can should often more less than when
model answer garden water history market city health music engine light plant budget travel team energy paper
design letter recipe season data memory river school method result reason example question problem simple early
strong careful common local public modern useful quiet small large clear deep fresh keep make find give take
build learn plan write choose compare improve reduce support protect explain consider remember prepare measure
"""
RARE = ("café", "naïve", "x < y", "R&D", "数据", "Übersicht", "`a < b`", "100 %", "→", "😀")
SHARE_OF_RARE = 0.1  # of paragraphs; about one answer in three then holds a word of RARE
HEADS = ("Benefits", "Risks", "Costs", "History", "Method", "Examples", "First steps", "Common mistakes", "Summary")
LEADS = ("of the plan", "at a glance", "in practice", "for beginners", "in detail", "to expect", "worth knowing")
WEIGHTS_OF_PROMISES = (10, 8, 30, 20, 14, 8, 6, 4)  # ours, near LANGUAGE.md: median 2 to 3, nine in ten up to 6


def annotated_answers() -> Iterator[str]:
    """Yield valid annotated answers without end; each group of promises has two branches or more and a sync."""
    random_numbers = random.Random(SEED)
    distinct = [_answer(random_numbers) for _ in range(NUM_DISTINCT)]
    return cycle(distinct)


def xml_of(answer: str) -> str:
    """Write an annotated answer as an XML document: the tags stay, other markup is escaped."""
    texts_and_tags = split_at_tags(answer)
    texts_and_tags[::2] = map(escape, texts_and_tags[::2])
    return f"<response>{''.join(texts_and_tags)}</response>"


def write_json_lines(path: Path, num_bytes: int) -> None:
    """Write records of annotated answers until the file has at least `num_bytes`."""
    _write(path, num_bytes, annotated_answers())


def write_json_lines_of_xml(path: Path, num_bytes: int) -> None:
    """Write the same records with the answers as XML."""
    _write(path, num_bytes, map(xml_of, annotated_answers()))


def _write(path: Path, num_bytes: int, texts: Iterator[str]) -> None:
    num_written_bytes = num_records = 0
    with path.open("wb") as file:
        while num_written_bytes < num_bytes:
            record = {"id": num_records, "instruction": "Explain it step by step.", "response": next(texts)}
            num_written_bytes += file.write(json.dumps(record, ensure_ascii=False).encode() + b"\n")
            num_records += 1


def _answer(random_numbers: random.Random) -> str:
    num_promises = random_numbers.choices(range(len(WEIGHTS_OF_PROMISES)), WEIGHTS_OF_PROMISES)[0]
    if num_promises <= 1:
        return "\n\n".join(_paragraph(random_numbers, 90) for _ in range(3))
    topics = [f"{head} {random_numbers.choice(LEADS)}" for head in random_numbers.sample(HEADS, num_promises)]
    parts = [_paragraph(random_numbers, 25), "\n\n"]
    for topic in topics:
        content = f"**{topic}**\n\n{_paragraph(random_numbers, random_numbers.randint(50, 110))}\n\n"
        num_tokens = min(MOST_TOKENS, max(10, round(len(content.split()) * TOKENS_PER_WORD / 10) * 10))
        parts.append(f'<promise topic="{topic}" tokens="{num_tokens}"/><async>{content}</async>')
    parts.append(f"<sync/>{_paragraph(random_numbers, 20)}\n")
    return "".join(parts)


def _paragraph(random_numbers: random.Random, num_words: int) -> str:
    words = random_numbers.choices(TEXT_OF_WORDS.split(), k=num_words)
    if random_numbers.random() < SHARE_OF_RARE:
        words[random_numbers.randrange(num_words)] = random_numbers.choice(RARE)
    sentences = (words[start : start + 12] for start in range(0, num_words, 12))
    return " ".join(f"{' '.join(sentence).capitalize()}." for sentence in sentences)
