"""Skeleton-of-Thought: a request for the skeleton, then one request for each point, each with a prefill of its own."""

from dataclasses import dataclass

from pasta_toolkit.dag import ChunkKind
from pasta_toolkit.runtime import Script
from simulator.answer import Answer
from simulator.executor import StepCost
from simulator.job import Job, Piece

__all__ = ["SkeletonOfThought"]

# Source: the prompts `sot_chatgpt` of imagination-research/sot (MIT), counted with the SmolLM2 tokenizer without their
# placeholders: the skeleton prompt; the point prompt up to and including the skeleton's heading; the rest of it.
SKELETON_PROMPT_TOKENS = 245
POINT_PROMPT_HEAD_TOKENS = 31
POINT_PROMPT_TAIL_TOKENS = 41
# Source: the same prompts: "1. Energy conservation. \n" has 6 tokens; the prompt asks for 3 to 5 words a point.
SKELETON_TOKENS_PER_POINT = 6


@dataclass(frozen=True, slots=True)
class SkeletonOfThought:
    """Skeleton-of-Thought (arXiv 2307.15337) on the same answer: its branches are the points.

    What the main thread says beside them is shared out evenly, since all text of such an answer lies in points. An
    answer with fewer than two branches is decoded sequentially, as the method's router would have it. With a prefix
    cache, all points but the first find question and skeleton in the cache.
    """

    has_prefix_cache: bool = False

    @property
    def name(self) -> str:
        """What options and reports call the strategy."""
        return "skeleton-of-thought-cached" if self.has_prefix_cache else "skeleton-of-thought"

    def job(self, answer: Answer, *, at_ns: int = 0) -> Job:
        """Return a skeleton request and the requests of the points."""
        branches = [chunk.text_tokens for chunk in answer.dag.chunks if chunk.kind is ChunkKind.BRANCH]
        if len(branches) < 2:  # noqa: PLR2004 - two points are the fewest that can run in parallel
            script = Script.sequential(answer.sequential_tokens)
            return Job(answer.name, ((Piece(answer.prompt_tokens, script),),), at_ns)
        skeleton_tokens = SKELETON_TOKENS_PER_POINT * len(branches)
        skeleton = Piece(SKELETON_PROMPT_TOKENS + answer.prompt_tokens, Script.sequential(skeleton_tokens))
        shared = POINT_PROMPT_HEAD_TOKENS + answer.prompt_tokens + skeleton_tokens
        points = tuple(
            Piece(
                shared + POINT_PROMPT_TAIL_TOKENS + SKELETON_TOKENS_PER_POINT,
                Script.sequential(tokens),
                shared if self.has_prefix_cache and index else 0,
            )
            for index, tokens in enumerate(_with_main_text(branches, answer))
        )
        return Job(answer.name, ((skeleton,), points), at_ns)

    def priced(self, cost: StepCost) -> StepCost:
        """Return the cost as it is."""
        return cost


def _with_main_text(branches: list[int], answer: Answer) -> list[int]:
    """Share out the main thread's text: evenly, what does not divide to the first points."""
    main = sum(chunk.text_tokens for chunk in answer.dag.chunks if chunk.kind is not ChunkKind.BRANCH)
    each, rest = divmod(main, len(branches))
    return [tokens + each + (index < rest) for index, tokens in enumerate(branches)]
