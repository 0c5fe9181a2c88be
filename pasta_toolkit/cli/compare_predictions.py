"""Predicts for `pasta compare` what was measured: with the profile given, or one that is made first."""

from collections.abc import Mapping, Sequence
from copy import copy
from dataclasses import replace
from statistics import median
from typing import TYPE_CHECKING, Any

import click

from pasta_toolkit.cli.compare_sources import Source
from pasta_toolkit.dag import Dag
from pasta_toolkit.report.comparison_row import Predicted
from pasta_toolkit.report.diagnosis import PricedSteps
from pasta_toolkit.report.measurement import PARALLEL, Measurement, MeasurementError
from pasta_toolkit.report.step_times import step_times
from pasta_toolkit.runtime import KvLayout, Limits, Script, TraceEvent, kv_layout, position_policy
from pasta_toolkit.specs import HardwareSpec, ModelSpec, load_hardware, load_model, parse_spec
from simulator.cost.pool_step import PoolStepModel
from simulator.pool_cost import ExplainedCost, PoolCost
from simulator.predicted_comparison import Decode, predict_decode
from simulator.replayed_decode import explained_cost
from simulator.replica import Serving

if TYPE_CHECKING:
    from pasta_toolkit.cli.calibrate import CalibratedProfile
    from reference_engine import Engine

__all__ = ["Predictions", "hardware_for", "serving_of"]

NANOSECONDS_PER_SECOND = 1e9
PREFILL_CHUNK = 512  # as the engine's own default
# What the engine calls a model that the specs know by another name.
SPEC_NAMES = {"smollm2": "smollm2-135m"}


class Predictions:
    """Predicts one document after another. State: what it noted of them for findings and for a picture."""

    def __init__(self, source: Source, options: Mapping[str, Any]) -> None:
        self.hardware, self.profile, self.calibrated = hardware_for(source, options)
        self.priced: list[PricedSteps] = []
        self.shown: tuple[tuple[TraceEvent, ...], tuple[TraceEvent, ...]] | None = None
        self._most_branches = 0
        self.source = source
        self._serving = serving_of(source.about)
        self._cost = _cost(self.hardware, source, options)

    def with_source(self, source: Source) -> "Predictions":
        """Return the same profile for other measurements; a folded pool's holds for pages as well as for slots."""
        other = copy(self)
        other.source, other._serving = source, serving_of(source.about)
        other._cost = _with_layout(self._cost, other._serving.layout)
        return other

    def of(self, name: str, measurements: Sequence[Measurement]) -> Predicted:
        """Predict a document; its script is made of the document itself where that is known, else it was recorded."""
        document = self.source.documents.get(name)
        parallel, sequential = _scripts(measurements)
        dag = None
        if document is not None and self.source.engine is not None:
            dag, parallel = _planned(document, self.source.engine)
        decode = Decode(name, measurements[0].prompt_tokens, parallel, sequential, dag)
        return predict_decode(decode, cost=self._cost, serving=self._serving)

    def note(self, predicted: Predicted, measurements: Sequence[Measurement]) -> None:
        """Keep what findings are made of, and the traces of the document with most branches."""
        decodes = [measured for measured in measurements if measured.variant == PARALLEL]
        times = [[step.duration_ns for step in step_times(measured.events)] for measured in decodes]
        seconds = [median(repetition) / NANOSECONDS_PER_SECOND for repetition in zip(*times, strict=True)]
        self.priced.append(PricedSteps(predicted.terms, seconds))
        num_branches = len(decodes[0].script.threads) - 1
        if self.shown is None or num_branches > self._most_branches:
            self._most_branches = num_branches
            self.shown = (decodes[0].events, predicted.parallel)

    def about(self, num_documents: int) -> list[tuple[str, str]]:
        """Say what was compared."""
        about = self.source.about
        names = ("model", "step", "device", "threads", "layout", "positions", "mode", "together")
        found = [(name, str(about[name])) for name in names if name in about]
        return [
            *found,
            ("jump-forward", "yes" if about.get("jump_forward") else "no"),
            ("profile", self.profile),
            ("documents", f"{num_documents:,}"),
        ]


