"""The loss account of one answer: the chain of latencies from perfect to predicted. Definitions: docs/simulator.md.

A probe prices each step of the simulation three more times while it runs: as its longest lane alone, as lanes of equal
contexts, and as the lanes are but without copies and forced tokens. The schedule of one request alone does not depend
on prices, so these are what simulations at those prices would find.
"""

from pasta_toolkit.report.prediction import LossAccount
from pasta_toolkit.runtime import Lane
from simulator.model_cost import ModelCost
from simulator.token_levels import TokenLevels

__all__ = ["LossProbe", "loss_account"]


class LossProbe:
    """A step cost that asks a model's, and sums up counterfactual prices of the steps after the prompt's."""

    def __init__(self, cost: ModelCost) -> None:
        self.prefill_ns = 0
        self.longest_alone_ns = 0
        self.equal_contexts_ns = 0
        self.decode_lanes_ns = 0
        self.num_steps = 0
        self.shortest_ns = 0
        self._cost = cost
        self._prompt_is_fed = False

    def duration_ns(self, lanes: tuple[Lane, ...]) -> int:
        """Return the model's price of a step, and take note of the others."""
        actual_ns = self._cost.duration_ns(lanes)
        if self._prompt_is_fed:
            self._note(tuple([lane.context_tokens + lane.num_tokens - 1 for lane in lanes]))
        else:
            self.prefill_ns += actual_ns
            self._prompt_is_fed = lanes[0].decodes
        return actual_ns

    def decode_ns(self, contexts: tuple[int, ...]) -> int:
        """Return the model's price of a decode step, and take note of the others."""
        return self._note(contexts)

    def swap_ns(self, num_tokens: int) -> int:
        """Return the model's price of a swap."""
        return self._cost.swap_ns(num_tokens)

    def _note(self, contexts: tuple[int, ...]) -> int:
        decode_ns = self._cost.decode_ns(contexts)
        self.shortest_ns = min(self.shortest_ns, decode_ns) if self.num_steps else decode_ns
        self.num_steps += 1
        self.decode_lanes_ns += decode_ns
        if len(contexts) == 1:
            self.longest_alone_ns += decode_ns
            self.equal_contexts_ns += decode_ns
        else:
            mean = (sum(contexts) + len(contexts) // 2) // len(contexts)
            self.longest_alone_ns += self._cost.decode_ns((max(contexts),))
            self.equal_contexts_ns += self._cost.decode_ns((mean,) * len(contexts))
        return decode_ns


def loss_account(
    probe: LossProbe,
    levels: TokenLevels,
    *,
    sequential_ns: int,
    sequential_tokens: int,
    alone_ns: int,
    num_steps_unlimited: int,
) -> LossAccount:
    """Return the chain of latencies of a request alone.

    `alone_ns` is the latency of the request alone under the limits, whose steps the probe has seen;
    `num_steps_unlimited` counts the steps after the prompt's that it would take without limits.
    """
    ideal_ns = _scaled(sequential_ns, levels.critical_path, sequential_tokens)
    decode_ns, after_first = sequential_ns - probe.prefill_ns, sequential_tokens - 1
    if after_first < 1:  # one thread alone would take no step after the first: take the shortest there is
        decode_ns, after_first = probe.shortest_ns, 1
    tokens = (levels.all_share, levels.branches_share, levels.without_tags)
    steps = (levels.critical_path - 1, num_steps_unlimited, probe.num_steps)
    return LossAccount(
        (
            *(_scaled(sequential_ns, level, sequential_tokens) for level in tokens),
            ideal_ns,
            *(probe.prefill_ns + _scaled(decode_ns, num_steps, after_first) for num_steps in steps),
            probe.prefill_ns + probe.longest_alone_ns,
            probe.prefill_ns + probe.equal_contexts_ns,
            probe.prefill_ns + probe.decode_lanes_ns,
            alone_ns,
            alone_ns,
            alone_ns,
        )
    )


def _scaled(duration_ns: int, part: int, whole: int) -> int:
    """Return duration x part / whole, rounded half up, in integers; the duration itself where nothing is to divide."""
    return (2 * duration_ns * part + whole) // (2 * whole) if whole > 0 else duration_ns
