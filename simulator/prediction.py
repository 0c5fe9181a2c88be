"""One answer under any strategy, alone on a device. Knows no load, no files and no reports."""

from dataclasses import replace

from pasta_toolkit.report.prediction import Prediction
from simulator.answer import Answer, StepCounter, predict_pasta, predict_sequential
from simulator.job import run_jobs
from simulator.model_cost import ModelCost
from simulator.replica import Serving
from simulator.strategies import Pasta, Sequential, Strategy

__all__ = ["predict"]


def predict(answer: Answer, strategy: Strategy, *, cost: ModelCost, serving: Serving | None = None) -> Prediction:
    """Predict one answer: PASTA with its loss account, sequential in closed form, others by simulating their job.

    The ideal speed-up of a strategy is sequential tokens / the steps that it takes alone without limits.
    """
    low_factor, high_factor = cost.interval
    prediction = _predicted(answer, strategy, cost=cost, serving=serving)
    return replace(prediction, low_factor=low_factor, high_factor=high_factor)


def _predicted(answer: Answer, strategy: Strategy, *, cost: ModelCost, serving: Serving | None) -> Prediction:
    if isinstance(strategy, Pasta):
        return predict_pasta(answer, cost, serving=serving, jump_forward=strategy.jump_forward)
    if isinstance(strategy, Sequential) and (serving is None or _fits(answer, serving)):
        return predict_sequential(answer, cost)
    job = strategy.job(answer)
    (times,), _ = run_jobs([job], serving or Serving(), cost=strategy.priced(cost))
    counter = StepCounter()
    run_jobs([job], Serving(), cost=counter)
    return Prediction(
        answer.name,
        strategy.name,
        latency_ns=times.latency_ns,
        ttft_ns=times.ttft_ns,
        sequential_ns=cost.sequential_ns(answer.prompt_tokens, answer.sequential_tokens),
        sequential_tokens=answer.sequential_tokens,
        decoded_tokens=times.decoded_tokens,
        ideal_speedup=answer.sequential_tokens / counter.num_steps if answer.sequential_tokens else 1.0,
        num_steps=counter.num_steps,
    )


def _fits(answer: Answer, serving: Serving) -> bool:
    """Whether one thread is served as if there were no limits, for which there is a closed form."""
    slots = serving.layout.slots(0, answer.prompt_tokens + answer.sequential_tokens)
    has_room = serving.kv_slots is None or slots <= serving.kv_slots
    return has_room and answer.prompt_tokens <= serving.limits.max_batched_tokens
