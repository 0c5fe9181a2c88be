"""Predicts one decode step by step, so that it can be laid beside a measured one. Knows no engine and no reports' form.

The schedule is the shared one; each step is priced by itself and keeps the terms of its price.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from pasta_toolkit.dag import Dag
from pasta_toolkit.report.prediction import LossAccount
from pasta_toolkit.runtime import EventKind, Lane, Request, Script, TraceEvent
from pasta_toolkit.specs import HardwareSpec, ModelSpec
from simulator.answer import StepCounter
from simulator.cost import RooflineModel, fitted_model
from simulator.cost.pool_step import is_pool_calibration
from simulator.loss import LossProbe, loss_account
from simulator.pool_cost import ExplainedCost, PoolCost, pool_cost
from simulator.replica import Arrival, Serving
from simulator.simulation import simulate
from simulator.token_levels import token_levels

__all__ = ["ReplayedDecode", "explained_cost", "loss_of", "replay_decode"]


@dataclass(frozen=True, slots=True)
class ReplayedDecode:
    """What was predicted of one decode: its trace, the terms of each step in seconds, and what its account needs."""

    events: tuple[TraceEvent, ...]
    terms: tuple[Mapping[str, float], ...]
    probe: LossProbe

    @property
    def latency_ns(self) -> int:
        """From arrival to completion; the arrival is at 0."""
        return next(event.at_ns for event in self.events if event.kind is EventKind.COMPLETION)


def explained_cost(model: ModelSpec, hardware: HardwareSpec, *, name: str = "fitted") -> ExplainedCost:
    """Return what steps cost: as calibrated, where the device was with `pasta calibrate`, else by a model's formulas.

    Raises:
        CostError: the profile is one of another model, or the spec lacks a number that the formulas need.
        SpecError: the model does not fit the device.
    """
    if name == "fitted" and is_pool_calibration(hardware.calibration):
        return pool_cost(model, hardware)
    chosen = fitted_model(model, hardware) if name == "fitted" else RooflineModel(model, hardware)
    copy_ns = 2 * model.kv_bytes_per_token() / hardware.memory_bandwidth_bytes_per_s * 1e9
    return ExplainedCost(chosen, copy_ns_per_token=copy_ns)


def replay_decode(
    name: str, script: Script, *, prompt_tokens: int, cost: ExplainedCost, serving: Serving
) -> ReplayedDecode:
    """Simulate one request alone and return its trace with the price of every step.

    Raises:
        KvError: the cache cannot hold the request.
    """
    probe, events = _ExplainingProbe(cost.fresh() if isinstance(cost, PoolCost) else cost), list[TraceEvent]()
    simulate([Arrival(0, Request(name, prompt_tokens), script)], serving, cost=probe, record=events.append)
    return ReplayedDecode(tuple(events), tuple(probe.terms), probe)


def loss_of(
    parallel: ReplayedDecode,
    sequential: ReplayedDecode,
    dag: Dag,
    *,
    script: Script,
    prompt_tokens: int,
    sequential_tokens: int,
) -> LossAccount:
    """Return the loss account of a predicted decode; `docs/simulator.md` defines its levels."""
    counter = StepCounter()
    simulate([Arrival(0, Request("", prompt_tokens), script)], Serving(), cost=counter)
    return loss_account(
        parallel.probe,
        token_levels(dag),
        sequential_ns=sequential.latency_ns,
        sequential_tokens=sequential_tokens,
        alone_ns=parallel.latency_ns,
        num_steps_unlimited=counter.num_steps - 1,
    )


class _ExplainingProbe(LossProbe):
    """A probe that keeps the terms of every step, and prices lanes in the pool that they met."""

    def __init__(self, cost: ExplainedCost) -> None:
        super().__init__(cost)
        self.terms: list[Mapping[str, float]] = []
        self._explained = cost

    def duration_ns(self, lanes: tuple[Lane, ...]) -> int:
        """Return the model's price of a step, and take note of its terms and of counterfactual prices."""
        noted_ns = self.decode_lanes_ns
        duration_ns = super().duration_ns(lanes)
        self.terms.append({term.name: term.seconds for term in self._explained.terms})
        noted_ns = self.decode_lanes_ns - noted_ns
        if noted_ns and all(lane.num_tokens == 1 and not lane.copied_tokens for lane in lanes):
            self.decode_lanes_ns += duration_ns - noted_ns
            self.equal_contexts_ns += duration_ns - noted_ns
        return duration_ns
