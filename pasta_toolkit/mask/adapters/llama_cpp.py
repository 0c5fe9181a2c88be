"""The mask as a logits processor of llama-cpp-python: `Llama.create_completion(logits_processor=...)`.

Source: llama-cpp-python 0.3.36, `LogitsProcessorList`: callables of the ids so far, the prompt among them, and the
float32 logits.
"""

from typing import Any

from pasta_toolkit.mask.adapters.tracker import StreamTracker
from pasta_toolkit.mask.limits import Limits
from pasta_toolkit.mask.token_mask import TokenMask

__all__ = ["PastaLlamaProcessor"]


class PastaLlamaProcessor:
    """One stream; make a new one for every completion, and give it in a list.

    With `limits`, the mask must come from `compile_limited_mask`.
    """

    def __init__(self, mask: TokenMask, *, stream: str = "main", limits: Limits | None = None) -> None:
        self._tracker = StreamTracker(mask, stream=stream, limits=limits)
        self._prompt_tokens: int | None = None

    def __call__(self, input_ids: Any, scores: Any) -> Any:
        """Return the scores of the next token, changed in place."""
        if self._prompt_tokens is None:
            self._prompt_tokens = len(input_ids)
        self._tracker.apply(list(input_ids[self._prompt_tokens :]), scores)
        return scores
