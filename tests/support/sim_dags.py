"""DAGs as numbers, made from random outlines, and a cost model that is easy to compute by hand."""

from dataclasses import dataclass
from itertools import count

from pasta_toolkit.dag import Chunk, ChunkKind, Dag
from simulator.answer import Answer
from simulator.cost.step_cost import StepCost, Term
from simulator.cost.step_shape import StepShape
from simulator.model_cost import ModelCost
from tests.support.sim_outlines import Outline

NS = 1e-9


def dag_of_outline(outline: Outline) -> Dag:
    """Edges are left out: the simulator reads the order of the chunks."""
    chunks: list[Chunk] = []
    threads = count(1)
    for group in outline.groups:
        for branch in group.branches:
            chunks += [
                Chunk(ChunkKind.MAIN, 0, branch.text_before, branch.promise_tag),
                Chunk(ChunkKind.BRANCH, next(threads), branch.tokens - 2, 2),
            ]
        if group.text_after:
            chunks.append(Chunk(ChunkKind.MAIN, 0, group.text_after, 0))
        chunks.append(Chunk(ChunkKind.JOIN, 0, 0, group.sync_tag))
    if outline.tail:
        chunks.append(Chunk(ChunkKind.MAIN, 0, outline.tail, 0))
    return Dag(tuple(chunks), (), sum(chunk.text_tokens for chunk in chunks), "outline")


def answer_of_outline(outline: Outline, *, prompt_tokens: int = 1) -> Answer:
    return Answer("a", dag_of_outline(outline), prompt_tokens)


@dataclass(frozen=True)
class PlainModel:
    """A step costs this much, and so much more for each token that it feeds and for each token attended to."""

    step: int = 1_000
    fed: int = 0
    attended: int = 0
    longest: int = 0
    name: str = "plain"

    def step_time(self, shape: StepShape) -> StepCost:
        attended = sum(shape.decode_contexts) + sum(p.context_tokens + p.chunk_tokens for p in shape.prefills)
        total = self.step + self.fed * shape.num_tokens + self.attended * attended
        total += self.longest * max(shape.decode_contexts, default=0)
        return StepCost((Term("all", total * NS),))


def plain_cost(**parameters: int) -> ModelCost:
    return ModelCost(PlainModel(**parameters))
