"""The engine as users have it: a model, a pool, a step, and requests to decode. Puts the parts together.

engine = Engine(load_model("smollm2"))
recordings = engine.decode([engine.forced("a", prompt, document), engine.sequential("b", prompt, document)])
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from grammar import Document
from pasta_toolkit.runtime import (
    Copied,
    KvLayout,
    Limits,
    PositionPolicy,
    Preemption,
    TraceEvent,
    kv_layout,
    position_policy,
)
from reference_engine.errors import EngineError
from reference_engine.executor import TorchExecutor
from reference_engine.forced import ForcedDecoder, forced_answer, forced_text
from reference_engine.loop import Job, Loop, Served
from reference_engine.model import Model
from reference_engine.pool import KvPool
from reference_engine.recording import Recording
from reference_engine.step.choice import choose_step
from reference_engine.text import Tokenizer

__all__ = ["Engine", "EngineOptions"]

NUM_SLOTS = 4096
ROW_SLOTS = 1024
PREFILL_CHUNK = 512  # ours: bounds the memory of a prefill's attention, rows x slots numbers a head


@dataclass(frozen=True, slots=True)
class EngineOptions:
    """What can be chosen besides the model.

    `step` is auto, readable, cpu or cuda. `layout` is interleaved, paged or copied; in `copied` each thread has
    a row of `row_slots`. `positions` is predicted, oracle, shared or fixed:N.
    """

    step: str = "auto"
    layout: str = "interleaved"
    num_slots: int = NUM_SLOTS
    row_slots: int = ROW_SLOTS
    positions: str = "predicted"
    jump_forward: bool = False
    limits: Limits = field(default_factory=lambda: Limits(max_batched_tokens=PREFILL_CHUNK))
    preemption: Preemption = Preemption.RECOMPUTE

    @property
    def kv_layout(self) -> KvLayout:
        """The layout as the runtime knows it."""
        return Copied(self.row_slots) if self.layout == "copied" else kv_layout(self.layout)

    @property
    def position_policy(self) -> PositionPolicy:
        """The position policy as the runtime knows it."""
        return position_policy(self.positions)


class Engine:
    """Decodes requests with one model over one KV pool. `step_sentence` says which step runs, and why."""

    def __init__(
        self, model: Model, *, tokenizer: Tokenizer | None = None, options: EngineOptions | None = None
    ) -> None:
        self.model = model
        self.options = options or EngineOptions()
        self._tokenizer = tokenizer
        step_function, self.step_sentence = choose_step(model, kind=self.options.step)
        self.pool = KvPool(
            model.config,
            self.options.kv_layout,
            self.options.num_slots,
            dtype=step_function.storage_dtype,
            device=model.device,
        )
        swaps = self.options.preemption is Preemption.SWAP
        self._loop = Loop(
            self.pool,
            TorchExecutor(self.pool, step_function, swaps=swaps),
            positions=self.options.position_policy,
            limits=self.options.limits,
            preemption=self.options.preemption,
        )

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
        return Job(name, ForcedDecoder(prompt, forced_text(answer, self._encode)), arrival_ns)

    def decode(self, jobs: Iterable[Job], *, record: Callable[[TraceEvent], object] | None = None) -> list[Recording]:
        """Decode all requests, many at once; return what each decoded, in the order given.

        A request that fails has an `error` and ends alone. `record` is given every event of the trace as it happens.
        """
        return self._loop.run(jobs, record=record)

    def serve(self, jobs: Iterable[Job], *, record: Callable[[TraceEvent], object] | None = None) -> Iterator[Served]:
        """Decode all requests, and yield after each step what it did."""
        return self._loop.serve(jobs, record=record)

    def _encode(self, text: str) -> Sequence[int]:
        return self.tokenizer.encode(text)
