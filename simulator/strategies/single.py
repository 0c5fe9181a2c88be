"""Strategies that decode an answer as one request: sequential, PASTA, APAR, plan-then-fill; with what each assumes."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from pasta_toolkit.runtime import ChunkCounts, Script, TagTokens, script_of_dag
from simulator.answer import Answer
from simulator.executor import StepCost
from simulator.job import Job, Piece

__all__ = ["Apar", "Pasta", "PlanThenFill", "Sequential"]

MAIN, BRANCH, JOIN = "main", "branch", "join"
# Source: APAR (arXiv 2401.06761): one control token [Fork] before a branch, [Child] begins it, EOS ends it.
FORK_TOKENS = 1
CHILD_TOKENS = 2


@dataclass(frozen=True, slots=True)
class _Chunk:
    kind: str
    text_tokens: int
    tag_tokens: int


@dataclass(frozen=True, slots=True)
class _Chunks:
    chunks: Sequence[ChunkCounts]


def _one_request(answer: Answer, script: Script, at_ns: int) -> Job:
    return Job(answer.name, ((Piece(answer.prompt_tokens, script),),), at_ns)


@dataclass(frozen=True, slots=True)
class Sequential:
    """The rendered answer, one thread, no tags: the baseline of every speed-up."""

    name: str = "sequential"

    def job(self, answer: Answer, *, at_ns: int = 0) -> Job:
        """Return one request."""
        return _one_request(answer, Script.sequential(answer.sequential_tokens), at_ns)

    def priced(self, cost: StepCost) -> StepCost:
        """Return the cost as it is."""
        return cost


@dataclass(frozen=True, slots=True)
class Pasta:
    """The annotated answer by all its threads; with tags' sizes given, forced tokens jump forward."""

    jump_forward: TagTokens | None = None
    name: str = "pasta"

    def job(self, answer: Answer, *, at_ns: int = 0) -> Job:
        """Return one request that forks."""
        return _one_request(answer, answer.script(self.jump_forward), at_ns)

    def priced(self, cost: StepCost) -> StepCost:
        """Return the cost as it is."""
        return cost


@dataclass(frozen=True, slots=True)
class Apar:
    """APAR on the same branches: one token forks, none joins, so that text after a sync waits for nothing.

    Its published structures are paragraphs and list items; here they are the annotated branches, so that strategies
    differ in mechanism only. Quality is out of sight: the text after a sync does not see the branches.
    """

    name: str = "apar"

    def job(self, answer: Answer, *, at_ns: int = 0) -> Job:
        """Return one request that forks and never joins."""
        return _one_request(answer, script_of_dag(_Chunks(tuple(map(_forked, answer.dag.chunks)))), at_ns)

    def priced(self, cost: StepCost) -> StepCost:
        """Return the cost as it is."""
        return cost


def _forked(chunk: ChunkCounts) -> _Chunk:
    tags = {MAIN: FORK_TOKENS if chunk.tag_tokens else 0, BRANCH: CHILD_TOKENS, JOIN: 0}
    return _Chunk(chunk.kind, chunk.text_tokens, tags[chunk.kind])


@dataclass(frozen=True, slots=True)
class PlanThenFill:
    """First all promises of a group, then all its text in parallel, the main thread's too; then the sync.

    The plan of Planned Diffusion (arXiv 2510.18087) with an autoregressive fill in place of diffusion. A span of main
    text gets a promise as long as the document's promises are on average.
    """

    name: str = "plan-then-fill"

    def job(self, answer: Answer, *, at_ns: int = 0) -> Job:
        """Return one request that plans and forks."""
        return _one_request(answer, script_of_dag(_Chunks(tuple(_planned(answer.dag.chunks)))), at_ns)

    def priced(self, cost: StepCost) -> StepCost:
        """Return the cost as it is."""
        return cost


def _planned(chunks: Sequence[ChunkCounts]) -> Iterator[_Chunk]:
    """Turn each group's text into spans: promises first, then branches, then the join. Without promises: as it is."""
    promises = [chunk.tag_tokens for chunk in chunks if chunk.kind == MAIN and chunk.tag_tokens]
    if not promises:
        yield from (_Chunk(chunk.kind, chunk.text_tokens, chunk.tag_tokens) for chunk in chunks)
        return
    mean_promise = round(sum(promises) / len(promises))
    branch_tags = next(chunk.tag_tokens for chunk in chunks if chunk.kind == BRANCH)
    spans: list[int] = []
    for chunk in chunks:
        if chunk.kind == JOIN:
            yield from _spans(spans, mean_promise, branch_tags)
            yield _Chunk(JOIN, 0, chunk.tag_tokens)
            spans = []
        elif chunk.text_tokens:
            spans.append(chunk.text_tokens)
    yield from _spans(spans, mean_promise, branch_tags)


def _spans(spans: Sequence[int], promise_tokens: int, branch_tags: int) -> Iterator[_Chunk]:
    """One span alone is not worth a promise: the main thread decodes it."""
    if len(spans) == 1:
        yield _Chunk(MAIN, spans[0], 0)
        return
    for text_tokens in spans:
        yield _Chunk(MAIN, 0, promise_tokens)
        yield _Chunk(BRANCH, text_tokens, branch_tags)
