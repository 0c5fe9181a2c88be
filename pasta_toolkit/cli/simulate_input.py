"""What `pasta simulate` reads: annotated answers with their prompts, DAGs, or the requests of a recorded load."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from grammar import Document
    from pasta_toolkit.tokens import TokenCounter
    from simulator.answer import Answer
    from simulator.trace_files import RecordedRequest

__all__ = ["AnswerReader", "recorded_answers"]

MOST_FAULTS_SHOWN = 20
DAG_SUFFIX = ".json"


class AnswerReader:
    """Reads valid answers with their names and prompts, and names the others on stderr. State: what it has read."""

    def __init__(self, prompt_field: str) -> None:
        self.num_faults = 0
        self._documents: list[Document] = []
        self._names: list[str] = []
        self._prompts: list[str | None] = []
        self._dags: list[str] = []
        self._prompt_field = prompt_field

    def read(self, paths: Sequence[str], *, field: str) -> None:
        """Read files and folders; a file whose name ends in .json is a DAG."""
        self._dags = [path for path in paths if path.endswith(DAG_SUFFIX)]
        others = [path for path in paths if not path.endswith(DAG_SUFFIX)]
        if others:
            self._read_records(others, field=field)

    def _read_records(self, paths: Sequence[str], *, field: str) -> None:
        from grammar import PastaSyntaxError, parse  # noqa: PLC0415
        from pasta_toolkit.records import RecordFault, read_records  # noqa: PLC0415

        for record in read_records(paths, field=field, keep_fields=True):
            name = record.path if record.number is None else f"{record.path}:{record.number}"
            if isinstance(record, RecordFault):
                self._fault(f"{name}: {record.message}")
                continue
            try:
                document = parse(record.text)
            except PastaSyntaxError as error:
                self._fault(f"{name}: {str(error).splitlines()[0]}")
                continue
            prompt = (record.fields or {}).get(self._prompt_field)
            self._documents.append(document)
            self._names.append(name)
            self._prompts.append(prompt if isinstance(prompt, str) else None)

    def answers(self, counter: "TokenCounter", *, default_prompt_tokens: int) -> "list[Answer]":
        """Return what was read, in numbers; DAGs come last, with prompts of the default length.

        Raises:
            DagFileError: a file holds no DAG, or one that nothing could decode.
        """
        from simulator.answer import Answer  # noqa: PLC0415
        from simulator.dag_files import read_dag  # noqa: PLC0415
        from simulator.study import answers_of  # noqa: PLC0415

        counts = counter.count_batch([prompt or "" for prompt in self._prompts])
        tokens = [
            default_prompt_tokens if prompt is None else num_tokens
            for prompt, num_tokens in zip(self._prompts, counts, strict=True)
        ]
        graphs = [Answer(path, read_dag(Path(path)), default_prompt_tokens) for path in self._dags]
        return answers_of(self._documents, self._names, prompt_tokens=tokens, counter=counter) + graphs

    def _fault(self, sentence: str) -> None:
        self.num_faults += 1
        if self.num_faults <= MOST_FAULTS_SHOWN:
            click.echo(f"pasta: {sentence}", err=True)


def recorded_answers(recorded: "Sequence[RecordedRequest]", *, name: str) -> "list[Answer]":
    """Return the requests of a recorded load as answers of one thread, as long as they were."""
    from pasta_toolkit.dag import MAIN_THREAD, Chunk, ChunkKind, Dag  # noqa: PLC0415
    from simulator.answer import Answer  # noqa: PLC0415

    def dag(num_tokens: int) -> Dag:
        return Dag((Chunk(ChunkKind.MAIN, MAIN_THREAD, num_tokens, 0),), (), num_tokens, "recorded")

    return [
        Answer(f"{name}:{number}", dag(request.output_tokens), request.prompt_tokens, prefix=request.prefix)
        for number, request in enumerate(recorded, start=1)
    ]
