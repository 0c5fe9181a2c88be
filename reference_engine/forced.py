"""Forced mode: a document's own tokens, thread by thread, so that the very DAG is executed. Runs no model.

Counting and feeding agree: a chunk's tokens are those of its pieces, each tokenised alone, as `build_dag` counts them.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache

import torch

from grammar import Document, Promise, render
from pasta_toolkit.dag import build_dag, chunk_pieces
from pasta_toolkit.runtime import Lane, Script, ScriptReader, TagTokens, script_of_chunks
from reference_engine.decoding import Decoded

__all__ = [
    "EncodeCounter",
    "ForcedAnswer",
    "ForcedDecoder",
    "forced_answer",
    "forced_text",
    "idle_decoder",
    "idle_prompt",
]

Encode = Callable[[str], Sequence[int]]


@dataclass(frozen=True, slots=True)
class ForcedAnswer:
    """The tokens of each thread, the main thread's first, and the script that says in which lanes they are decoded."""

    threads: tuple[tuple[int, ...], ...]
    script: Script

    @property
    def num_tokens(self) -> int:
        """All tokens, tags included."""
        return sum(map(len, self.threads))


def forced_answer(document: Document, encode: Encode, *, jump_forward: bool = False) -> ForcedAnswer:
    """Return what the threads of an annotated response decode.

    With `jump_forward`, tokens of a tag that can only follow are fed together with the one before.

    Raises:
        ValueError: the document is not a response.
    """
    if document.form != "response":
        raise ValueError(f"only a response can be forced, found form {document.form!r}")
    encode = cache(encode)  # each piece is counted first and fed later
    dag = build_dag(document, EncodeCounter(encode))
    threads: list[list[int]] = [[] for _ in range(1 + dag.num_branches)]
    for chunk, pieces in zip(dag.chunks, chunk_pieces(document), strict=True):
        for piece in pieces:
            threads[chunk.thread] += encode(piece)
    promised = [node.tokens for node in document.nodes if isinstance(node, Promise)]
    tags = TagTokens.counted(lambda text: len(encode(text))) if jump_forward else None
    script = script_of_chunks(dag.chunks, promised_tokens=promised, jump_forward=tags)
    return ForcedAnswer(tuple(map(tuple, threads)), script)


def forced_text(text: str | Document, encode: Encode) -> ForcedAnswer:
    """Return what one thread decodes of a plain text, or of a document's rendered answer: the sequential baseline."""
    tokens = tuple(encode(text if isinstance(text, str) else render(text)))
    return ForcedAnswer((tokens,), Script.sequential(len(tokens)))


class ForcedDecoder:
    """Decodes a forced answer. State: how far each thread has come, and how often the model would have agreed."""

    response = None  # the document is the caller's

    def __init__(self, prompt: Sequence[int], answer: ForcedAnswer) -> None:
        self.prompt = prompt
        self.num_agreed = 0
        self.num_picked = 0
        self.answer = answer
        self._reader = ScriptReader()
        self._reader.add("", answer.script)
        self._num_known = [0] * len(answer.threads)

    def first_tokens(self, branch: int) -> Sequence[int]:
        """Return what was forced on the branch when its promise was closed."""
        forced = len(self.answer.threads[branch]) - self.answer.script.threads[branch].decoded_tokens
        self._num_known[branch] = forced
        return self.answer.threads[branch][:forced]

    def decoded_threads(self) -> Sequence[Sequence[int]]:
        """Return what the script has made known."""
        return [tokens[:known] for tokens, known in zip(self.answer.threads, self._num_known, strict=True)]

    @property
    def agreement(self) -> float | None:
        """The share of lanes in which the model would have picked the first token; None before the first."""
        return self.num_agreed / self.num_picked if self.num_picked else None

    def decode(self, thread: int, logits: torch.Tensor, *, pick: int) -> Decoded:
        """Return what the script says, whatever the model thinks."""
        del logits
        lane = Lane("", thread, 1, 0, 0, decodes=True)
        progress = self._reader.progress((lane,))[0]
        assert progress is not None
        begin = self._num_known[thread]
        tokens = self.answer.threads[thread][begin : begin + progress.decoded_tokens]
        self._num_known[thread] += len(tokens)
        self._compare(pick, tokens)
        return Decoded(progress, tokens)

    def _compare(self, pick: int, tokens: Sequence[int]) -> None:
        if tokens:
            self.num_picked += 1
            self.num_agreed += pick == tokens[0]


@dataclass(frozen=True, slots=True)
class EncodeCounter:
    """Counts tokens with the engine's own tokenizer."""

    encode: Encode
    name: str = "the engine's"
    is_exact: bool = True

    def count(self, text: str) -> int:
        """Return the tokens of a text."""
        return len(self.encode(text))

    def count_batch(self, texts: Sequence[str]) -> list[int]:
        """Return the tokens of each text."""
        return [self.count(text) for text in texts]


def idle_prompt(num_tokens: int) -> tuple[int, ...]:
    """Return tokens that mean nothing: which they are has no effect on how long steps take."""
    return tuple(place % 7 + 3 for place in range(num_tokens))


def idle_decoder(prompt_tokens: int, num_tokens: int) -> ForcedDecoder:
    """Return one thread's decoder of so many tokens that mean nothing."""
    prompt = idle_prompt(prompt_tokens)
    return ForcedDecoder(prompt, ForcedAnswer((prompt[:1] * num_tokens,), Script.sequential(num_tokens)))
