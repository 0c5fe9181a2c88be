"""The mask as a `CustomLogitProcessor` of SGLang. SGLang is imported by whoever runs its server, not here.

A server started with `--enable-custom-logit-processor` takes the processor with each request. It comes to the server as
its class, so it holds no mask: every request names the tokenizer and the stream in `custom_params`, and the server
reads the mask from its own cache folder once.

Source: SGLang, `python/sglang/srt/sampling/custom_logit_processor.py`: called with logits of (requests, logits) and one
dictionary a request, in which `__req__` is the request with its `output_ids`.
"""

from functools import cache
from typing import Any

from pasta_toolkit.mask.adapters.tracker import StreamTracker
from pasta_toolkit.mask.cache import default_cache_folder
from pasta_toolkit.mask.loading import load_vocabulary
from pasta_toolkit.mask.token_mask import TokenMask, compile_mask

__all__ = ["TOKENIZER_PARAMETER", "PastaLogitProcessor"]

TOKENIZER_PARAMETER, STREAM_PARAMETER, REQUEST = "pasta_tokenizer", "pasta_stream", "__req__"
TRACKER_ATTRIBUTE = "pasta_tracker"


class PastaLogitProcessor:
    """Mixed with SGLang's own base class, this is what a request names; see `examples/mask/sglang_request.py`."""

    def __call__(self, logits: Any, custom_param_list: list[dict[str, Any]] | None = None) -> Any:
        """Return the logits, changed in place for the requests that name a tokenizer."""
        for row, parameters in zip(logits, custom_param_list or (), strict=False):
            if parameters and TOKENIZER_PARAMETER in parameters:
                request = parameters[REQUEST]
                tracker = getattr(request, TRACKER_ATTRIBUTE, None)
                if tracker is None:
                    mask = _mask_of(parameters[TOKENIZER_PARAMETER], len(row))
                    tracker = StreamTracker(mask, stream=parameters.get(STREAM_PARAMETER, "main"))
                    setattr(request, TRACKER_ATTRIBUTE, tracker)
                tracker.apply(request.output_ids, row)
        return logits


@cache
def _mask_of(tokenizer: str, num_logits: int) -> TokenMask:
    return compile_mask(load_vocabulary(tokenizer, num_logits=num_logits), cache=default_cache_folder())
