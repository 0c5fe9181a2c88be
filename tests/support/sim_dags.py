"""DAGs as numbers, made from random outlines, and a cost model that is easy to compute by hand."""

from dataclasses import dataclass

from simulator.answer import Answer
from simulator.cost.step_cost import StepCost, Term
from simulator.cost.step_shape import StepShape
from simulator.model_cost import ModelCost
from tests.support.sim_outlines import Outline

NS = 1e-9


@dataclass(frozen=True)
class PlainChunk:
    kind: str
    text_tokens: int
    tag_tokens: int


@dataclass(frozen=True)
class PlainDag:
    chunks: tuple[PlainChunk, ...]


def dag_of_outline(outline: Outline) -> PlainDag:
    chunks = []
    for group in outline.groups:
        for branch in group.branches:
            chunks += [
                PlainChunk("main", branch.text_before, branch.promise_tag),
                PlainChunk("branch", branch.tokens - 2, 2),
            ]
        if group.text_after:
            chunks.append(PlainChunk("main", group.text_after, 0))
        chunks.append(PlainChunk("join", 0, group.sync_tag))
    if outline.tail:
        chunks.append(PlainChunk("main", outline.tail, 0))
    return PlainDag(tuple(chunks))


def answer_of_outline(outline: Outline, *, prompt_tokens: int = 1) -> Answer:
    dag = dag_of_outline(outline)
    text = sum(chunk.text_tokens for chunk in dag.chunks)
    return Answer("a", dag, text, prompt_tokens)


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
