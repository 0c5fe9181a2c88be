"""Predicts what an engine was measured to do: the same request, replayed, in the form that reports compare.

Knows no engine: of a decode it takes the script and the length of the prompt.
"""

from dataclasses import dataclass, field

from pasta_toolkit.dag import Dag
from pasta_toolkit.report.comparison_row import Predicted
from pasta_toolkit.report.measurement import PROBE_CONTEXT_TOKENS
from pasta_toolkit.runtime import Request, Script
from simulator.answer import StepCounter
from simulator.pool_cost import ExplainedCost
from simulator.replayed_decode import loss_of, replay_decode
from simulator.replica import Arrival, Serving
from simulator.simulation import simulate
from simulator.token_levels import token_levels

__all__ = ["Decode", "predict_decode"]


@dataclass(frozen=True, slots=True)
class Decode:
    """One answer: what its threads decode, and what one thread would. With its DAG, its losses can be told apart."""

    name: str
    prompt_tokens: int
    parallel: Script
    sequential: Script
    dag: Dag | None = field(default=None, repr=False)

    @property
    def sequential_tokens(self) -> int:
        """Tokens of the rendered answer."""
        return sum(thread.decoded_tokens for thread in self.sequential.threads)


def predict_decode(decode: Decode, *, cost: ExplainedCost, serving: Serving) -> Predicted:
    """Predict both decodes of an answer, alone on the device.

    Raises:
        KvError: the cache cannot hold it.
    """
    parallel, sequential = (
        replay_decode(decode.name, script, prompt_tokens=decode.prompt_tokens, cost=cost, serving=serving)
        for script in (decode.parallel, decode.sequential)
    )
    low_factor, high_factor = cost.interval
    loss = None
    if decode.dag is not None and decode.sequential_tokens:
        loss = loss_of(
            parallel,
            sequential,
            decode.dag,
            script=decode.parallel,
            prompt_tokens=decode.prompt_tokens,
            sequential_tokens=decode.sequential_tokens,
        )
    return Predicted(
        decode.name,
        parallel.events,
        sequential.events,
        parallel.terms,
        decode.sequential_tokens,
        decode.sequential_tokens / _critical_path(decode),
        low_factor,
        high_factor,
        loss,
        cost.decode_ns((PROBE_CONTEXT_TOKENS,)),
        cost.steady_interval,
    )


def _critical_path(decode: Decode) -> int:
    """Return the critical-path tokens; without a DAG the steps that the decode takes at least."""
    if decode.dag is not None:
        return max(1, token_levels(decode.dag).critical_path)
    counter = StepCounter()
    simulate([Arrival(0, _request(decode), decode.parallel)], Serving(), cost=counter)
    return counter.num_steps


def _request(decode: Decode) -> Request:
    return Request(decode.name, decode.prompt_tokens)
