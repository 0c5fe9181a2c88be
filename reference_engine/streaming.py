"""Turns the rounds of the loop into stream events: text in reading order, threads' progress, ends. Decodes nothing."""

from collections.abc import Callable, Iterable, Iterator, Sequence

from pasta_toolkit.runtime import Change, EventKind, ThreadState
from reference_engine.events import RequestEnded, StreamEvent, TextReady, ThreadProgress
from reference_engine.loop import Job, Served
from reference_engine.reading_order import ReadingOrder

__all__ = ["EventStream"]

MAIN = 0
STATES = {
    EventKind.PROMISE: ThreadState.WAITING_FOR_FORK,
    EventKind.FORK: ThreadState.READY,
    EventKind.FINISH: ThreadState.FINISHED,
}
Content = Callable[[Sequence[int]], bytes]


class EventStream:
    """Follows all requests of one run. State: what has been told of each."""

    def __init__(self, jobs: Iterable[Job], content: Content) -> None:
        self._followed = {job.name: _Followed(job, content) for job in jobs}

    def events(self, served: Served) -> Iterator[StreamEvent]:
        """Return what one round has brought: for each request its text, then its threads in order, then its end."""
        for name, changes in _by_request(served).items():
            yield from self._followed[name].events(changes)
        for recording in served.ended:
            del self._followed[recording.name]
            yield RequestEnded(recording.name, recording)


def _by_request(served: Served) -> dict[str, list[Change]]:
    """Return the requests that a round has touched, with what changed in them."""
    touched: dict[str, list[Change]] = {lane.request: [] for lane in (served.step.lanes if served.step else ())}
    for change in served.changes:
        touched.setdefault(change.request, []).append(change)
    return touched


class _Followed:
    """One request: what its threads have written and told, and what each waits for."""

    def __init__(self, job: Job, content: Content) -> None:
        self._job = job
        self._content = content
        self._order = ReadingOrder(is_annotated=job.is_annotated)
        self._num_read: dict[int, int] = {}
        self._states = {MAIN: ThreadState.WAITING_FOR_PREFILL}
        self._states_before: dict[int, ThreadState] = {}
        self._told: dict[int, tuple[int, ThreadState]] = {}

    def events(self, changes: Iterable[Change]) -> Iterator[StreamEvent]:
        self._read()
        for change in changes:
            self._follow(change)
        text = self._order.ready()
        if text:
            yield TextReady(self._job.name, text)
        yield from self._progress()

    def _read(self) -> None:
        for thread, tokens in enumerate(self._job.decoder.decoded_threads()):
            num_read = self._num_read.get(thread, 0)
            if len(tokens) > num_read:
                self._num_read[thread] = len(tokens)
                self._order.read(thread, self._content(tokens[num_read:]))
        if self._num_read.get(MAIN) and self._states[MAIN] is ThreadState.WAITING_FOR_PREFILL:
            self._states[MAIN] = ThreadState.READY

    def _follow(self, change: Change) -> None:
        if change.kind is EventKind.FINISH:
            self._order.end(change.thread or MAIN)
        if change.kind in STATES:
            self._states[change.thread or MAIN] = STATES[change.kind]
        elif change.kind is EventKind.SYNC and change.value:
            self._states[MAIN] = ThreadState.BLOCKED
        elif change.kind is EventKind.JOIN and self._states[MAIN] is ThreadState.BLOCKED:
            self._states[MAIN] = ThreadState.READY
        elif change.kind is EventKind.PREEMPTION:
            self._states_before = dict(self._states)
            self._states = dict.fromkeys(self._states, ThreadState.PREEMPTED)
        elif change.kind is EventKind.ADMISSION:
            self._states |= self._states_before
            self._states_before = {}

    def _progress(self) -> Iterator[ThreadProgress]:
        for thread, state in self._states.items():
            decoded = self._num_read.get(thread, 0)
            if self._told.get(thread) != (decoded, state):
                self._told[thread] = (decoded, state)
                topic, promised = self._promise(thread)
                yield ThreadProgress(self._job.name, thread, decoded, state, topic, promised)

    def _promise(self, thread: int) -> tuple[str | None, int | None]:
        if thread == MAIN:
            return None, None
        promise = self._order.promises[thread - 1]
        return promise.topic, promise.tokens
