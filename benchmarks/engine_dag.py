"""A typical DAG for the engine's benchmarks, and as many tokens decoded one after the other. Runs no model."""

import re
import zlib

from grammar import parse
from pasta_toolkit.runtime import Script
from reference_engine import ForcedAnswer, ForcedDecoder, Job, forced_answer

__all__ = ["IDEAL", "parallel_job", "sequential_job"]

NUM_BRANCHES, MAIN, BRANCH, TAIL = 6, 60, 60, 40  # tokens, tags included
NUM_TOKENS = MAIN + NUM_BRANCHES * BRANCH + TAIL
IDEAL = NUM_TOKENS / (MAIN + BRANCH + TAIL)
ASYNC_TAGS = 2
PROMPT = tuple(range(100, 140))
FIRST_TOKEN, NUM_WORDS = 1000, 40_000  # ids that words are mapped to
PIECE = re.compile(r"<[^>]*>|[^\s<]+\s*|\s+")


def parallel_job(name: str) -> Job:
    """Return the DAG as a request: a word is a token, and so is a tag."""
    answer = forced_answer(parse(_response()), _encode)
    assert answer.num_tokens == NUM_TOKENS
    return Job(name, ForcedDecoder(PROMPT, answer))


def sequential_job(name: str) -> Job:
    """Return as many tokens in one thread."""
    tokens = tuple(_encode(_words("s", NUM_TOKENS)))
    return Job(name, ForcedDecoder(PROMPT, ForcedAnswer((tokens,), Script.sequential(NUM_TOKENS))), is_annotated=False)


def _response() -> str:
    promises = "".join(f'<promise topic="t{branch}" tokens="{BRANCH}"/>' for branch in range(NUM_BRANCHES))
    asyncs = "".join(f"<async>{_words(f'b{branch}x', BRANCH - ASYNC_TAGS)}</async>" for branch in range(NUM_BRANCHES))
    return f"{_words('m', MAIN - NUM_BRANCHES - 1)}{promises}{asyncs}<sync/>{_words('t', TAIL)}"


def _words(stem: str, count: int) -> str:
    return "".join(f"{stem}{index} " for index in range(count))


def _encode(text: str) -> list[int]:
    return [FIRST_TOKEN + zlib.crc32(piece.encode()) % NUM_WORDS for piece in PIECE.findall(text)]
