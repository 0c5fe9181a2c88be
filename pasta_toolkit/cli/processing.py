"""Runs a treatment over all records of a command's inputs, in one process or in several. Knows no command.

A chunk of records is the unit of work: it is treated as a whole, so its results come out in the order of the records
whatever the number of processes, and only a few chunks are in memory at a time.
"""

import signal
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import lru_cache, partial
from typing import TYPE_CHECKING, Protocol

from pasta_toolkit.diagnostics import Diagnostic
from pasta_toolkit.diagnostics.render import Findings, Unit, diagnostic_of_fault
from pasta_toolkit.records import (
    Chunk,
    Input,
    LineReader,
    Record,
    RecordFault,
    StdinFormat,
    decode_chunk,
    read_chunks,
    rewrite_chunk,
)

if TYPE_CHECKING:
    from concurrent.futures import Future

__all__ = ["Change", "Processed", "Treated", "Treatment", "process_all"]

CHUNKS_WAITING_PER_JOB = 2
UNITS: dict[str, Unit] = {"text": "text", "json-lines": "line", "rows": "row"}


@dataclass(frozen=True, slots=True)
class Treated:
    """What a treatment has to say of a text: its diagnostics, and the text to put in its place, None to keep it."""

    diagnostics: tuple[Diagnostic, ...] = ()
    text: str | None = None
    num_fixed: int = 0


class Treatment(Protocol):
    """What a command does with a text."""

    def __call__(self, text: str, /, *, is_frozen: bool = False) -> Treated | None:
        """Treat a text; None says that there is nothing to say, which is the common case and must be cheap.

        `is_frozen` says that the text cannot be changed, since the bytes it came from are damaged.
        """


@dataclass(frozen=True, slots=True)
class Change:
    """A record whose text is another one now."""

    number: int | None
    before: str
    after: str


@dataclass(frozen=True, slots=True)
class Processed:
    """What came of one chunk. `data` is its new content, None where nothing changed."""

    num_records: int = 0
    num_fixed: int = 0
    findings: tuple[Findings, ...] = ()
    changes: tuple[Change, ...] = ()
    data: bytes | None = None


def process_all(
    inputs: Sequence[Input],
    treatment: Treatment,
    *,
    field: str,
    stdin_format: StdinFormat = "auto",
    num_jobs: int = 1,
    keep_fields: bool = False,
    has_data: bool = True,
) -> Iterator[tuple[int, Chunk, Processed]]:
    """Treat all records; yield each chunk with the index of its input and what came of it, in order.

    With several jobs the treatment runs in other processes, so it must be a value that pickle can carry. `has_data`
    asks for the new content of changed chunks, `keep_fields` for all fields of the rows of tables.
    """
    process = partial(_process_chunk, treatment=treatment, field=field, has_data=has_data)
    chunks = (
        (index, chunk)
        for index, source in enumerate(inputs)
        for chunk in read_chunks(source, field=field, keep_fields=keep_fields, stdin_format=stdin_format)
    )
    if num_jobs == 1:
        return ((index, chunk, process(chunk)) for index, chunk in chunks)
    return _process_in_parallel(chunks, process, num_jobs)


def _process_in_parallel(
    chunks: Iterable[tuple[int, Chunk]], process: Callable[[Chunk], Processed], num_jobs: int
) -> Iterator[tuple[int, Chunk, Processed]]:
    """Keep a few chunks per process on their way, and take the results in the order of the chunks."""
    from concurrent.futures import ProcessPoolExecutor  # noqa: PLC0415
    from multiprocessing import get_context  # noqa: PLC0415

    waiting: deque[tuple[int, Chunk, Future[Processed]]] = deque()
    # Processes are started afresh: a forked one could inherit a lock that a thread of ours was holding.
    pool = ProcessPoolExecutor(num_jobs, mp_context=get_context("spawn"), initializer=_leave_interrupts_to_the_parent)
    try:
        for index, chunk in chunks:
            waiting.append((index, chunk, pool.submit(process, chunk)))
            if len(waiting) > CHUNKS_WAITING_PER_JOB * num_jobs:
                yield _resolved(waiting.popleft())
        while waiting:
            yield _resolved(waiting.popleft())
    finally:
        pool.shutdown(cancel_futures=True)


def _resolved(item: "tuple[int, Chunk, Future[Processed]]") -> tuple[int, Chunk, Processed]:
    index, chunk, future = item
    return index, chunk, future.result()


def _leave_interrupts_to_the_parent() -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)


@lru_cache(maxsize=1)
def _line_reader(field: str) -> LineReader:
    return LineReader(field)


def _process_chunk(chunk: Chunk, *, treatment: Treatment, field: str, has_data: bool) -> Processed:
    """Treat the records of a chunk one by one, and put the new texts into its bytes."""
    gathering = _Gathering(chunk.path, UNITS[chunk.kind])
    for item in decode_chunk(chunk, _line_reader(field)):
        if isinstance(item, RecordFault):
            gathering.add_fault(item)
            continue
        if gathering.waiting_faults:
            gathering.add(item, treatment(item.text, is_frozen=gathering.is_damaged) or Treated())
        elif (treated := treatment(item.text)) is not None:
            gathering.add(item, treated)
        gathering.num_records += 1
    gathering.flush()
    changes = {change.number: change.after for change in gathering.changes} if has_data else {}
    return Processed(
        num_records=gathering.num_records,
        num_fixed=gathering.num_fixed,
        findings=tuple(gathering.findings),
        changes=tuple(gathering.changes),
        data=rewrite_chunk(chunk, changes, field=field) if changes else None,
    )


@dataclass(slots=True)
class _Gathering:
    """Gathers what is found in a chunk. Faults that only accompany a record wait for it, to be shown with it."""

    path: str
    unit: Unit
    num_records: int = 0
    num_fixed: int = 0
    findings: list[Findings] = field(default_factory=list)
    changes: list[Change] = field(default_factory=list)
    waiting_faults: list[RecordFault] = field(default_factory=list)

    @property
    def is_damaged(self) -> bool:
        return any(fault.kind == "invalid-utf8" for fault in self.waiting_faults)

    def add_fault(self, fault: RecordFault) -> None:
        if fault.has_record:
            self.waiting_faults.append(fault)
        else:
            self.num_records += 1
            self._add_findings(fault.number, fault.text, (diagnostic_of_fault(fault),))

    def add(self, record: Record, treated: Treated) -> None:
        if treated.text is not None:
            self.changes.append(Change(record.number, record.text, treated.text))
        self.num_fixed += treated.num_fixed
        text = record.text if treated.text is None else treated.text
        self._add_findings(record.number, text, treated.diagnostics)

    def flush(self) -> None:
        """Show faults alone whose record never came, such as a byte order mark with nothing behind it."""
        for fault in self.waiting_faults:
            diagnostics = (diagnostic_of_fault(fault),)
            self.findings.append(Findings(fault.path, fault.number, self.unit, fault.text, diagnostics))
        self.waiting_faults.clear()

    def _add_findings(self, number: int | None, text: str, diagnostics: tuple[Diagnostic, ...]) -> None:
        if self.waiting_faults and self.waiting_faults[0].number != number:
            self.flush()
        waiting = tuple(diagnostic_of_fault(fault) for fault in self.waiting_faults)
        self.waiting_faults.clear()
        together = sorted((*waiting, *diagnostics), key=lambda diagnostic: diagnostic.span)
        if together:
            self.findings.append(Findings(self.path, number, self.unit, text, tuple(together)))
