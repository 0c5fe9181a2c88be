"""Executes steps with a model: the engine's side of the one seam. Owns the requests' threads; never schedules.

The scheduler says what to feed; its changes say what became of threads; a decoder a request says what follows.
"""

import math
import time
from collections.abc import Iterable, Sequence

import torch

from pasta_toolkit.runtime import Change, EventKind, Lane, Progress, Step, StepOutcome
from reference_engine.batching import FedLane, feed_lane, step_batch
from reference_engine.decoding import Decoder
from reference_engine.errors import EngineError, PoolError
from reference_engine.pool import KvPool
from reference_engine.step.batch import StepFunction
from reference_engine.threads import EngineRequest

__all__ = ["TorchExecutor"]

NOTHING = Progress(1, 1)  # of a lane whose request has failed and is about to be cancelled


class TorchExecutor:
    """Runs steps over one pool. State: the live requests, and the `failures` of those that cannot go on.

    Whoever runs the loop cancels the failed ones before the next step.
    """

    def __init__(self, pool: KvPool, step_function: StepFunction, *, swaps: bool = False) -> None:
        self.pool = pool
        self.failures: dict[str, str] = {}
        self._run = step_function
        self._swaps = swaps
        self._decoders: dict[str, Decoder] = {}
        self._requests: dict[str, EngineRequest] = {}

    def add(self, name: str, decoder: Decoder) -> None:
        """Register the decoder of a request that arrives."""
        self._decoders[name] = decoder

    def execute(self, step: Step) -> StepOutcome:
        """Feed the lanes, run the model, decode."""
        begin_ns = time.perf_counter_ns()
        fed = [self._feed(lane) for lane in step.lanes]
        running = [lane for lane in fed if lane is not None]
        picks = iter(self._picks(running))
        progress = tuple(
            None if not lane.decodes else NOTHING if ran is None else self._decode(lane, *next(picks))
            for lane, ran in zip(step.lanes, fed, strict=True)
        )
        return StepOutcome(time.perf_counter_ns() - begin_ns, progress)

    def release_all(self) -> None:
        """Let all requests go."""
        for request in list(self._requests.values()):
            self._end(request)
        self._decoders.clear()

    def follow(self, changes: Iterable[Change]) -> None:
        """Do to threads and slots what the scheduler has done to its own account of them."""
        for change in changes:
            if change.kind is EventKind.ADMISSION:
                self._admit(change.request)
            elif change.request in self._requests:
                self._try_to_follow(self._requests[change.request], change)

    def _try_to_follow(self, request: EngineRequest, change: Change) -> None:
        try:
            self._follow(request, change)
        except PoolError as error:  # a row that does not hold what joins it
            self.failures[request.name] = str(error)

    def _follow(self, request: EngineRequest, change: Change) -> None:
        thread = change.thread or 0
        match change.kind:
            case EventKind.PROMISE:
                request.promise(thread, self._decoders[request.name].first_tokens(thread))
            case EventKind.FORK:
                request.fork(thread)
            case EventKind.JOIN:
                request.join()
            case EventKind.PREEMPTION:
                request.swap_out() if self._swaps else request.preempt()
            case EventKind.COMPLETION | EventKind.CANCELLATION:
                self._end(request)

    def _admit(self, name: str) -> None:
        if name in self._requests:
            self._requests[name].swap_in()
        else:
            self._requests[name] = EngineRequest(name, self.pool, self._decoders[name].prompt)

    def _end(self, request: EngineRequest) -> None:
        request.release(erase=request.name in self.failures)
        self.failures.pop(request.name, None)
        del self._requests[request.name], self._decoders[request.name]

    def _feed(self, lane: Lane) -> FedLane | None:
        if lane.request in self.failures:
            return None
        try:
            return feed_lane(self.pool, self._requests[lane.request], lane)
        except PoolError as error:
            self.failures[lane.request] = str(error)
            return None

    def _picks(self, lanes: Sequence[FedLane]) -> Iterable[tuple[torch.Tensor, float, int]]:
        """Run the model; return for each lane that decodes its logits, the largest of them, and its token."""
        if not lanes:
            return ()
        with torch.inference_mode():
            logits = self._run(self.pool.storage, step_batch(self.pool, lanes))
            if not len(logits):
                return ()
            tokens = _likeliest(logits)
            largest = logits.gather(1, tokens[:, None])[:, 0]
        return zip(logits, largest.tolist(), tokens.tolist(), strict=True)

    def _decode(self, lane: Lane, logits: torch.Tensor, largest: float, pick: int) -> Progress:
        if not math.isfinite(largest):
            self.failures[lane.request] = f"the model's logits in thread {lane.thread} are no numbers"
            return NOTHING
        try:
            progress, tokens = self._decoders[lane.request].decode(lane.thread, logits, pick=pick)
        except EngineError as error:
            self.failures[lane.request] = str(error)
            return NOTHING
        self._requests[lane.request].threads[lane.thread].tokens += tokens
        return progress


def _likeliest(logits: torch.Tensor) -> torch.Tensor:
    """Return the token with the largest logit of each row; what is no number counts as the largest.

    NumPy takes a tenth of PyTorch's time for that on a CPU.
    """
    if logits.device.type != "cpu":
        return logits.argmax(dim=-1)
    return torch.from_numpy(logits.numpy().argmax(axis=-1))
