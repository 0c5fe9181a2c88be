"""A calibration between the decodes of a comparison, so that both meet the same machine. Fits nothing."""

import time
from collections.abc import Callable, Sequence
from itertools import islice
from typing import TYPE_CHECKING

from pasta_toolkit.cli.calibrate import PROBE_EVERY
from pasta_toolkit.report.measurement import StepSample

if TYPE_CHECKING:
    from reference_engine import Engine

__all__ = ["CalibrationBetween"]

NANOSECONDS_PER_SECOND = 1e9


class CalibrationBetween:
    """Visits of a calibration's shapes, spread evenly over all decodes. State: how many there were, and their time.

    They come `in_a_row`, so many at a time. `known` are the steps of visits before; `keep` is given those of each new
    one.
    """

    def __init__(
        self,
        engine: "Engine",
        *,
        seconds: float,
        in_a_row: int,
        known: Sequence[StepSample],
        keep: Callable[[Sequence[StepSample]], object],
    ) -> None:
        from reference_engine.calibration import MIN_ROUNDS, visits  # noqa: PLC0415
        from reference_engine.calibration_shapes import shapes_for  # noqa: PLC0415
        from reference_engine.probe import probe_of  # noqa: PLC0415

        shapes = shapes_for(copies=engine.pool.copies)
        round_visits = sum(shape.num_visits for shape in shapes)
        self._num_visits = len({step.visit for step in known})
        self._least_visits = MIN_ROUNDS * round_visits
        self._seconds, self._in_a_row = seconds, in_a_row
        self._spent_s = sum(step.duration_ns for step in known) / NANOSECONDS_PER_SECOND
        probe = probe_of(engine, every=PROBE_EVERY)
        self._visits = visits(engine, shapes, probe=probe, first_round=1 + -(-self._num_visits // round_visits))
        self._keep = keep

    def catch_up(self, share: float) -> None:
        """Make the visits that are due when such a share of the decodes is over."""
        while self._spent_s < self._seconds * share or self._num_visits < self._least_visits * share:
            begin_s = time.monotonic()
            for visit in islice(self._visits, self._in_a_row):
                self._num_visits += 1
                self._keep(visit)
            self._spent_s += time.monotonic() - begin_s
