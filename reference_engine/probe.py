"""How fast the machine is at the moment: a step of one lane, the same each time, taken between the steps of a decode.

A machine that others use too changes its speed from second to second. A probe's step beside every few steps of a decode
says by how much, since its own price is known: the profile's for one lane.
"""

import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from statistics import fmean

from pasta_toolkit.report.measurement import PROBE_CONTEXT_TOKENS
from pasta_toolkit.runtime import TraceEvent
from reference_engine.engine import Engine
from reference_engine.forced import idle_decoder
from reference_engine.loop import Job

__all__ = ["Probe", "ProbedTrace", "probe_of"]

PROMPT_TOKENS = 4
NUM_TOKENS = 2 * (PROBE_CONTEXT_TOKENS - PROMPT_TOKENS)  # of one probing decode, behind which another begins
NUM_WARMING_STEPS = 3  # the prompt's, and those in which buffers are allocated
NUM_SLOTS = 256


@dataclass(frozen=True, slots=True)
class Probe:
    """Steps of one lane, taken whenever the next of `times_ns` is asked for: one after every so many of a decode."""

    times_ns: Iterator[int]
    every: int


def probe_of(engine: Engine, *, every: int) -> Probe:
    """Return a probe with a pool of its own. Other steps of the engine may be taken between its own."""
    return Probe(_times_ns(engine), every)


def _times_ns(engine: Engine) -> Iterator[int]:
    slots = engine.options.row_slots if engine.pool.copies else NUM_SLOTS
    # A step's CUDA graphs are bound to one pool.
    changes = {"step": engine.options.step} if engine.model.device.type == "cuda" else {}
    beside = engine.with_options(num_slots=slots, **changes)
    while True:
        begin_ns = time.perf_counter_ns()
        for index, _ in enumerate(beside.serve([Job("probe", idle_decoder(PROMPT_TOKENS, NUM_TOKENS))])):
            if index >= NUM_WARMING_STEPS:
                yield time.perf_counter_ns() - begin_ns
            begin_ns = time.perf_counter_ns()


@dataclass(slots=True)
class ProbedTrace:
    """The events of a decode on a clock that can be stopped, and the times of the probe's steps, in which it is."""

    probe: Probe | None
    events: list[TraceEvent] = field(default_factory=list)
    probes_ns: list[int] = field(default_factory=list)
    num_steps: int = 0
    paused_ns: int = 0
    stopped_ns: int | None = None

    @property
    def probe_ns(self) -> float | None:
        """The mean time of the probe's steps; None without one."""
        return fmean(self.probes_ns) if self.probes_ns else None

    def record(self, event: TraceEvent) -> None:
        """Keep an event at the time without pauses."""
        self.events.append(event._replace(at_ns=event.at_ns - self.paused_ns))

    def stop(self) -> None:
        """Stop the clock."""
        self.stopped_ns = time.perf_counter_ns()

    def go_on(self) -> None:
        """Let the clock go on, if it was stopped."""
        if self.stopped_ns is not None:
            self.paused_ns += time.perf_counter_ns() - self.stopped_ns
            self.stopped_ns = None

    def end_step(self) -> None:
        """Say that a step is over: the probe may take one now, which stops the clock."""
        if self.probe is not None and self.num_steps % self.probe.every == 0:
            self.stop()
            self.probes_ns.append(next(self.probe.times_ns))
            self.go_on()
        self.num_steps += 1
