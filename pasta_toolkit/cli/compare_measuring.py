"""Measures for `pasta compare`: decodes that a file lacks, and a calibration between them. Predicts nothing."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pasta_toolkit.cli.compare_calibration import CalibrationBetween
from pasta_toolkit.report.measurement import (
    Measurement,
    Measurements,
    StepSample,
    append_measurement,
    append_visit,
    start_measurements,
)

if TYPE_CHECKING:
    from reference_engine import Engine
    from reference_engine.measuring import ForcedTask, FreeTask
    from reference_engine.probe import Probe

__all__ = ["MeasuringPlan", "measured"]

Share = Callable[[float], object]


@dataclass(frozen=True, slots=True)
class MeasuringPlan:
    """How to measure: decodes of each kind, every how many steps the probe takes one (0: never), and where it is kept.

    So many documents are `together`: decoded in turns, or one after the other if it is 1. With `calibration_s` as many
    seconds go into a calibration between the decodes.
    """

    repetitions: int
    probe_every: int
    path: Path | None = None
    together: int = 1
    calibration_s: float | None = None


def measured(
    engine: "Engine", tasks: "Sequence[ForcedTask | FreeTask]", plan: MeasuringPlan, *, about: Mapping[str, Any]
) -> Measurements:
    """Decode all tasks in both ways; what the plan's file holds already is not decoded again.

    Raises:
        EngineError: a decode fails; all before it are in the file.
    """
    from pasta_toolkit.cli.status_line import StatusLine  # noqa: PLC0415
    from reference_engine.measuring import measure  # noqa: PLC0415
    from reference_engine.probe import probe_of  # noqa: PLC0415

    known = start_measurements(plan.path, about) if plan.path is not None else Measurements(about, [], [])
    names = {task.name for task in tasks}
    found = Measurements(about, [one for one in known.decodes if one.document in names], known.steps)
    is_complete = len(found.decodes) >= 2 * plan.repetitions * len(tasks)
    if not is_complete:
        for _ in measure(engine, tasks[0], repetitions=1):
            pass  # what an engine does but once is not to be measured
    # In turns all decodes meet the same machine: there is nothing that a probe could tell of one of them.
    probe = probe_of(engine, every=plan.probe_every) if plan.probe_every and plan.together == 1 else None
    # Visits behind the last decode would meet another machine than the decodes did.
    is_calibrated = plan.calibration_s is None or (is_complete and found.steps)
    between = None if is_calibrated else _calibration(engine, plan, found)
    with StatusLine() as status:

        def at(share: float) -> None:
            status.show(f"{share:.0%} of {len(tasks)} documents")
            if between is not None:
                between.catch_up(share)

        for measurement in _decodes(engine, tasks, plan, found, probe=probe, at=at):
            found.decodes.append(measurement)
            if plan.path is not None:
                append_measurement(plan.path, measurement)
        at(1.0)
    return found


def _calibration(engine: "Engine", plan: MeasuringPlan, found: Measurements) -> CalibrationBetween:
    def keep(visit: Sequence[StepSample]) -> None:
        found.steps.extend(visit)
        if plan.path is not None:
            append_visit(plan.path, visit)

    from simulator.cost.pool_fit import STRETCH_VISITS  # noqa: PLC0415

    assert plan.calibration_s is not None
    in_a_row = 1 if plan.together > 1 else STRETCH_VISITS
    return CalibrationBetween(
        engine, seconds=plan.calibration_s, in_a_row=in_a_row, known=tuple(found.steps), keep=keep
    )


def _decodes(
    engine: "Engine",
    tasks: "Sequence[ForcedTask | FreeTask]",
    plan: MeasuringPlan,
    found: Measurements,
    *,
    probe: "Probe | None",
    at: Share,
) -> Iterator[Measurement]:
    """Yield what is not found yet; `at` is called now and then with the share of all that is done."""
    from reference_engine.measuring import ForcedTask, measure  # noqa: PLC0415
    from reference_engine.turns import measure_in_turns  # noqa: PLC0415

    done = {(one.document, one.variant, one.repetition) for one in found.decodes}
    for first in range(0, len(tasks), plan.together):
        group = tasks[first : first + plan.together]
        at(first / len(tasks))
        if plan.together > 1:
            forced = [task for task in group if isinstance(task, ForcedTask)]
            before, own = first / len(tasks), len(group) / len(tasks)
            yield from measure_in_turns(
                engine,
                forced,
                repetitions=plan.repetitions,
                known=done,
                between=partial(_share_of_group, at, before, own),
            )
        else:
            known = {(variant, repetition) for name, variant, repetition in done if name == group[0].name}
            yield from measure(engine, group[0], repetitions=plan.repetitions, known=known, probe=probe)


def _share_of_group(at: Share, before: float, own: float, share: float) -> None:
    """Say how much of all is done when such a share of a group is."""
    at(before + own * share)
