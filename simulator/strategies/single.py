"""Strategies that decode an answer as one request: sequential, PASTA, APAR, plan-then-fill; with what each assumes."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import count

from pasta_toolkit.dag import MAIN_THREAD, Chunk, ChunkKind
from pasta_toolkit.runtime import Script, TagTokens, script_of_chunks
from simulator.answer import Answer
from simulator.executor import StepCost
from simulator.job import Job, Piece

__all__ = ["Apar", "Pasta", "PlanThenFill", "Sequential"]

# Source: APAR (arXiv 2401.06761): one control token [Fork] before a branch, [Child] begins it, EOS ends it.
FORK_TOKENS = 1
CHILD_TOKENS = 2


def _one_request(answer: Answer, script: Script, at_ns: int) -> Job:
    return Job(answer.name, ((Piece(answer.prompt_tokens, script, prefix=answer.prefix),),), at_ns)


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
        return _one_request(answer, script_of_chunks([_forked(chunk) for chunk in answer.dag.chunks]), at_ns)

    def priced(self, cost: StepCost) -> StepCost:
        """Return the cost as it is."""
        return cost


def _forked(chunk: Chunk) -> Chunk:
    fork = FORK_TOKENS if chunk.tag_tokens else 0
    tags = {ChunkKind.MAIN: fork, ChunkKind.BRANCH: CHILD_TOKENS, ChunkKind.JOIN: 0}
    return replace(chunk, tag_tokens=tags[chunk.kind])


@dataclass(frozen=True, slots=True)
class PlanThenFill:
    """First all promises of a group, then all its text in parallel, the main thread's too; then the sync.

    The plan of Planned Diffusion (arXiv 2510.18087) with an autoregressive fill in place of diffusion. A span of main
    text gets a promise as long as the document's promises are on average.
    """

    name: str = "plan-then-fill"

    def job(self, answer: Answer, *, at_ns: int = 0) -> Job:
        """Return one request that plans and forks."""
        return _one_request(answer, script_of_chunks(list(_planned(answer.dag.chunks))), at_ns)

    def priced(self, cost: StepCost) -> StepCost:
        """Return the cost as it is."""
        return cost


def _planned(chunks: Sequence[Chunk]) -> Iterator[Chunk]:
    """Turn each group's text into spans: promises first, then branches, then the join. Without promises: as it is."""
    promises = [chunk.tag_tokens for chunk in chunks if chunk.kind is ChunkKind.MAIN and chunk.tag_tokens]
    if not promises:
        yield from chunks
        return
    mean_promise = round(sum(promises) / len(promises))
    branch_tags = next(chunk.tag_tokens for chunk in chunks if chunk.kind is ChunkKind.BRANCH)
    spans: list[int] = []
    threads = count(MAIN_THREAD + 1)
    for chunk in chunks:
        if chunk.kind is ChunkKind.JOIN:
            yield from _spans(spans, mean_promise, branch_tags, threads)
            yield replace(chunk, text_tokens=0)
            spans = []
        elif chunk.text_tokens:
            spans.append(chunk.text_tokens)
    yield from _spans(spans, mean_promise, branch_tags, threads)


def _spans(spans: Sequence[int], promise_tokens: int, branch_tags: int, threads: Iterator[int]) -> Iterator[Chunk]:
    """One span alone is not worth a promise: the main thread decodes it."""
    if len(spans) == 1:
        yield Chunk(ChunkKind.MAIN, MAIN_THREAD, spans[0], 0)
        return
    for text_tokens in spans:
        yield Chunk(ChunkKind.MAIN, MAIN_THREAD, 0, promise_tokens)
        yield Chunk(ChunkKind.BRANCH, next(threads), text_tokens, branch_tags)
