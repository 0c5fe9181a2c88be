"""Measures decodes for a comparison: the same answer sequentially and in parallel, in turn. Compares nothing.

Repetitions alternate (sequential, parallel, sequential, parallel), so that a drifting machine hits both alike.
"""

from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass
from typing import ClassVar

from grammar import Document, parse
from pasta_toolkit.report.measurement import PARALLEL, SEQUENTIAL, Measurement
from pasta_toolkit.runtime import TraceEvent
from reference_engine.engine import Engine
from reference_engine.errors import EngineError
from reference_engine.free_options import FreeOptions
from reference_engine.loop import Job
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
) -> Iterator[Measurement]:
    """Decode one answer so many times in both ways; what is `known` already, by variant and repetition, is left out.

    Raises:
        EngineError: a decode does not come to its end.
    """
    wanted = [
        (variant, repetition)
        for repetition in range(repetitions)
        for variant in _order(task)
        if (variant, repetition) not in known
    ]
    decoded: Recording | None = None
    for variant, repetition in wanted:
        if variant == SEQUENTIAL and task.needs_parallel_first and decoded is None:
            decoded, _ = _decoded(engine, task.parallel(engine))
        job = task.parallel(engine) if variant == PARALLEL else task.sequential(engine, decoded)
        recording, events = _decoded(engine, job)
        decoded = recording if variant == PARALLEL else decoded
        yield _measurement(recording, events, variant=variant, repetition=repetition)


def _order(task: ForcedTask | FreeTask) -> Sequence[str]:
    return (PARALLEL, SEQUENTIAL) if task.needs_parallel_first else (SEQUENTIAL, PARALLEL)


def _decoded(engine: Engine, job: Job) -> tuple[Recording, list[TraceEvent]]:
    events: list[TraceEvent] = []
    record: Callable[[TraceEvent], object] = events.append
    (recording,) = engine.decode([job], record=record)
    if recording.error is not None:
        raise EngineError(f"{job.name}: {recording.error}")
    return recording, events


def _measurement(recording: Recording, events: Sequence[TraceEvent], *, variant: str, repetition: int) -> Measurement:
    assert recording.script is not None
    return Measurement(recording.name, variant, repetition, recording.prompt_tokens, recording.script, tuple(events))
