"""Speculative decoding around any strategy: a draft proposes tokens, one step verifies them. Knows no text.

Source: Leviathan et al. (ICML 2023, arXiv 2211.17192): with acceptance rate a and k drafted tokens, a step decodes
(1 - a^(k+1)) / (1 - a) tokens on average; each drafted token is accepted independently.
"""

import math
import random
from collections.abc import Iterator
from dataclasses import dataclass, replace

from grammar import PastaError
from pasta_toolkit.runtime import Lane, Run, Script, ThreadScript
from simulator.answer import Answer
from simulator.executor import StepCost
from simulator.job import Job, Piece
from simulator.strategies.strategy import Strategy

__all__ = ["Speculative", "SpeculativeError", "expected_tokens"]


class SpeculativeError(PastaError):
    """Report a draft that cannot be."""


def expected_tokens(draft_tokens: int, acceptance: float) -> float:
    """Return the mean number of tokens that a step decodes.

    >>> expected_tokens(0, 0.5), expected_tokens(1, 0.5), expected_tokens(3, 1.0)
    (1.0, 1.5, 4.0)
    """
    return math.fsum(acceptance**power for power in range(draft_tokens + 1))


@dataclass(frozen=True, slots=True)
class Speculative:
    """Every thread of an inner strategy drafts and verifies.

    A lane feeds `draft_tokens` + 1 tokens; those rejected leave the cache at once. The draft model takes `draft_cost`
    of the same decode step's time for each drafted token. How many are accepted is drawn from `seed` and the answer's
    name, so that it does not depend on the order of answers. Forced tokens and tags are drafted like text.
    """

    inner: Strategy
    draft_tokens: int = 4
    acceptance: float = 0.7
    draft_cost: float = 0.05
    seed: int = 0

    def __post_init__(self) -> None:
        """Refuse drafts that cannot be."""
        if self.draft_tokens < 1:
            raise SpeculativeError(f"a draft has at least 1 token, found {self.draft_tokens}")
        if not 0 <= self.acceptance <= 1:
            raise SpeculativeError(f"an acceptance rate lies between 0 and 1, found {self.acceptance}")
        if not (math.isfinite(self.draft_cost) and self.draft_cost >= 0):
            raise SpeculativeError(f"the cost of a drafted token cannot be negative, found {self.draft_cost}")

    @property
    def name(self) -> str:
        """What options and reports call the strategy."""
        return "speculative" if self.inner.name == "sequential" else f"speculative-{self.inner.name}"

    def job(self, answer: Answer, *, at_ns: int = 0) -> Job:
        """Return the inner strategy's job with fewer lanes that decode more tokens each."""
        # Seeded by the answer's numbers: the same answer in another folder draws the same.
        lengths = [answer.prompt_tokens, *(chunk.tokens for chunk in answer.dag.chunks)]
        generator = random.Random(f"{self.seed} {lengths}")  # noqa: S311 - a simulation, not a secret
        job = self.inner.job(answer, at_ns=at_ns)
        return replace(job, stages=tuple(tuple(self._piece(p, generator) for p in stage) for stage in job.stages))

    def priced(self, cost: StepCost) -> StepCost:
        """Return the cost of verifying, and of drafting before."""
        return _VerifyingCost(self.inner.priced(cost), self.draft_tokens, self.draft_cost)

    def _piece(self, piece: Piece, generator: random.Random) -> Piece:
        scripts = enumerate(piece.script.threads)
        threads = (ThreadScript(tuple(self._runs(script, generator, prefills=not i))) for i, script in scripts)
        return replace(piece, script=Script(tuple(threads)))

    def _runs(self, thread: ThreadScript, generator: random.Random, *, prefills: bool) -> Iterator[Run]:
        """Cut runs into lanes that decode what was accepted; the lane that ends a prefill has no draft to verify."""
        drafts = not prefills
        for run in thread.runs:
            if run.tokens_per_lane != 1:
                yield run
                continue
            left = run.num_lanes
            while left:
                tokens = min(left, 1 + (self._accepted(generator) if drafts else 0))
                drafts = True
                left -= tokens
                yield Run(1, tokens, () if left else run.events)

    def _accepted(self, generator: random.Random) -> int:
        accepted = 0
        while accepted < self.draft_tokens and generator.random() < self.acceptance:
            accepted += 1
        return accepted


@dataclass(frozen=True, slots=True)
class _VerifyingCost:
    """The price of steps whose lanes verify drafts: each feeds all drafted tokens and the one before.

    A lane that feeds no more than that, is taken to verify; one that feeds more is a prefill.
    """

    cost: StepCost
    draft_tokens: int
    draft_cost: float

    def duration_ns(self, lanes: tuple[Lane, ...]) -> int:
        """Return the time of a step that verifies, after as many draft steps as there are drafted tokens."""
        width = self.draft_tokens + 1
        verifying = [lane for lane in lanes if lane.num_tokens <= width]
        verified_ns = self.cost.duration_ns(
            tuple(lane._replace(num_tokens=width) if lane.num_tokens <= width else lane for lane in lanes)
        )
        if not verifying:
            return verified_ns
        contexts = tuple(lane.context_tokens for lane in verifying)
        return verified_ns + round(self.draft_tokens * self.draft_cost * self.cost.decode_ns(contexts))

    def decode_ns(self, contexts: tuple[int, ...]) -> int:
        """Return the time of the same, for lanes of which only the contexts are known."""
        return self.duration_ns(tuple(Lane("", index, 1, 0, context, True) for index, context in enumerate(contexts)))

    def swap_ns(self, num_tokens: int) -> int:
        """Return the price of a swap."""
        return self.cost.swap_ns(num_tokens)
