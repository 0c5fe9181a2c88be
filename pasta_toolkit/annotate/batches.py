"""Annotates many answers, in one process or in several. Knows no files and no records."""

import signal
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from dataclasses import dataclass
from functools import lru_cache
from multiprocessing import get_context

from grammar import Layout, format_document
from pasta_toolkit.annotate.annotation import DEFAULT_POLICY, Method, annotate
from pasta_toolkit.annotate.policy import AnnotationPolicy
from pasta_toolkit.dag import Measures
from pasta_toolkit.tokens import DEFAULT_TOKENIZER, TokenCounter, load_counter

__all__ = ["AnnotatedText", "Annotator"]

BATCHES_WAITING_PER_JOB = 2


@dataclass(frozen=True, slots=True)
class AnnotatedText:
    """An annotated answer as it is written, and its measures."""

    text: str
    measures: Measures


@dataclass(frozen=True, slots=True)
class Annotator:
    """How answers are annotated; a value that pickle can carry to other processes.

    `tokenizer` is a name that `load_counter` knows.
    """

    tokenizer: str = DEFAULT_TOKENIZER
    method: Method = "structure"
    policy: AnnotationPolicy = DEFAULT_POLICY
    layout: Layout = "inline"

    def annotate(self, text: str) -> AnnotatedText:
        """Annotate one answer.

        Raises:
            TokenizerError: there is no such tokenizer.
        """
        annotation = annotate(text, counter=_counter(self.tokenizer), method=self.method, policy=self.policy)
        return AnnotatedText(format_document(annotation.document, layout=self.layout), annotation.measures)

    def annotate_batches(
        self, batches: Iterable[Sequence[str]], *, num_jobs: int = 1
    ) -> Iterator[tuple[AnnotatedText, ...]]:
        """Annotate batches of answers, in their order; only a few batches are held at a time.

        Raises:
            TokenizerError: there is no such tokenizer.
        """
        if num_jobs == 1:
            return map(self._annotate_batch, batches)
        return self._annotate_in_parallel(batches, num_jobs)

    def _annotate_batch(self, texts: Sequence[str]) -> tuple[AnnotatedText, ...]:
        return tuple(map(self.annotate, texts))

    def _annotate_in_parallel(
        self, batches: Iterable[Sequence[str]], num_jobs: int
    ) -> Iterator[tuple[AnnotatedText, ...]]:
        waiting: deque[Future[tuple[AnnotatedText, ...]]] = deque()
        # Processes are started afresh: a forked one could inherit a lock that a thread of ours was holding.
        pool = ProcessPoolExecutor(num_jobs, mp_context=get_context("spawn"), initializer=_ignore_interrupts)
        try:
            for batch in batches:
                waiting.append(pool.submit(self._annotate_batch, batch))
                if len(waiting) > BATCHES_WAITING_PER_JOB * num_jobs:
                    yield waiting.popleft().result()
            while waiting:
                yield waiting.popleft().result()
        finally:
            pool.shutdown(cancel_futures=True)


def _ignore_interrupts() -> None:
    """Leave Ctrl-C to the process that started this one."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)


@lru_cache(maxsize=1)
def _counter(tokenizer: str) -> TokenCounter:
    return load_counter(tokenizer)
