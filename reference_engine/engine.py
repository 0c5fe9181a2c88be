"""The engine as users have it: a model, a pool, a step, and requests to decode. Puts the parts together.

engine = Engine(load_model("smollm2"))
recordings = engine.decode([engine.forced("a", prompt, document), engine.sequential("b", prompt, document)])
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any

from grammar import Document
from pasta_toolkit.runtime import (
    KvLayout,
    Limits,
    Oracle,
    PositionPolicy,
    Preemption,
    TraceEvent,
    kv_layout,
    position_policy,
)
from reference_engine.errors import EngineError
from reference_engine.events import StreamEvent
from reference_engine.executor import TorchExecutor
from reference_engine.forced import ForcedDecoder, forced_answer, forced_text
from reference_engine.free import FreeDecoder
from reference_engine.free_options import FreeOptions
from reference_engine.free_rules import FreeRules
from reference_engine.loop import PREFILL_CHUNK, Job, Loop, Served
from reference_engine.model import Model
from reference_engine.pool import KvPool
from reference_engine.recording import Recording
from reference_engine.step.batch import StepFunction
from reference_engine.step.choice import choose_step
from reference_engine.streaming import EventStream
from reference_engine.text import Tokenizer

__all__ = ["Engine", "EngineOptions"]

NUM_SLOTS = 4096
ROW_SLOTS = 1024


@dataclass(frozen=True, slots=True)
class EngineOptions:
    """What can be chosen besides the model.

    `step` is auto, readable, cpu, cuda, native or native-int8. `layout` is interleaved, paged or copied; in `copied`
    each thread has a row of `row_slots`. `positions` is predicted, oracle, shared or fixed:N. Compiled masks are kept
    in the folder `mask_cache`, if there is one.
    """

    step: str = "auto"
    layout: str = "interleaved"
    num_slots: int = NUM_SLOTS
    row_slots: int = ROW_SLOTS
    positions: str = "predicted"
    jump_forward: bool = False
    limits: Limits = field(default_factory=lambda: Limits(max_batched_tokens=PREFILL_CHUNK))
    preemption: Preemption = Preemption.RECOMPUTE
    mask_cache: Path | None = None

    @property
    def kv_layout(self) -> KvLayout:
        """The layout as the runtime knows it."""
        return kv_layout(self.layout, row_tokens=self.row_slots)

    @property
    def position_policy(self) -> PositionPolicy:
        """The position policy as the runtime knows it."""
        return position_policy(self.positions)


class Engine:
    """Decodes requests with one model over one KV pool. `step_sentence` says which step runs, and why."""

    def __init__(
        self,
        model: Model,
        *,
        tokenizer: Tokenizer | None = None,
        options: EngineOptions | None = None,
        step: tuple[StepFunction, str] | None = None,
    ) -> None:
        self.model = model
        self.options = options or EngineOptions()
        self._tokenizer = tokenizer
        self._step, self.step_sentence = step or choose_step(model, kind=self.options.step)
        self.pool = KvPool(
            model.config,
            self.options.kv_layout,
            self.options.num_slots,
            dtype=model.dtype,
            device=model.device,
        )
        swaps = self.options.preemption is Preemption.SWAP
        self._loop = Loop(
            self.pool,
            TorchExecutor(self.pool, self._step, swaps=swaps),
            positions=self.options.position_policy,
            limits=self.options.limits,
            preemption=self.options.preemption,
        )

    def with_options(self, **changes: Any) -> "Engine":
        """Return an engine of the same model, tokenizer and step, with other options and a pool of its own.

        Steps of the two may alternate; on CUDA each change of the pool captures graphs anew.
        """
        step = None if "step" in changes else (self._step, self.step_sentence)
        return Engine(self.model, tokenizer=self._tokenizer, options=replace(self.options, **changes), step=step)

    @property
    def tokenizer(self) -> Tokenizer:
        """The model's tokenizer.

        Raises:
            EngineError: the engine was made without one.
        """
        if self._tokenizer is None:
            raise EngineError(f"the model {self.model.name!r} has no tokenizer; give the engine one to decode text")
        return self._tokenizer

    def forced(self, name: str, prompt: Sequence[int], document: Document, *, arrival_ns: int = 0) -> Job:
        """Return a request that executes the DAG of an annotated response, token by token."""
        answer = forced_answer(document, self._encode, jump_forward=self.options.jump_forward)
        return Job(name, ForcedDecoder(prompt, answer), arrival_ns)

    def sequential(self, name: str, prompt: Sequence[int], answer: Document | str, *, arrival_ns: int = 0) -> Job:
        """Return a request that decodes the same answer, rendered, by one thread: the baseline."""
        decoder = ForcedDecoder(prompt, forced_text(answer, self._encode))
        return Job(name, decoder, arrival_ns, is_annotated=False)

    def free(self, name: str, prompt: Sequence[int], *, options: FreeOptions | None = None, arrival_ns: int = 0) -> Job:
        """Return a request that the model answers itself, each thread under the mask.

        Raises:
            EngineError: the prompt is longer than the model reads, or the position policy needs what nobody knows yet.
            ConstraintError: no stream can meet the limits.
            VocabularyError: the tokenizer cannot write the language.
        """
        most = self.model.config.max_positions
        if len(prompt) >= most:
            raise EngineError(f"the prompt has {len(prompt)} tokens; {self.model.name!r} reads at most {most - 1}")
        if isinstance(self._loop.positions, Oracle):
            raise EngineError("the position policy 'oracle' needs branches of known length; decode with 'predicted'")
        return Job(name, FreeDecoder(prompt, self._rules, options=options), arrival_ns)

    def decode(self, jobs: Iterable[Job], *, record: Callable[[TraceEvent], object] | None = None) -> list[Recording]:
        """Decode all requests, many at once; return what each decoded, in the order given.

        A request that fails has an `error` and ends alone. `record` is given every event of the trace as it happens.
        """
        return self._loop.run(jobs, record=record)

    def stream(
        self, jobs: Iterable[Job], *, record: Callable[[TraceEvent], object] | None = None
    ) -> Iterator[StreamEvent]:
        """Decode all requests, and yield text in reading order, the progress of threads, and ends as they happen.

        Law: the texts of a request, joined, are the rendered answer.
        """
        jobs = list(jobs)
        stream = EventStream(jobs, self._rules.content)
        for served in self.serve(jobs, record=record):
            yield from stream.events(served)

    def serve(self, jobs: Iterable[Job], *, record: Callable[[TraceEvent], object] | None = None) -> Iterator[Served]:
        """Decode all requests, and yield after each step what it did."""
        return self._loop.serve(jobs, record=record)

    @cached_property
    def _rules(self) -> FreeRules:
        config = self.model.config
        return FreeRules(
            self.tokenizer,
            num_logits=config.vocabulary_size,
            end_tokens=self.tokenizer.end_tokens or config.end_tokens,
            jump_forward=self.options.jump_forward,
            cache=self.options.mask_cache,
        )

    def _encode(self, text: str) -> Sequence[int]:
        return self.tokenizer.encode(text)