def hardware_for(source: Source, options: Mapping[str, Any]) -> "tuple[HardwareSpec, str, CalibratedProfile | None]":
    """Return the device to predict with, where it comes from, and its profile if it was calibrated here.

    It is the one that is named, else what was calibrated between the decodes, else what is calibrated now.

    Raises:
        MeasurementError: there is none of them.
    """
    if options["hardware_name"] is not None:
        return load_hardware(options["hardware_name"]), options["hardware_name"], None
    if source.engine is None:
        raise MeasurementError("measurements from a file need --hardware: the profile of the device that made them")
    from pasta_toolkit.cli.calibrate import calibrated, profile_of  # noqa: PLC0415

    if source.steps:
        in_turns = source.about["together"] > 1
        profile, when = profile_of(source.engine, source.steps, in_turns=in_turns), "between the decodes"
    else:
        click.echo(f"pasta: no --hardware: calibrating for {options['seconds']:.0f} s", err=True)
        profile, when = calibrated(source.engine, seconds=options["seconds"]), "after the measurements"
    if profile.warning:
        click.echo(f"pasta: {profile.warning}", err=True)
    return parse_spec(profile.text, HardwareSpec, where="the calibration"), f"calibrated {when}", profile


def serving_of(about: Mapping[str, Any]) -> Serving:
    """Return how the engine served, as a file of measurements says it; what it does not say is the engine's default."""
    return Serving(
        limits=Limits(**about.get("limits", {"max_batched_tokens": about.get("max_batched_tokens", PREFILL_CHUNK)})),
        layout=kv_layout(str(about.get("layout", "interleaved")), row_tokens=int(about.get("row_slots", 1024))),
        kv_slots=about.get("num_slots"),
        positions=position_policy(str(about.get("positions", "predicted"))),
    )


def _cost(hardware: HardwareSpec, source: Source, options: Mapping[str, Any]) -> ExplainedCost:
    return explained_cost(_model(source, options), hardware, name=options["cost_name"])


def _with_layout(cost: ExplainedCost, layout: KvLayout) -> ExplainedCost:
    """Return the prices of a pool for another size of its units, where the cost knows a pool."""
    if not isinstance(cost, PoolCost) or cost.model.copies:
        return cost
    calibration = cost.model.calibration
    parameters = {**calibration.parameters, "unit_slots": layout.slots(0, 1)}
    return PoolCost(PoolStepModel(replace(calibration, parameters=parameters)))


def _model(source: Source, options: Mapping[str, Any]) -> ModelSpec:
    """Return the simulator's model: as asked for, else that of the engine, else by the measured model's name."""
    if options["model_spec"] is not None:
        return load_model(options["model_spec"])
    if source.engine is not None:
        from pasta_toolkit.cli.compare_model import model_spec_of  # noqa: PLC0415

        return model_spec_of(source.engine.model)
    name = str(source.about.get("model", ""))
    return load_model(SPEC_NAMES.get(name, name))


def _scripts(measurements: Sequence[Measurement]) -> tuple[Script, Script]:
    parallel = next(measured.script for measured in measurements if measured.variant == PARALLEL)
    return parallel, next(measured.script for measured in measurements if measured.variant != PARALLEL)


def _planned(document: Any, engine: "Engine") -> tuple[Dag, Script]:
    """Return DAG and script of a document, by the simulator's own way from text to lanes."""
    from pasta_toolkit.runtime import TagTokens  # noqa: PLC0415
    from reference_engine.forced import EncodeCounter  # noqa: PLC0415
    from simulator.study import answers_of  # noqa: PLC0415

    counter = EncodeCounter(engine.tokenizer.encode)
    (answer,) = answers_of([document], [""], prompt_tokens=[1], counter=counter)
    tags = TagTokens.counted(counter.count) if engine.options.jump_forward else None
    return answer.dag, answer.script(tags)
