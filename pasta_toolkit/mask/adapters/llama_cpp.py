"""The mask as a logits processor of llama-cpp-python: `Llama.create_completion(logits_processor=...)`.

Source: llama-cpp-python, `LogitsProcessorList`: callables of (ids written so far with the prompt, float32 logits).
"""

from typing import Any

from pasta_toolkit.mask.adapters.tracker import StreamTracker
from pasta_toolkit.mask.token_mask import TokenMask

__all__ = ["PastaLlamaProcessor"]


class PastaLlamaProcessor:
    """One stream; make a new one for every completion, and give it in a list."""

    def __init__(self, mask: TokenMask, *, stream: str = "main") -> None:
        self._tracker = StreamTracker(mask, stream=stream)
        self._prompt_tokens: int | None = None

    def __call__(self, input_ids: Any, scores: Any) -> Any:
        """Return the scores of the next token, changed in place."""
        if self._prompt_tokens is None:
            self._prompt_tokens = len(input_ids)
        self._tracker.apply(list(input_ids[self._prompt_tokens :]), scores)
        return scores
