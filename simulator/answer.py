"""One answer: simulate the decode of its DAG alone on a device. Knows no load, no files and no reports."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from pasta_toolkit.dag import Dag
from pasta_toolkit.report.prediction import Prediction
from pasta_toolkit.runtime import Request, Script, TagTokens, TraceEvent, script_of_chunks
from simulator.loss import LossProbe, loss_account
from simulator.model_cost import ModelCost
from simulator.prefix_cache import PromptPrefix
from simulator.replica import Arrival, Serving
from simulator.simulation import RequestTimes, simulate
from simulator.token_levels import token_levels

__all__ = ["Answer", "StepCounter", "predict_pasta", "predict_sequential", "trace_of"]

SEQUENTIAL, PASTA = "sequential", "pasta"


@dataclass(frozen=True, slots=True)
class Answer:
    """An annotated answer in numbers: its DAG, how long its prompt is and how it begins, and what its promises say."""

    name: str
    dag: Dag
    prompt_tokens: int
    promised_tokens: tuple[int, ...] = ()
    prefix: PromptPrefix = field(default_factory=PromptPrefix)

    @property
    def sequential_tokens(self) -> int:
        """Tokens of the rendered answer."""
        return self.dag.sequential_tokens

    def script(self, jump_forward: TagTokens | None = None) -> Script:
        """Return what each thread decodes."""
        return script_of_chunks(self.dag.chunks, promised_tokens=self.promised_tokens, jump_forward=jump_forward)


def predict_sequential(answer: Answer, cost: ModelCost) -> Prediction:
    """Predict the decode of the rendered answer by one thread: the closed form of what the scheduler would do."""
    latency_ns = cost.sequential_ns(answer.prompt_tokens, answer.sequential_tokens)
    return Prediction(
        answer.name,
        SEQUENTIAL,
        latency_ns=latency_ns,
        ttft_ns=cost.prefill_ns(answer.prompt_tokens),
        sequential_ns=latency_ns,
        sequential_tokens=answer.sequential_tokens,
        decoded_tokens=answer.sequential_tokens,
        ideal_speedup=1.0,
        num_steps=max(1, answer.sequential_tokens),
    )


def predict_pasta(
    answer: Answer, cost: ModelCost, *, serving: Serving | None = None, jump_forward: TagTokens | None = None
) -> Prediction:
    """Predict the decode of an annotated answer by all its threads, with its loss account."""
    serving, probe = serving or Serving(), LossProbe(cost)
    arrival = Arrival(0, Request(answer.name, answer.prompt_tokens), answer.script(jump_forward))
    times = _alone(arrival, serving, probe, is_stepwise=cost.needs_every_step)
    levels = token_levels(answer.dag)
    sequential_ns = cost.sequential_ns(answer.prompt_tokens, answer.sequential_tokens)
    unlimited = _num_steps_unlimited(arrival, serving, probe)
    return Prediction(
        answer.name,
        PASTA,
        latency_ns=times.latency_ns,
        ttft_ns=times.ttft_ns,
        sequential_ns=sequential_ns,
        sequential_tokens=answer.sequential_tokens,
        decoded_tokens=times.decoded_tokens,
        ideal_speedup=answer.sequential_tokens / levels.critical_path if levels.critical_path else 1.0,
        num_steps=probe.num_steps + 1,
        loss=loss_account(
            probe,
            levels,
            sequential_ns=sequential_ns,
            sequential_tokens=answer.sequential_tokens,
            alone_ns=times.latency_ns,
            num_steps_unlimited=unlimited,
        ),
    )


def trace_of(
    answer: Answer, cost: ModelCost, *, serving: Serving | None = None, jump_forward: TagTokens | None = None
) -> list[TraceEvent]:
    """Return all events of the decode of one answer alone."""
    events: list[TraceEvent] = []
    arrival = Arrival(0, Request(answer.name, answer.prompt_tokens), answer.script(jump_forward))
    simulate([arrival], serving or Serving(), cost=cost, record=events.append)
    return events


def _alone(arrival: Arrival, serving: Serving, probe: LossProbe, *, is_stepwise: bool) -> RequestTimes:
    events: list[TraceEvent] = []  # a simulation that is recorded takes every step by itself
    return simulate([arrival], serving, cost=probe, record=events.append if is_stepwise else None).requests[0]


def _num_steps_unlimited(arrival: Arrival, serving: Serving, probe: LossProbe) -> int:
    """Count the steps without limits; those of the probe if there are none: memory alone never makes one wait."""
    unlimited = Serving()
    if serving.limits == unlimited.limits:
        return probe.num_steps
    counter = StepCounter()
    simulate([arrival], unlimited, cost=counter)
    return counter.num_steps - 1


class StepCounter:
    """A cost that counts steps; each takes the same time."""

    def __init__(self) -> None:
        self.num_steps = 0

    def duration_ns(self, lanes: Sequence[object]) -> int:
        """Count a step."""
        del lanes
        self.num_steps += 1
        return 1

    def decode_ns(self, contexts: Sequence[int]) -> int:
        """Count a step."""
        return self.duration_ns(contexts)

    def swap_ns(self, num_tokens: int) -> int:
        """Count nothing."""
        del num_tokens
        return 0
