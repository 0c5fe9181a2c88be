"""What `pasta simulate` reads: annotated answers with their prompts, DAGs, or the requests of a recorded load."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from pasta_toolkit.cli.task_input import Task, TaskReader

if TYPE_CHECKING:
    from pasta_toolkit.tokens import TokenCounter
    from simulator.answer import Answer
    from simulator.trace_files import RecordedRequest

__all__ = ["AnswerReader", "recorded_answers"]

DAG_SUFFIX = ".json"


class AnswerReader:
    """Reads valid answers with their names and prompts, and names the others on stderr. State: what it has read."""

    def __init__(self, prompt_field: str) -> None:
        self._tasks: list[Task] = []
        self._dags: list[str] = []
        self._reader = TaskReader(prompt_field)

    @property
    def num_faults(self) -> int:
        """How many records held no valid answer."""
        return self._reader.num_faults

    def read(self, paths: Sequence[str], *, field: str) -> None:
        """Read files and folders; a file whose name ends in .json is a DAG."""
        self._dags = [path for path in paths if path.endswith(DAG_SUFFIX)]
        others = [path for path in paths if not path.endswith(DAG_SUFFIX)]
        if others:
            self._tasks = self._reader.documents(others, field=field)

    def answers(self, counter: "TokenCounter", *, default_prompt_tokens: int) -> "list[Answer]":
        """Return what was read, in numbers; DAGs come last, with prompts of the default length.

        Raises:
            DagFileError: a file holds no DAG, or one that nothing could decode.
        """
        from simulator.answer import Answer  # noqa: PLC0415
        from simulator.dag_files import read_dag  # noqa: PLC0415
        from simulator.study import answers_of  # noqa: PLC0415

        counts = counter.count_batch([task.prompt or "" for task in self._tasks])
        tokens = [
            default_prompt_tokens if task.prompt is None else num_tokens
            for task, num_tokens in zip(self._tasks, counts, strict=True)
        ]
        documents = [task.document for task in self._tasks if task.document is not None]
        names = [task.name for task in self._tasks]
        graphs = [Answer(path, read_dag(Path(path)), default_prompt_tokens) for path in self._dags]
        return answers_of(documents, names, prompt_tokens=tokens, counter=counter) + graphs


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
