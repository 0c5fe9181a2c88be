"""Measures steps of known shapes on this device, as real decodes take them. Knows no cost model and no file.

Every visit of a shape is a small run of the engine's own loop, so that a step takes what it takes in a decode, with all
that Python does around it. Rounds visit all shapes in turn, the other way about in every second round, so that a drift
of the machine hits all of them alike. A probe's step between theirs says how fast the machine was meanwhile.
"""

import time
from collections.abc import Callable, Iterator, Sequence
from itertools import count, islice, pairwise
from typing import Protocol

from pasta_toolkit.report.measurement import StepSample
from pasta_toolkit.runtime import EventKind, TraceEvent
from reference_engine.calibration_shapes import CalibrationShape
from reference_engine.errors import EngineError
from reference_engine.forced import idle_decoder
from reference_engine.loop import Job, Served
from reference_engine.pool import KvPool
from reference_engine.probe import Probe, ProbedTrace

__all__ = ["CalibrationRun", "Decodes", "calibrate", "visit_shape"]

NUM_WARMING_STEPS = 2  # behind the prompts, before steps count: buffers of a new shape are allocated in the first
MIN_ROUNDS = 3
MARGIN_SLOTS = 64
NANOSECONDS_PER_SECOND = 1e9


class Decodes(Protocol):
    """What an engine is here: a loop over a pool."""

    @property
    def pool(self) -> KvPool:
        """The pool of all requests."""

    def serve(self, jobs: Sequence[Job], *, record: Callable[[TraceEvent], object] | None = None) -> Iterator[Served]:
        """Decode requests, and yield after each step."""


class CalibrationRun:
    """Visits of all shapes in turn, for some seconds, three rounds at least. State: how many, and the time they took.

    They are made so many `in_a_row`: a round, unless it is said. A round that is not given warms up. `known` are the
    steps of visits that were made before. The times of a visit do not hold those of the probe's steps between its own.

    Raises:
        EngineError: the pool is too small for a shape.
    """

    def __init__(
        self,
        engine: Decodes,
        shapes: Sequence[CalibrationShape],
        *,
        seconds: float,
        probe: Probe | None = None,
        in_a_row: int | None = None,
        known: Sequence[StepSample] = (),
    ) -> None:
        _check(engine.pool, shapes)
        self.seconds = seconds
        self.spent_s = sum(step.duration_ns for step in known) / NANOSECONDS_PER_SECOND
        self._num_visits = len({step.visit for step in known})
        self._round_visits = sum(shape.num_visits for shape in shapes)
        self._in_a_row = in_a_row or self._round_visits
        self._visits = _visits(engine, shapes, probe, first_round=1 + -(-self._num_visits // self._round_visits))

    def due(self, share: float = 1.0) -> Iterator[tuple[StepSample, ...]]:
        """Make the visits that are due when such a share of the time that they are spread over is gone; yield steps."""
        while self._is_due(share):
            begin_s = time.monotonic()
            for visit in islice(self._visits, self._in_a_row):
                self._num_visits += 1
                yield visit
            self.spent_s += time.monotonic() - begin_s

    def _is_due(self, share: float) -> bool:
        """Whether there are too few visits, or time for as many as come in a row."""
        visit_s = self.spent_s / (self._num_visits + self._round_visits)  # the warming round took as long
        has_time = self.spent_s + self._in_a_row * visit_s < self.seconds * share
        return has_time or self._num_visits < MIN_ROUNDS * self._round_visits * share


def calibrate(
    engine: Decodes,
    shapes: Sequence[CalibrationShape],
    *,
    seconds: float,
    probe: Probe | None = None,
    progress: Callable[[str], object] = lambda what: None,
) -> Iterator[StepSample]:
    """Make the visits of a calibration at a stretch; yield their steps.

    Raises:
        EngineError: the pool is too small for a shape.
    """
    run = CalibrationRun(engine, shapes, seconds=seconds, probe=probe)
    for visit in run.due():
        progress(f"{run.spent_s:.0f} of {seconds:.0f} s")
        yield from visit


def visit_shape(
    engine: Decodes, shape: CalibrationShape, *, visit: int, probe: Probe | None = None
) -> Iterator[StepSample]:
    """Run the engine once in this shape and return its steps, those before it took the shape included."""
    trace = _run(engine, shape, probe)
    begins = [event for event in trace.events if event.kind is EventKind.STEP_BEGIN]
    for index, (begin, after) in enumerate(pairwise(begins)):
        counts = index == 0 if shape.counts_prompts else index > NUM_WARMING_STEPS
        yield StepSample(
            shape.name,
            visit,
            begin.lanes or (),
            after.at_ns - begin.at_ns,
            is_counted=counts,
            probe_ns=trace.probe_ns,
        )


def _visits(
    engine: Decodes, shapes: Sequence[CalibrationShape], probe: Probe | None, *, first_round: int
) -> Iterator[tuple[StepSample, ...]]:
    """Visit all shapes in turn, for ever, after a round that warms up."""
    for _ in _round(engine, shapes, 0, probe):
        pass
    for number in count(first_round):
        yield from _round(engine, shapes, number, probe)


def _round(
    engine: Decodes, shapes: Sequence[CalibrationShape], number: int, probe: Probe | None
) -> Iterator[tuple[StepSample, ...]]:
    """Visit every shape once."""
    ordered = list(enumerate(shapes))
    for index, shape in ordered if number % 2 else reversed(ordered):
        for repeat in range(shape.num_visits):
            visit = (number * len(shapes) + index) * max(shape.num_visits for shape in shapes) + repeat
            yield tuple(visit_shape(engine, shape, visit=visit, probe=probe))


def _run(engine: Decodes, shape: CalibrationShape, probe: Probe | None) -> ProbedTrace:
    """Let all lanes decode until enough steps have begun, then let them go."""
    trace = ProbedTrace(probe)
    num_begins = 2 if shape.counts_prompts else NUM_WARMING_STEPS + shape.num_steps + 2
    # One request a lane, each with more to decode than will be asked of it.
    jobs = [Job(str(lane), idle_decoder(num_tokens, num_begins + 2)) for lane, num_tokens in enumerate(shape.prompts)]
    for served in engine.serve(jobs, record=trace.record):
        if served.ended:
            raise EngineError(f"the shape {shape.name!r} cannot be measured: {served.ended[0].error}")
        if sum(event.kind is EventKind.STEP_BEGIN for event in trace.events) >= num_begins:
            break
        trace.end_step()
    return trace


def _check(pool: KvPool, shapes: Sequence[CalibrationShape]) -> None:
    for shape in shapes:
        needed = sum(shape.prompts) + len(shape.prompts) * MARGIN_SLOTS
        if pool.copies:
            needed = len(shape.prompts) * pool.placement.unit_slots
        if needed > pool.num_slots:
            raise EngineError(
                f"the shape {shape.name!r} needs {needed} slots of the KV pool, which has {pool.num_slots}"
            )
