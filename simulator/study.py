"""A study: answers, a device, strategies and loads in; a report out. Knows no files and no formats."""

import random
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from functools import partial

from grammar import Document, PastaError
from pasta_toolkit.dag import build_dags
from pasta_toolkit.report.load import BreakEven, LoadPoint
from pasta_toolkit.report.prediction import Prediction
from pasta_toolkit.report.simulation import SimulationReport, summarise
from pasta_toolkit.report.timeline import Timeline, timeline_of
from pasta_toolkit.runtime import TraceEvent
from pasta_toolkit.specs import HardwareSpec, ModelSpec, place
from pasta_toolkit.tokens import TokenCounter
from simulator.answer import Answer, trace_of
from simulator.arrivals import DEFAULT_BURSTINESS, unit_gaps
from simulator.load import Cluster, break_even, load_curve, narrowed, serve
from simulator.model_cost import ModelCost
from simulator.prediction import predict
from simulator.replica import Serving
from simulator.strategies import StrategyOptions, strategy
from simulator.trace_files import RecordedRequest

__all__ = [
    "Loads",
    "Study",
    "StudyError",
    "answers_of",
    "kv_capacity",
    "recorded_rates",
    "run_study",
]

DEFAULT_STRATEGIES = ("sequential", "pasta")
NANOSECONDS_PER_SECOND = 1e9


class StudyError(PastaError):
    """Report a study of nothing."""


@dataclass(frozen=True, slots=True)
class Loads:
    """Which loads to simulate: rates, and how so many requests arrive."""

    rates_per_s: tuple[float, ...] = ()
    num_requests: int = 500
    process: str = "poisson"
    burstiness: float = DEFAULT_BURSTINESS
    recorded_ns: tuple[int, ...] = ()
    seed: int = 0

    def gaps(self) -> list[float]:
        """Return gaps of mean 1: drawn, or those of a recorded load."""
        if not self.recorded_ns:
            generator = random.Random(self.seed)  # noqa: S311 - a simulation, not a secret
            return unit_gaps(self.process, self.num_requests, generator=generator, burstiness=self.burstiness)
        times = self.recorded_ns[: self.num_requests]
        mean_ns = times[-1] / len(times) or 1.0
        return [(now - before) / mean_ns for before, now in zip((0, *times), times, strict=False)]


@dataclass(frozen=True, slots=True)
class Study:
    """What to simulate. `serving` holds for one answer alone and for loads."""

    strategies: tuple[str, ...] = DEFAULT_STRATEGIES
    options: StrategyOptions = field(default_factory=StrategyOptions)
    serving: Serving = field(default_factory=Serving)
    cluster: Cluster = field(default_factory=Cluster)
    loads: Loads = field(default_factory=Loads)
    timeline_of: str | None = None


def answers_of(
    documents: Sequence[Document], names: Sequence[str], *, prompt_tokens: Sequence[int], counter: TokenCounter
) -> list[Answer]:
    """Return documents as answers in numbers; their tokens are counted in one batch."""
    dags = build_dags(documents, counter)
    return [
        Answer(
            name,
            dag,
            max(1, prompt),
            tuple(promise.tokens for promise in document.promises),
        )
        for document, name, dag, prompt in zip(documents, names, dags, prompt_tokens, strict=True)
    ]


def kv_capacity(model: ModelSpec, hardware: HardwareSpec, *, tensor_parallel: int = 1) -> int:
    """Return how many tokens the KV cache holds beside the weights.

    Raises:
        SpecError: the model does not fit the devices.
    """
    return place(model, hardware, tensor_parallel=tensor_parallel).kv_capacity_tokens


def recorded_rates(recorded: Sequence[RecordedRequest]) -> tuple[float, ...]:
    """Return the mean rate of a recorded load as the one rate to simulate; none if there is no such load.

    Raises:
        StudyError: no time passes in it.
    """
    if not recorded:
        return ()
    if not recorded[-1].at_ns:
        raise StudyError("no time passes in the recorded load, so it has no rate; give one")
    return (len(recorded) / (recorded[-1].at_ns / NANOSECONDS_PER_SECOND),)


def run_study(
    answers: Sequence[Answer],
    study: Study,
    *,
    cost: ModelCost,
    about: Iterable[tuple[str, str]] = (),
    progress: Callable[[str], object] = lambda what: None,
) -> SimulationReport:
    """Predict each answer alone under each strategy, and all of them under each load.

    Raises:
        StudyError: no answers, or none of the name whose timeline is asked for.
        PastaError: whatever cannot be simulated, in one sentence.
    """
    if not answers:
        raise StudyError("there is no answer to simulate")
    strategies = [strategy(name, study.options) for name in study.strategies]
    predictions = []
    for answer in answers:
        progress(answer.name)
        predictions += [predict(answer, chosen, cost=cost, serving=study.serving) for chosen in strategies]
    points, break_evens = _loads(answers, study, predictions, cost=cost, progress=progress)
    events, timeline = _timeline(answers, study, cost)
    return SimulationReport(
        tuple(about), tuple(predictions), summarise(predictions), points, break_evens, timeline, events
    )


def _loads(
    answers: Sequence[Answer],
    study: Study,
    predictions: Sequence[Prediction],
    *,
    cost: ModelCost,
    progress: Callable[[str], object],
) -> tuple[tuple[LoadPoint, ...], tuple[BreakEven, ...]]:
    """Return the load curve, and for each strategy the rate at which it stops paying."""
    if not study.loads.rates_per_s:
        return (), ()
    gaps, chosen = study.loads.gaps(), {name: strategy(name, study.options) for name in study.strategies}
    points = load_curve(
        answers,
        gaps,
        list(chosen.values()),
        rates_per_s=study.loads.rates_per_s,
        cost=cost,
        cluster=study.cluster,
        accounts={(p.strategy, p.document): p.loss for p in predictions if p.loss is not None},
        progress=lambda name, rate: progress(f"{name} at {rate:g} requests/s"),
    )

    def speedup_at(name: str, rate_per_s: float) -> float:
        progress(f"{name} at {rate_per_s:g} requests/s")
        point = serve(answers, gaps, chosen[name], rate_per_s=rate_per_s, cost=cost, cluster=study.cluster)
        return point.speedup

    others = [name for name in chosen if name != "sequential"]
    return tuple(points), tuple(narrowed(break_even(points, name), partial(speedup_at, name)) for name in others)


def _timeline(answers: Sequence[Answer], study: Study, cost: ModelCost) -> tuple[tuple[TraceEvent, ...], Timeline]:
    """Return trace and timeline of the chosen answer, else of the one with most branches (the first of them)."""
    if study.timeline_of is not None:
        chosen = next((answer for answer in answers if answer.name == study.timeline_of), None)
        if chosen is None:
            raise StudyError(f"no answer {study.timeline_of!r}; the first is {answers[0].name!r}")
    else:
        chosen = max(answers, key=lambda answer: len(answer.promised_tokens))
    events = trace_of(chosen, cost, serving=study.serving, jump_forward=study.options.jump_forward)
    return tuple(events), timeline_of(events, chosen.name)
