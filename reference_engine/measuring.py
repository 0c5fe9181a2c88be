"""Measures decodes for a comparison: the same answer sequentially and in parallel, in turn. Compares nothing.

Repetitions alternate (sequential, parallel, sequential, parallel), so that a drifting machine hits both alike; a probe
between their steps says how fast the machine was meanwhile.
"""

import time
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field
from statistics import fmean
from typing import ClassVar

from grammar import Document, parse
from pasta_toolkit.report.measurement import PARALLEL, SEQUENTIAL, Measurement
from pasta_toolkit.runtime import TraceEvent
from reference_engine.engine import Engine
from reference_engine.errors import EngineError
from reference_engine.free_options import FreeOptions
from reference_engine.loop import Job
from reference_engine.probe import probe_times_ns
from reference_engine.recording import Recording

__all__ = ["ForcedTask", "FreeTask", "measure"]

Known = Collection[tuple[str, int]]


@dataclass(frozen=True, slots=True)
class ForcedTask:
    """A document's own tokens are decoded."""

    name: str
    prompt: tuple[int, ...]
    document: Document
    needs_parallel_first: ClassVar[bool] = False

    def parallel(self, engine: Engine) -> Job:
        """Return the request that executes the document's DAG."""
        return engine.forced(self.name, self.prompt, self.document)

    def sequential(self, engine: Engine, decoded: Recording | None) -> Job:
        """Return the request that decodes its rendered text."""
        del decoded
        return engine.sequential(self.name, self.prompt, self.document)


@dataclass(frozen=True, slots=True)
class FreeTask:
    """The model decodes what it chooses under the mask; then its answer, rendered, by one thread."""

    name: str
    prompt: tuple[int, ...]
    options: FreeOptions
    needs_parallel_first: ClassVar[bool] = True

    def parallel(self, engine: Engine) -> Job:
        """Return the request that the model answers."""
        return engine.free(self.name, self.prompt, options=self.options)

    def sequential(self, engine: Engine, decoded: Recording | None) -> Job:
        """Return the request that decodes the same answer, rendered.

        Raises:
            EngineError: there is no answer, or none that is valid.
        """
        if decoded is None or decoded.response is None or decoded.fault is not None:
            raise EngineError(f"{self.name}: the model's answer is no document, so it has no sequential decode")
        return engine.sequential(self.name, self.prompt, parse(decoded.response))


def measure(
    engine: Engine,
    task: ForcedTask | FreeTask,
    *,
    repetitions: int,
    known: Known = (),
    probe_every: int = 0,
) -> Iterator[Measurement]:
    """Decode one answer so many times in both ways; what is `known` already, by variant and repetition, is left out.

    A probe's step follows every `probe_every` steps, with 0 none; the decode's own times do not hold it.

    Raises:
        EngineError: a decode does not come to its end.
    """
    stopwatch = _Stopwatch(engine, probe_every)
    wanted = [
        (variant, repetition)
        for repetition in range(repetitions)
        for variant in _order(task)
        if (variant, repetition) not in known
    ]
    decoded: Recording | None = None
    for variant, repetition in wanted:
        if variant == SEQUENTIAL and task.needs_parallel_first and decoded is None:
            decoded, _ = stopwatch.decode(task.parallel(engine))
        job = task.parallel(engine) if variant == PARALLEL else task.sequential(engine, decoded)
        recording, timed = stopwatch.decode(job)
        decoded = recording if variant == PARALLEL else decoded
        assert recording.script is not None
        events, probe_ns = tuple(timed.events), fmean(timed.probes_ns) if timed.probes_ns else None
        yield Measurement(task.name, variant, repetition, recording.prompt_tokens, recording.script, events, probe_ns)


def _order(task: ForcedTask | FreeTask) -> Sequence[str]:
    return (PARALLEL, SEQUENTIAL) if task.needs_parallel_first else (SEQUENTIAL, PARALLEL)


@dataclass(slots=True)
class _Timed:
    """The events of one decode, its clock stopped while a probe runs, and the times of the probe's steps."""

    events: list[TraceEvent] = field(default_factory=list)
    probes_ns: list[int] = field(default_factory=list)
    paused_ns: int = 0

    def record(self, event: TraceEvent) -> None:
        """Keep an event at the time without pauses."""
        self.events.append(event._replace(at_ns=event.at_ns - self.paused_ns))

    def probe(self, times_ns: Iterator[int]) -> None:
        """Let the probe take a step, which stops the clock."""
        begin_ns = time.perf_counter_ns()
        self.probes_ns.append(next(times_ns))
        self.paused_ns += time.perf_counter_ns() - begin_ns


class _Stopwatch:
    """Decodes one request at a time, with a probe between its steps. State: the probe."""

    def __init__(self, engine: Engine, probe_every: int) -> None:
        self._engine = engine
        self._every = probe_every
        self._probe_ns = probe_times_ns(engine)

    def decode(self, job: Job) -> tuple[Recording, _Timed]:
        """Decode a request.

        Raises:
            EngineError: it does not come to its end.
        """
        timed = _Timed()
        ended: list[Recording] = []
        for number, served in enumerate(self._engine.serve([job], record=timed.record)):
            ended += served.ended
            if self._every and number % self._every == 0:
                timed.probe(self._probe_ns)
        (recording,) = ended
        if recording.error is not None:
            raise EngineError(f"{job.name}: {recording.error}")
        return recording, timed
