"""Lets a cost model price the lanes of steps. Knows no scheduler; remembers what single lanes cost: all ask that."""

from itertools import accumulate

from pasta_toolkit.runtime import Lane
from simulator.cost.step_cost import CostModel
from simulator.cost.step_shape import PrefillShape, StepShape

__all__ = ["ModelCost"]


class ModelCost:
    """The price of steps by a cost model, in whole nanoseconds.

    A lane that feeds one token is a decode lane, one that feeds more a prefill chunk. A copy within the cache (at a
    fork, layout `copied`) takes `copy_ns_per_token`, a move to or from the host `swap_ns_per_token`. `step_model` is
    the cost model. State: a memory of prices of single lanes, which changes nothing. A cost that `needs_every_step`
    follows what the cache holds, so that no step may be left out.
    """

    needs_every_step = False

    def __init__(self, model: CostModel, *, copy_ns_per_token: float = 0.0, swap_ns_per_token: float = 0.0) -> None:
        self.step_model = model
        self._swap_ns_per_token = swap_ns_per_token
        self._copy_ns_per_token = copy_ns_per_token
        self._known: dict[tuple[int, ...], int] = {}
        self._prefills: dict[int, int] = {}
        self._sums: list[int] = [0]

    @property
    def interval(self) -> tuple[float, float]:
        """The factors around a predicted time between which the true one is expected; (1, 1) where nothing is known.

        They are the cost model's for one step. Errors of the steps of one answer go together (the same kernels and
        lanes), so they are taken over to sums of steps as they are, which is the cautious choice.
        """
        step = self.step_model.step_time(StepShape((1,)))
        return step.low_factor, step.high_factor

    def duration_ns(self, lanes: tuple[Lane, ...]) -> int:
        """Return the time of a step of these lanes."""
        contexts = tuple(lane.context_tokens for lane in lanes if lane.num_tokens == 1)
        copied = sum(lane.copied_tokens for lane in lanes)
        copy_ns = round(copied * self._copy_ns_per_token) if copied else 0
        if len(contexts) == len(lanes):
            return self.decode_ns(contexts) + copy_ns
        chunks = tuple(PrefillShape(lane.num_tokens, lane.context_tokens) for lane in lanes if lane.num_tokens > 1)
        return self.step_model.step_time(StepShape(_with_own(contexts), chunks)).total_ns + copy_ns

    def decode_ns(self, contexts: tuple[int, ...]) -> int:
        """Return the time of a step whose lanes feed one token each, behind so many tokens of context."""
        if len(contexts) > 1 and len(set(contexts)) > 1:
            return self.step_model.step_time(StepShape(_with_own(contexts))).total_ns
        if contexts not in self._known:
            self._known[contexts] = self.step_model.step_time(StepShape(_with_own(contexts))).total_ns
        return self._known[contexts]

    def swap_ns(self, num_tokens: int) -> int:
        """Return the time to move so many tokens between the cache and the host's memory."""
        return round(num_tokens * self._swap_ns_per_token)

    def prefill_ns(self, prompt_tokens: int) -> int:
        """Return the time of a prompt that is fed in one step; one token is a decode lane without context."""
        if prompt_tokens not in self._prefills:
            lane = Lane("", 0, prompt_tokens, 0, 0, decodes=True)
            self._prefills[prompt_tokens] = self.duration_ns((lane,))
        return self._prefills[prompt_tokens]

    def sequential_ns(self, prompt_tokens: int, num_tokens: int) -> int:
        """Return the time of one thread alone: its prefill, and a step for each token but the first.

        Source: ours; the closed form of what the scheduler does with one thread, which the tests hold equal.
        """
        last = prompt_tokens + max(num_tokens, 1) - 1
        if last >= len(self._sums):
            self._extend(last)
        return self.prefill_ns(prompt_tokens) + self._sums[last] - self._sums[prompt_tokens]

    def _extend(self, last: int) -> None:
        """Continue the running sums: `_sums[n]` is the time of decode steps behind 0 to n - 1 tokens of context."""
        prices = [self.decode_ns((context,)) for context in range(len(self._sums) - 1, last)]
        self._sums[-1:] = accumulate(prices, initial=self._sums[-1])


def _with_own(contexts: tuple[int, ...]) -> tuple[int, ...]:
    return tuple([context + 1 for context in contexts])
