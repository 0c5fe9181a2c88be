"""Runs the tasks of `pasta decode` on an engine and makes rows of what came of them. Reads and writes no files."""

from collections.abc import Sequence
from dataclasses import dataclass

from grammar import Document, PastaSyntaxError, parse, render
from pasta_toolkit.cli.decode_files import TraceLog
from pasta_toolkit.cli.decode_lanes import Lanes
from pasta_toolkit.cli.decode_results import Row
from pasta_toolkit.cli.task_input import Task
from pasta_toolkit.dag import build_dag, measure
from reference_engine import Engine, EngineError, Job, Recording
from reference_engine.events import RequestEnded
from reference_engine.forced import EncodeCounter
from reference_engine.free_options import FreeOptions
from reference_engine.teaching import lesson

__all__ = ["DecodeRun"]

SEQUENTIAL_SUFFIX = " (sequential)"
WARM_UP = "Hello there. Nobody measures this."
NO_PROMPT = "\n"  # a request needs at least one token to begin with
NS_PER_S = 1e9


@dataclass(frozen=True, slots=True)
class _Decoded:
    """A recording, and when its request was admitted, since its arrival."""

    recording: Recording
    admitted_ns: int

    @property
    def latency_s(self) -> float:
        return (self.recording.latency_ns - self.admitted_ns) / NS_PER_S

    @property
    def ttft_s(self) -> float | None:
        ttft_ns = self.recording.ttft_ns
        return None if ttft_ns is None else (ttft_ns - self.admitted_ns) / NS_PER_S


class DecodeRun:
    """One call of the command. State: the trace so far, and what came of each task, in parallel and sequentially."""

    def __init__(
        self, engine: Engine, lanes: Lanes, *, free_options: FreeOptions, is_raw: bool = False, is_taught: bool = False
    ) -> None:
        self.log = TraceLog()
        self.decode_s = 0.0
        self._engine = engine
        self._lanes = lanes
        self._free_options = free_options
        self._is_raw = is_raw
        self._is_taught = is_taught
        self._refused: dict[str, str] = {}
        self._parallel: dict[str, _Decoded] = {}
        self._sequential: dict[str, _Decoded] = {}

    @property
    def recordings(self) -> list[Recording]:
        """What was decoded, the parallel requests first."""
        return [decoded.recording for decoded in (*self._parallel.values(), *self._sequential.values())]

    def rows(self, tasks: Sequence[Task], *, batch: int, is_compared: bool) -> list[Row]:
        """Decode all tasks; compared, each batch is decoded in parallel and then sequentially, in turn."""
        jobs = [(task, job) for task in tasks if (job := self._job(task)) is not None]
        if jobs:
            self._warm_up(jobs[0][0], is_compared=is_compared)
        group_size = batch if is_compared else max(1, len(jobs))
        for begin in range(0, len(jobs), group_size):
            self._decode(jobs[begin : begin + group_size], is_compared=is_compared)
        return [self._row(task) for task in tasks]

    def _job(self, task: Task) -> Job | None:
        """Make a task's request; one that the engine refuses has an error of its own."""
        try:
            prompt = self._prompt(task)
            if task.document is not None:
                return self._engine.forced(task.name, prompt, task.document)
            return self._engine.free(task.name, prompt, options=self._free_options)
        except EngineError as error:
            self._refused[task.name] = str(error)
            self._lanes.say(f"{task.name}: {error}")
            return None

    def _prompt(self, task: Task) -> Sequence[int]:
        tokenizer = self._engine.tokenizer
        if self._is_raw:
            return tokenizer.encode_prompt(NO_PROMPT if task.prompt is None else task.prompt)
        asked = {"role": "user", "content": task.prompt or ""}
        return tokenizer.chat([*(lesson() if self._is_taught else ()), asked])

    def _warm_up(self, task: Task, *, is_compared: bool) -> None:
        """Let the engine do once what it does only once; where speed-ups are measured, with as many lanes."""
        first = self._job(task) if is_compared else None
        prompt = self._engine.tokenizer.encode_prompt(WARM_UP)
        self._engine.decode([first or self._engine.sequential("warm-up", prompt, WARM_UP)])

    def _decode(self, jobs: Sequence[tuple[Task, Job]], *, is_compared: bool) -> None:
        self._parallel |= self._run([job for _, job in jobs])
        self.decode_s += self.log.run_ns / NS_PER_S
        if is_compared:
            self._sequential |= self._run(
                [self._again(task) for task, _ in jobs if self._parallel[task.name].recording.error is None]
            )

    def _run(self, jobs: Sequence[Job]) -> dict[str, _Decoded]:
        self.log.begin_run()
        ended: dict[str, _Decoded] = {}
        for event in self._engine.stream(jobs, record=self.log.record):
            self._lanes.show(event)
            if isinstance(event, RequestEnded):
                ended[event.request] = _Decoded(event.recording, self.log.admitted_ns.get(event.request, 0))
        return {job.name: ended[job.name] for job in jobs}

    def _again(self, task: Task) -> Job:
        """Return the request that decodes a task's rendered answer by one thread."""
        response = self._parallel[task.name].recording.response
        document = task.document or _document(response)
        answer = response or "" if document is None else document
        return self._engine.sequential(task.name + SEQUENTIAL_SUFFIX, self._prompt(task), answer)

    def _row(self, task: Task) -> Row:
        mode = "free" if task.document is None else "forced"
        if task.name in self._refused:
            return Row(task.name, mode, error=self._refused[task.name])
        decoded, sequential = self._parallel[task.name], self._sequential.get(task.name + SEQUENTIAL_SUFFIX)
        recording = decoded.recording
        if recording.error is not None:
            return Row(task.name, mode, recording.prompt_tokens, error=recording.error)
        document = task.document or _document(recording.response)
        sequential_s = None
        if sequential is not None and sequential.recording.error is None and sequential.recording.decoded_tokens:
            sequential_s = sequential.latency_s
        return Row(
            task.name,
            mode,
            recording.prompt_tokens,
            len(recording.threads),
            recording.decoded_tokens,
            decoded.latency_s,
            decoded.ttft_s,
            recording.decoded_tokens / decoded.latency_s,
            sequential_latency_s=sequential_s,
            measured_speedup=None if sequential_s is None else sequential_s / decoded.latency_s,
            ideal_speedup=None if document is None else self._ideal_speedup(document),
            agreement=recording.agreement,
            text=None if task.document else recording.response if document is None else render(document),
            response=recording.response,
            fault=recording.fault,
        )

    def _ideal_speedup(self, document: Document) -> float | None:
        measures = measure(build_dag(document, EncodeCounter(self._engine.tokenizer.encode)))
        return None if measures.is_empty else measures.ideal_speedup


def _document(response: str | None) -> Document | None:
    """Parse an annotated response; without a mask it may be none."""
    try:
        return None if response is None else parse(response)
    except PastaSyntaxError:
        return None
