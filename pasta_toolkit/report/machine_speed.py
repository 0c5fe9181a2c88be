"""What a machine that changes its speed did to a measurement, told by its probe. Predicts nothing.

The probe's step is one lane's, so the profile says what it should take; how many times longer it took is how much
slower the machine was than when it was calibrated. Divided by that, a measurement is one at the profile's speed.
"""

from dataclasses import replace

from pasta_toolkit.report.measurement import Measurement

__all__ = ["at_profile_speed", "slowdown"]


def slowdown(measurement: Measurement, *, probe_ns: float | None) -> float | None:
    """Return how many times longer the probe's steps took than the `probe_ns` predicted; None if either is unknown."""
    return measurement.probe_ns / probe_ns if measurement.probe_ns and probe_ns else None


def at_profile_speed(measurement: Measurement, *, slowdown: float) -> Measurement:
    """Return a measurement as a machine would have made it that was not so many times slower."""
    events = tuple(event._replace(at_ns=round(event.at_ns / slowdown)) for event in measurement.events)
    return replace(measurement, events=events, probe_ns=None)
