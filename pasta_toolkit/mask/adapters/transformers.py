"""The mask as a `LogitsProcessor` of Hugging Face transformers. Needs torch, and transformers in the caller's hands."""

from typing import Any

from pasta_toolkit.mask.adapters.tracker import StreamTracker
from pasta_toolkit.mask.limits import Limits
from pasta_toolkit.mask.token_mask import TokenMask

__all__ = ["PastaLogitsProcessor"]


class PastaLogitsProcessor:
    """Give one to `model.generate(logits_processor=[...])`; make a new one for every call.

    Every row of the batch is a stream of its own that begins behind the prompt; with
    `limits`, the mask must come from `compile_limited_mask`. transformers asks for a callable, not
    for a subclass. Source: transformers, `LogitsProcessorList.__call__`.
    """

    def __init__(self, mask: TokenMask, *, stream: str = "main", limits: Limits | None = None) -> None:
        self.mask = mask
        self.stream = stream
        self.limits = limits
        self._prompt_tokens: int | None = None
        self._trackers: list[StreamTracker] = []

    def __call__(self, input_ids: Any, scores: Any) -> Any:
        """Return the scores, (rows, logits), with everything forbidden at minus infinity."""
        if self._prompt_tokens is None:
            self._prompt_tokens = input_ids.shape[1]
            self._trackers = [
                StreamTracker(self.mask, stream=self.stream, limits=self.limits) for _ in range(input_ids.shape[0])
            ]
        scores = scores.clone()
        for tracker, ids, row in zip(self._trackers, input_ids[:, self._prompt_tokens :].tolist(), scores, strict=True):
            tracker.apply(ids, row)
        return scores
