"""The mask in vLLM's older model runner (`VLLM_USE_V2_MODEL_RUNNER=0`), whose processors follow the batch themselves.

`batch_processor_class` makes the class that `LLM(logits_processors=[...])` takes there. A request asks for a stream by
`SamplingParams(extra_args={"pasta_stream": "main"})`; requests that do not are left alone. No file of vLLM is imported
before the class is made.

Source: vLLM 0.33.0, `vllm/v1/sample/logits_processor/interface.py`.
"""

from typing import Any

from pasta_toolkit.mask.adapters.tracker import StreamTracker
from pasta_toolkit.mask.adapters.vllm import check_stream, stream_of
from pasta_toolkit.mask.limits import Limits
from pasta_toolkit.mask.token_mask import TokenMask

__all__ = ["batch_processor_class"]


def batch_processor_class(mask: TokenMask, *, limits: Limits | None = None, base: type | None = None) -> type:
    """Return a subclass of vLLM's `LogitsProcessor` that masks the requests of a batch.

    `base` replaces vLLM's class, for tests.
    """
    if base is None:
        from vllm.v1.sample.logits_processor import LogitsProcessor  # noqa: PLC0415

        base = LogitsProcessor
    return type("PastaBatchProcessor", (_BatchProcessor, base), {"mask": mask, "limits": limits})


class _BatchProcessor:
    """Masks the rows of the requests that name a stream; the methods are those of vLLM's interface."""

    mask: TokenMask
    limits: Limits | None

    def __init__(self, vllm_config: Any, device: Any, is_pin_memory: bool) -> None:
        self.rows: dict[int, tuple[StreamTracker, list[int]]] = {}

    @classmethod
    def validate_params(cls, sampling_params: Any) -> None:
        """Refuse a stream that the mask does not have."""
        check_stream(cls.mask, sampling_params)

    def is_argmax_invariant(self) -> bool:
        """Say that the most likely token may change."""
        return False

    def update_state(self, batch_update: Any | None) -> None:
        """Follow the requests that vLLM adds to, removes from and moves within its batch."""
        if batch_update is None:
            return
        for index in batch_update.removed:
            self.rows.pop(index, None)
        for index, params, _prompt, output_ids in batch_update.added:
            self.rows.pop(index, None)
            stream = stream_of(params)
            if stream is not None:
                self.rows[index] = (StreamTracker(self.mask, stream=stream, limits=self.limits), output_ids)
        for source, target, direction in batch_update.moved:
            self._move(source, target, is_swap=direction.name == "SWAP")

    def _move(self, source: int, target: int, *, is_swap: bool) -> None:
        moving, staying = self.rows.pop(source, None), self.rows.pop(target, None)
        if moving is not None:
            self.rows[target] = moving
        if is_swap and staying is not None:
            self.rows[source] = staying

    def apply(self, logits: Any) -> Any:
        """Return the logits, (requests, logits), changed in place."""
        for index, (tracker, output_ids) in self.rows.items():
            tracker.apply(output_ids, logits[index])
        return logits
