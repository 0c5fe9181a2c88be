"""DAGs for the engine's benchmarks, and as many tokens decoded one after the other. Runs no model."""

import re
import zlib
from dataclasses import dataclass

from grammar import parse
from pasta_toolkit.runtime import Script
from reference_engine import ForcedAnswer, ForcedDecoder, Job, forced_answer

__all__ = ["PROMPT_TOKENS", "TYPICAL", "WIDE", "Shape", "parallel_job", "sequential_job"]


@dataclass(frozen=True, slots=True)
class Shape:
    """A group of equal branches: tokens before it, in each branch, and behind it, tags included."""

    main: int
    num_branches: int
    branch: int
    tail: int

    @property
    def num_tokens(self) -> int:
        """All tokens."""
        return self.main + self.num_branches * self.branch + self.tail

    @property
    def ideal(self) -> float:
        """All tokens by those of the longest way."""
        return self.num_tokens / (self.main + self.branch + self.tail)


TYPICAL = Shape(60, 6, 60, 40)
WIDE = Shape(18, 16, 100, 20)  # 16 promises and a sync take 17 tokens
PROMPT_TOKENS = 40
ASYNC_TAGS = 2
PROMPT = tuple(range(100, 100 + PROMPT_TOKENS))
FIRST_TOKEN, NUM_WORDS = 1000, 40_000  # ids that words are mapped to
PIECE = re.compile(r"<[^>]*>|[^\s<]+\s*|\s+")


def parallel_job(name: str, shape: Shape = TYPICAL) -> Job:
    """Return a DAG as a request: a word is a token, and so is a tag."""
    answer = forced_answer(parse(_response(shape)), _encode)
    assert answer.num_tokens == shape.num_tokens
    return Job(name, ForcedDecoder(PROMPT, answer))


def sequential_job(name: str, shape: Shape = TYPICAL) -> Job:
    """Return as many tokens in one thread."""
    tokens = tuple(_encode(_words("s", shape.num_tokens)))
    script = Script.sequential(shape.num_tokens)
    return Job(name, ForcedDecoder(PROMPT, ForcedAnswer((tokens,), script)), is_annotated=False)


def _response(shape: Shape) -> str:
    branches, own = range(shape.num_branches), shape.branch - ASYNC_TAGS
    promises = "".join(f'<promise topic="t{branch}" tokens="{-(-shape.branch // 10) * 10}"/>' for branch in branches)
    asyncs = "".join(f"<async>{_words(f'b{branch}x', own)}</async>" for branch in branches)
    main = _words("m", shape.main - shape.num_branches - 1)
    return f"{main}{promises}{asyncs}<sync/>{_words('t', shape.tail)}"


def _words(stem: str, count: int) -> str:
    return "".join(f"{stem}{index} " for index in range(count))


def _encode(text: str) -> list[int]:
    return [FIRST_TOKEN + zlib.crc32(piece.encode()) % NUM_WORDS for piece in PIECE.findall(text)]
