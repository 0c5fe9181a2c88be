"""The mask in vLLM's model runner V2, whose processors read the tokens of each request from the runner's own buffers.

`processor_class` makes the class that `LLM(logits_processors=[...])` takes. A request asks for a stream by
`SamplingParams(extra_args={"pasta_stream": "main"})`; requests that do not are left alone. The older runner has another
interface: `vllm_v1`. No file of vLLM is imported before the class is made.

Source: vLLM 0.33.0, "Custom Logits Processors" and `vllm/v1/worker/gpu/sample/logits_processor/interface.py`.
"""

from typing import Any

from pasta_toolkit.mask.adapters.tracker import StreamTracker
from pasta_toolkit.mask.errors import ConstraintError
from pasta_toolkit.mask.limits import Limits
from pasta_toolkit.mask.token_mask import TokenMask

__all__ = ["STREAM_ARGUMENT", "check_stream", "processor_class", "stream_of"]

STREAM_ARGUMENT = "pasta_stream"


def processor_class(mask: TokenMask, *, limits: Limits | None = None, base: type | None = None) -> type:
    """Return a subclass of vLLM's `LogitsProcessor` that masks the requests which name a stream.

    With `limits`, the mask must come from `compile_limited_mask`; they hold for each request. `base` replaces
    vLLM's class, for tests.
    """
    if base is None:
        from vllm.v1.worker.gpu.sample.logits_processor import LogitsProcessor  # noqa: PLC0415

        base = LogitsProcessor
    return type("PastaProcessor", (_Processor, base), {"mask": mask, "limits": limits})


def stream_of(sampling_params: Any) -> str | None:
    """Return the stream that a request asks for."""
    stream: str | None = (sampling_params.extra_args or {}).get(STREAM_ARGUMENT)
    return stream


def check_stream(mask: TokenMask, sampling_params: Any) -> None:
    """Refuse a stream that the mask does not have.

    Raises:
        ValueError: vLLM's own interface asks for this kind of error.
    """
    stream, known = stream_of(sampling_params), mask.automaton.begins
    if stream is not None and stream not in known:
        raise ValueError(f"{STREAM_ARGUMENT} must be one of {', '.join(known)}, not {stream!r}")


class _Processor:
    """Masks the rows of the requests that name a stream; the methods are those of vLLM's interface."""

    mask: TokenMask
    limits: Limits | None

    def __init__(self, vllm_config: Any, req_states: Any) -> None:
        self.req_states = req_states
        self.trackers: dict[int, StreamTracker] = {}

    @classmethod
    def validate_params(cls, sampling_params: Any) -> None:
        """Refuse a stream that the mask does not have."""
        check_stream(cls.mask, sampling_params)

    def add_request(self, req_idx: int, sampling_params: Any) -> bool:
        """Begin a stream in a slot, whoever had the slot before; say whether there is anything to mask."""
        self.trackers.pop(req_idx, None)
        stream = stream_of(sampling_params)
        if stream is not None:
            self.trackers[req_idx] = StreamTracker(self.mask, stream=stream, limits=self.limits)
        return stream is not None

    def apply(self, logits: Any, ctx: Any) -> Any:
        """Return the logits, (rows, logits), changed in place: one row a request, and one a token that is drafted."""
        slots, num_drafted = ctx.expanded_idx_mapping.tolist(), ctx.expanded_local_pos.tolist()
        positions, fed = ctx.pos.tolist(), ctx.input_ids.tolist()
        for row, slot in enumerate(slots):
            if slot in self.trackers:
                committed = self._committed(slot, positions[row] + 1 - num_drafted[row])
                drafted = fed[row - num_drafted[row] + 1 : row + 1]
                self._apply_row(self.trackers[slot], logits[row], committed=committed, drafted=drafted)
        return logits

    def _committed(self, slot: int, end: int) -> list[int]:
        """Return the tokens that a request has written up to a position of its sequence."""
        begin = int(self.req_states.prompt_len.np[slot])
        committed: list[int] = self.req_states.all_token_ids.gpu[slot, begin : max(begin, end)].tolist()
        return committed

    @staticmethod
    def _apply_row(tracker: StreamTracker, logits: Any, *, committed: list[int], drafted: list[int]) -> None:
        """Mask a row; behind a draft that the mask forbids nothing matters, for the row before refuses it."""
        try:
            tracker.apply(committed + drafted, logits)
        except ConstraintError:
            if not drafted:
                raise
