"""The mask as a `CustomLogitProcessor` of SGLang. SGLang is imported by whoever runs its server, not here.

A server started with `--enable-custom-logit-processor --disable-overlap-schedule` takes the processor with each
request. It comes to the server as its class, so it holds no mask: every request names the tokenizer and the stream in
`custom_params`, and the server reads the mask from its own cache folder once.

With overlapped scheduling, SGLang samples before it shows the token sampled last; under speculative decoding it shows
no drafts. A mask would be wrong there, so both are refused.

Source: SGLang 0.5.23, `sglang/srt/sampling/custom_logit_processor.py`: called with logits of (requests, logits) and one
dictionary a request, in which `__req__` is a weak reference to the request with its `output_ids`; and
`sglang/srt/managers/scheduler.py`, `event_loop_overlap`.
"""

from collections.abc import Sequence
from functools import cache
from typing import Any

from pasta_toolkit.mask.adapters.tracker import StreamTracker
from pasta_toolkit.mask.cache import default_cache_folder
from pasta_toolkit.mask.errors import ConstraintError
from pasta_toolkit.mask.loading import load_vocabulary
from pasta_toolkit.mask.token_mask import TokenMask, compile_mask

__all__ = ["TOKENIZER_PARAMETER", "PastaLogitProcessor"]

TOKENIZER_PARAMETER, STREAM_PARAMETER, REQUEST = "pasta_tokenizer", "pasta_stream", "__req__"
FOLLOWED_ATTRIBUTE = "pasta_followed"
UNFINISHED_PROMPT = "inflight_middle_chunks"  # above 0 while a request's prompt is read in pieces


class PastaLogitProcessor:
    """Mixed with SGLang's own base class, this is what a request names; see `examples/mask/sglang_request.py`."""

    def __call__(self, logits: Any, custom_param_list: list[dict[str, Any]] | None = None) -> Any:
        """Return the logits, changed in place for the requests that name a tokenizer.

        Raises:
            ConstraintError: a request does not show the token that was sampled for it last.
        """
        for row, parameters in zip(logits, custom_param_list or (), strict=False):
            if parameters and TOKENIZER_PARAMETER in parameters:
                request = parameters[REQUEST]
                if not getattr(request, UNFINISHED_PROMPT, 0):
                    _followed(request, parameters, len(row)).apply(request.output_ids, row)
        return logits


class _Followed:
    """A request's stream, and how many tokens it had when it was last asked for a mask."""

    def __init__(self, mask: TokenMask, stream: str) -> None:
        self.tracker = StreamTracker(mask, stream=stream)
        self.num_shown = -1

    def apply(self, output_ids: Sequence[int], logits: Any) -> None:
        if len(output_ids) == self.num_shown:
            raise ConstraintError(
                "SGLang asks for a mask before it shows the token sampled last: start the server with "
                "--disable-overlap-schedule and without speculative decoding"
            )
        self.num_shown = len(output_ids)
        self.tracker.apply(output_ids, logits)


def _followed(request: Any, parameters: dict[str, Any], num_logits: int) -> _Followed:
    found: _Followed | None = getattr(request, FOLLOWED_ATTRIBUTE, None)
    if found is None:
        mask = _mask_of(parameters[TOKENIZER_PARAMETER], num_logits)
        found = _Followed(mask, parameters.get(STREAM_PARAMETER, "main"))
        setattr(request, FOLLOWED_ATTRIBUTE, found)
    return found


@cache
def _mask_of(tokenizer: str, num_logits: int) -> TokenMask:
    return compile_mask(load_vocabulary(tokenizer, num_logits=num_logits), cache=default_cache_folder())
