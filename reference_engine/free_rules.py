"""Makes the rules of free threads for one model's vocabulary, and turns tokens back to text. Knows no request."""

from collections.abc import Sequence
from functools import cached_property
from pathlib import Path

from pasta_toolkit.mask import Limits, TokenMask, Vocabulary, compile_limited_mask, load_vocabulary
from reference_engine.free_options import FreeOptions
from reference_engine.stream_rules import BRANCH, MAIN, MaskedRule, PlainRule, StreamRule
from reference_engine.text import Tokenizer

__all__ = ["FreeRules"]

ASYNC, ASYNC_END = "<async>", "</async>"
SMALLEST_PROMISE = 10  # the least that a promise may name


class FreeRules:
    """The vocabulary of a model and the masks compiled for it. State: those masks, kept by what they are compiled for.

    With `jump_forward`, tokens that the mask leaves no choice about follow without being asked for. Masks are
    kept in the folder `cache` too, if there is one.
    """

    def __init__(
        self,
        tokenizer: Tokenizer,
        *,
        num_logits: int,
        end_tokens: Sequence[int] = (),
        jump_forward: bool = False,
        cache: Path | None = None,
    ) -> None:
        self._tokenizer = tokenizer
        self._num_logits = num_logits
        self._end_tokens = end_tokens or tokenizer.end_tokens
        self._jump_forward = jump_forward
        self._cache = cache
        self._masks: dict[Limits, TokenMask] = {}

    @cached_property
    def vocabulary(self) -> Vocabulary:
        """What each token writes.

        Raises:
            VocabularyError: the tokenizer is of an unknown kind, or knows no end token.
        """
        ends = self._end_tokens or None  # else those that the tokenizer is known to have
        return load_vocabulary(self._tokenizer.library, ends=ends, num_logits=self._num_logits)

    @cached_property
    def branch_begin(self) -> tuple[int, ...]:
        """The tokens of `<async>`."""
        return tuple(self._tokenizer.encode(ASYNC))

    @cached_property
    def branch_end(self) -> tuple[int, ...]:
        """The tokens of `</async>`, as the tokenizer writes it alone."""
        return tuple(self._tokenizer.encode(ASYNC_END))

    def main(self, options: FreeOptions) -> StreamRule:
        """Return the rule of a main thread.

        Raises:
            ConstraintError: its limits cannot be met.
        """
        if options.is_masked:
            self.branch(options, SMALLEST_PROMISE)  # refuse now what no branch could meet
        return self._rule(MAIN, options.limits, options.max_tokens, options)

    def branch(self, options: FreeOptions, promised_tokens: int) -> StreamRule:
        """Return the rule of a branch, whose `<async>` is written."""
        return self._rule(BRANCH, Limits(), options.branch_tokens(promised_tokens), options)

    def content(self, tokens: Sequence[int]) -> bytes:
        """Return the bytes that tokens write; control tokens write none."""
        known = self.vocabulary.tokens
        return b"".join(known[token] for token in tokens if token < len(known))

    def text(self, tokens: Sequence[int]) -> str:
        """Return the text of tokens; bytes that are no UTF-8, which no mask lets through, become U+FFFD."""
        return self.content(tokens).decode("utf-8", "replace")

    def _rule(self, stream: str, limits: Limits, most_tokens: int, options: FreeOptions) -> StreamRule:
        if not options.is_masked:
            return PlainRule(self.vocabulary, stream=stream, most_tokens=most_tokens)
        return self._masked(stream, limits, most_tokens, options)

    def _masked(self, stream: str, limits: Limits, most_tokens: int, options: FreeOptions) -> MaskedRule:
        encode = self._tokenizer.encode if self._jump_forward else None
        mask = self._mask(options.limits)
        return MaskedRule(mask, limits, stream=stream, most_tokens=most_tokens, encode=encode)

    def _mask(self, limits: Limits) -> TokenMask:
        """Return the mask for limits; only two of them are compiled into it."""
        compiled = Limits(branch_tokens=limits.branch_tokens, require_sync=limits.require_sync)
        if compiled not in self._masks:
            self._masks[compiled] = compile_limited_mask(self.vocabulary, compiled, cache=self._cache)
        return self._masks[compiled]
