"""Measures decodes for a comparison: the same answer sequentially and in parallel, in turn. Compares nothing.

Repetitions alternate (sequential, parallel, sequential, parallel), so that a drifting machine hits both alike; a probe
between their steps says how fast the machine was meanwhile.
"""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from typing import ClassVar

from grammar import Document, parse
from pasta_toolkit.report.measurement import PARALLEL, SEQUENTIAL, Measurement
from reference_engine.engine import Engine
from reference_engine.errors import EngineError
from reference_engine.free_options import FreeOptions
from reference_engine.loop import Job
from reference_engine.probe import Probe, ProbedTrace
from reference_engine.recording import Recording

__all__ = ["Done", "ForcedTask", "FreeTask", "measure", "measurement_of"]

Done = Collection[tuple[str, str, int]]  # names, variants and repetitions of decodes


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
    known: Done = (),
    probe: Probe | None = None,
) -> Iterator[Measurement]:
    """Decode one answer so many times in both ways; what is `known` already is left out.

    The times of a decode do not hold those of the probe's steps between its own.

    Raises:
        EngineError: a decode does not come to its end.
    """
    wanted = [
        (variant, repetition)
        for repetition in range(repetitions)
        for variant in _order(task)
        if (task.name, variant, repetition) not in known
    ]
    decoded: Recording | None = None
    for variant, repetition in wanted:
        if variant == SEQUENTIAL and task.needs_parallel_first and decoded is None:
            decoded = _decoded(engine, task.parallel(engine))
        job = task.parallel(engine) if variant == PARALLEL else task.sequential(engine, decoded)
        trace = ProbedTrace(probe)
        recording = _decoded(engine, job, trace)
        decoded = recording if variant == PARALLEL else decoded
        yield measurement_of(recording, trace, variant=variant, repetition=repetition)


def measurement_of(recording: Recording, trace: ProbedTrace, *, variant: str, repetition: int) -> Measurement:
    """Return a decode that came to its end as a measurement.

    Raises:
        EngineError: it failed.
    """
    if recording.error is not None or recording.script is None:
        raise EngineError(f"{recording.name}: {recording.error}")
    events = tuple(trace.events)
    return Measurement(
        recording.name, variant, repetition, recording.prompt_tokens, recording.script, events, trace.probe_ns
    )


def _order(task: ForcedTask | FreeTask) -> Sequence[str]:
    return (PARALLEL, SEQUENTIAL) if task.needs_parallel_first else (SEQUENTIAL, PARALLEL)


def _decoded(engine: Engine, job: Job, trace: ProbedTrace | None = None) -> Recording:
    trace = trace or ProbedTrace(None)
    ended: list[Recording] = []
    for served in engine.serve([job], record=trace.record):
        ended += served.ended
        trace.end_step()
    return ended[0]
