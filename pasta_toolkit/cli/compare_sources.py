"""Where the measurements of `pasta compare` come from: an engine that decodes now, a file of them, or a trace.

Knows no prediction.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

from grammar import Document
from pasta_toolkit.cli.compare_measuring import MeasuringPlan, measured
from pasta_toolkit.cli.task_input import Task, TaskReader
from pasta_toolkit.report.measurement import (
    Measurement,
    MeasurementError,
    StepSample,
    read_measurements,
)

if TYPE_CHECKING:
    from reference_engine import Engine
    from reference_engine.measuring import ForcedTask, FreeTask

__all__ = ["Source", "source_of"]


@dataclass(frozen=True, slots=True)
class Source:
    """Measurements, what was measured (the first line of their file), and the documents, as far as they are known.

    `engine` is there if it measured just now; it can be calibrated then, where `steps` are not those of a calibration
    between the decodes.
    """

    about: Mapping[str, Any]
    measurements: tuple[Measurement, ...]
    documents: Mapping[str, Document] = field(default_factory=dict)
    engine: "Engine | None" = None
    steps: tuple[StepSample, ...] = ()

    def by_document(self) -> dict[str, list[Measurement]]:
        """Return the measurements of each document, in order; those with but one kind of decode are left out."""
        found: dict[str, list[Measurement]] = {}
        for measurement in self.measurements:
            found.setdefault(measurement.document, []).append(measurement)
        return {name: some for name, some in found.items() if len({one.variant for one in some}) > 1}


def source_of(paths: Sequence[str], options: Mapping[str, Any]) -> Source:
    """Return the measurements that the options ask for, made now if need be.

    Raises:
        PastaError: a file cannot be read, or nothing was measured.
    """
    if options["recording"] is not None:
        return _recorded(options["recording"])
    if not paths:
        about, decodes, steps = read_measurements(options["measurements"])
        return Source(about, tuple(decodes), steps=tuple(steps))
    return _measured_now(paths, options)


def _recorded(path: Path) -> Source:
    from pasta_toolkit.report.recorded import measurements_of_trace  # noqa: PLC0415
    from pasta_toolkit.runtime import read_trace  # noqa: PLC0415

    try:
        with path.open(encoding="utf-8") as stream:
            about, events = read_trace(stream)
    except (OSError, UnicodeDecodeError) as error:
        raise MeasurementError(f"cannot read the recording {str(path)!r}: {error}") from error
    return Source({"mode": "recorded", **about}, tuple(measurements_of_trace(about, events)))


def _measured_now(paths: Sequence[str], options: Mapping[str, Any]) -> Source:
    from pasta_toolkit.cli.compare_engine import about_engine, load_measuring_engine  # noqa: PLC0415

    reader = TaskReader(options["prompt_field"])
    tasks = _prompts(reader, paths) if options["is_free"] else reader.documents(paths, field=options["field"])
    engine = load_measuring_engine(dict(options))
    chosen = list(islice(_chosen(engine, tasks, options), options["limit"]))
    if not chosen:
        raise MeasurementError("there is no document to compare: none was read, or none is as the options ask")
    plan = MeasuringPlan(
        options["repetitions"],
        options["probe_every"],
        options["measurements"],
        options["together"],
        None if options["hardware_name"] is not None else options["seconds"],
    )
    about = {**about_engine(engine, mode="free" if options["is_free"] else "forced"), "together": plan.together}
    found = measured(engine, [task for task, _ in chosen], plan, about=about)
    documents = {task.name: document for task, document in chosen if document is not None}
    return Source(about, tuple(found.decodes), documents, engine, tuple(found.steps))


def _prompts(reader: TaskReader, paths: Sequence[str]) -> list[Task]:
    return [task for path in paths for task in reader.prompts((), path)]


def _chosen(
    engine: "Engine", tasks: Sequence[Task], options: Mapping[str, Any]
) -> "Iterator[tuple[ForcedTask | FreeTask, Document | None]]":
    """Yield what is to be measured, with its document; names leave the folder out, so that files can be carried."""
    from reference_engine.free_options import FreeOptions  # noqa: PLC0415
    from reference_engine.measuring import ForcedTask, FreeTask  # noqa: PLC0415
    from reference_engine.teaching import lesson  # noqa: PLC0415

    for task in tasks:
        name = Path(task.name).name
        before = lesson() if options["is_taught"] and task.document is None else ()
        prompt = tuple(engine.tokenizer.chat([*before, {"role": "user", "content": task.prompt or ""}]))
        if task.document is None:
            limit = options["max_tokens"]
            yield FreeTask(name, prompt, FreeOptions(max_tokens=limit, max_branch_tokens=limit)), None
        elif _is_wanted(engine, task.document, options):
            yield ForcedTask(name, prompt, task.document), task.document


def _is_wanted(engine: "Engine", document: Document, options: Mapping[str, Any]) -> bool:
    from grammar import render  # noqa: PLC0415

    if options["parallel_only"] and not document.promises:
        return False
    num_tokens = len(engine.tokenizer.encode(render(document)))
    return 0 < num_tokens <= (options["most_tokens"] or num_tokens)
