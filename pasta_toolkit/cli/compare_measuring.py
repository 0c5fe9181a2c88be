"""Measures for `pasta compare`: decodes that a file lacks, and a calibration between them. Predicts nothing."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pasta_toolkit.report.measurement import (
    PARALLEL,
    SEQUENTIAL,
    Measurement,
    Measurements,
    StepSample,
    append_measurement,
    append_visit,
    start_measurements,
)

if TYPE_CHECKING:
    from reference_engine import Engine
    from reference_engine.calibration import CalibrationRun
    from reference_engine.measuring import Done, ForcedTask, FreeTask

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

    known = start_measurements(plan.path, about) if plan.path is not None else Measurements(about, [], [])
    names = {task.name for task in tasks}
    found = Measurements(about, [one for one in known.decodes if one.document in names], known.steps)
    done = {(one.document, one.variant, one.repetition) for one in found.decodes}
    is_complete = done.issuperset(product(names, (PARALLEL, SEQUENTIAL), range(plan.repetitions)))
    if not is_complete:
        for _ in measure(engine, tasks[0], repetitions=1):
            pass  # what an engine does but once is not to be measured
    # Visits behind the last decode would meet another machine than the decodes did.
    calibration = None if is_complete and found.steps else _calibration(engine, plan, found.steps)
    with StatusLine() as status:

        def at(share: float) -> None:
            status.show(f"{share:.0%} of {len(tasks)} documents")
            for visit in () if calibration is None else calibration.due(share):
                found.steps.extend(visit)
                if plan.path is not None:
                    append_visit(plan.path, visit)

        for measurement in _decodes(engine, tasks, plan, done, at):
            found.decodes.append(measurement)
            if plan.path is not None:
                append_measurement(plan.path, measurement)
        at(1.0)
    return found


def _calibration(engine: "Engine", plan: MeasuringPlan, known: Sequence[StepSample]) -> "CalibrationRun | None":
    """Return what the plan says of one; between turns one visit at a time, else as many as make an interval."""
    if plan.calibration_s is None:
        return None
    from pasta_toolkit.cli.calibrate import PROBE_EVERY  # noqa: PLC0415
    from reference_engine.calibration import CalibrationRun  # noqa: PLC0415
    from reference_engine.calibration_shapes import shapes_for  # noqa: PLC0415
    from reference_engine.probe import probe_of  # noqa: PLC0415
    from simulator.cost.pool_fit import STRETCH_VISITS  # noqa: PLC0415

    return CalibrationRun(
        engine,
        shapes_for(copies=engine.pool.copies),
        seconds=plan.calibration_s,
        probe=probe_of(engine, every=PROBE_EVERY),
        in_a_row=1 if plan.together > 1 else STRETCH_VISITS,
        known=tuple(known),
    )


def _decodes(
    engine: "Engine", tasks: "Sequence[ForcedTask | FreeTask]", plan: MeasuringPlan, done: "Done", at: Share
) -> Iterator[Measurement]:
    """Yield what is not done yet; `at` is called now and then with the share of all that is."""
    from reference_engine.measuring import measure  # noqa: PLC0415
    from reference_engine.probe import probe_of  # noqa: PLC0415
    from reference_engine.turns import measure_in_turns  # noqa: PLC0415

    if plan.together > 1:  # all decodes meet the same machine: there is nothing that a probe could tell of one of them
        for first in range(0, len(tasks), plan.together):
            group = tasks[first : first + plan.together]

            def at_share_of_group(share: float, first: int = first, size: int = len(group)) -> None:
                at((first + size * share) / len(tasks))

            yield from measure_in_turns(
                engine, group, repetitions=plan.repetitions, known=done, between=at_share_of_group
            )
        return
    probe = probe_of(engine, every=plan.probe_every) if plan.probe_every else None
    for number, task in enumerate(tasks):
        at(number / len(tasks))
        yield from measure(engine, task, repetitions=plan.repetitions, known=done, probe=probe)
