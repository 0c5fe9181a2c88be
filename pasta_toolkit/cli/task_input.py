"""What is decoded, simulated or compared: annotated documents with their prompts, or prompts alone. Knows no model."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from grammar import Document
    from pasta_toolkit.records import Record, RecordFault

__all__ = ["Task", "TaskReader"]

MOST_FAULTS_SHOWN = 20


@dataclass(frozen=True, slots=True)
class Task:
    """One request: a document to execute, or None where the model is to answer the prompt."""

    name: str
    prompt: str | None
    document: "Document | None" = None


class TaskReader:
    """Reads tasks, and names on stderr what is none. State: how many of those there were."""

    def __init__(self, prompt_field: str, *, limit: int | None = None) -> None:
        self.num_faults = 0
        self._prompt_field = prompt_field
        self._limit = limit

    def documents(self, paths: Sequence[str], *, field: str) -> list[Task]:
        """Read annotated responses; one that is not valid is left out."""
        from grammar import PastaSyntaxError, parse  # noqa: PLC0415

        tasks = []
        for name, record in self._records(paths, field):
            try:
                document = parse(record.text)
            except PastaSyntaxError as error:
                self._fault(f"{name}: {str(error).splitlines()[0]}")
                continue
            prompt = (record.fields or {}).get(self._prompt_field)
            tasks.append(Task(name, prompt if isinstance(prompt, str) else None, document))
        return tasks

    def prompts(self, texts: Sequence[str], path: str | None) -> list[Task]:
        """Return the prompts given as text, then those of a file."""
        names = ["prompt"] if len(texts) == 1 else [f"prompt {number}" for number in range(1, len(texts) + 1)]
        tasks = [Task(name, text) for name, text in zip(names, texts, strict=True)]
        if path is not None:
            tasks += [Task(name, record.text) for name, record in self._records((path,), self._prompt_field)]
        return tasks[: self._limit]

    def _records(self, paths: Sequence[str], field: str) -> "Iterator[tuple[str, Record]]":
        from pasta_toolkit.records import RecordFault, read_records  # noqa: PLC0415

        for record in islice(read_records(paths, field=field, keep_fields=True), self._limit):
            name = _name(record)
            if isinstance(record, RecordFault):
                self._fault(f"{name}: {record.message}")
            else:
                yield name, record

    def _fault(self, sentence: str) -> None:
        self.num_faults += 1
        if self.num_faults <= MOST_FAULTS_SHOWN:
            click.echo(f"pasta: {sentence}", err=True)


def _name(record: "Record | RecordFault") -> str:
    return record.path if record.number is None else f"{record.path}:{record.number}"
