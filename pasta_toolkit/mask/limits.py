"""What a regular mask does not know: numbers of promises and tokens, topics, deadlines. Composed with it step by step.

Caps on promises switch to a twin stream whose grammar has no promise; a range for `tokens` and a sync at the end are
compiled into the grammar. What depends on numbers of tokens uses the least number of tokens to the end from every
state, so that a stream under limits can always be closed in time.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import lark

from grammar import grammar_text
from grammar.reference import load_parser
from pasta_toolkit.mask.errors import ConstraintError
from pasta_toolkit.mask.streams import Stream
from pasta_toolkit.mask.token_mask import TokenMask, compile_mask
from pasta_toolkit.mask.vocabulary import Vocabulary

__all__ = ["BRANCH", "CAPPED", "MAIN", "Limits", "compile_limited_mask"]

MAIN, CAPPED, BRANCH = "main", "capped", "branch"
PROMISE = "PROMISE"
SYNCED_RULE = "idle"  # the grammar's rule for a main stream without outstanding promises
NUMBER_TERMINAL = re.compile(r"^TOKENS: .*$", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Limits:
    """What to demand of a stream; None, and False, demand nothing.

    `max_tokens` counts the stream's tokens with its end token; a stream is steered so that it ends validly within it.
    `first_promise_by` is the number of tokens within which the first promise tag is complete. `branch_tokens` is the
    smallest and the largest number that a promise may name.
    """

    max_promises: int | None = None
    max_promises_per_group: int | None = None
    max_tokens: int | None = None
    first_promise_by: int | None = None
    branch_tokens: tuple[int, int] | None = None
    require_sync: bool = False
    distinct_topics: bool = False

    def __post_init__(self) -> None:
        """Refuse limits that nothing can meet."""
        for name in ("max_promises", "max_promises_per_group", "max_tokens", "first_promise_by"):
            value = getattr(self, name)
            if value is not None and value < 0:
                raise ConstraintError(f"{name} must not be negative, found {value}")
        if self.first_promise_by is not None and 0 in {self.max_promises, self.max_promises_per_group}:
            raise ConstraintError("first_promise_by demands a promise that the cap on promises forbids")

    @property
    def has_caps(self) -> bool:
        """Whether the number of promises is limited."""
        return self.max_promises is not None or self.max_promises_per_group is not None

    @property
    def allows_promises(self) -> bool:
        """Whether a stream may begin with a promise."""
        return 0 not in {self.max_promises, self.max_promises_per_group}


def compile_limited_mask(vocabulary: Vocabulary, limits: Limits, *, cache: Path | None = None) -> TokenMask:
    """Compile the mask that streams under `limits` need: the plain one, with twins that have no promise.

    Raises:
        ConstraintError: no number that the grammar allows lies in `branch_tokens`.
    """
    start = SYNCED_RULE if limits.require_sync else MAIN
    streams = (Stream(MAIN, start), Stream(CAPPED, start, without=(PROMISE,)), Stream(BRANCH, BRANCH))
    parser = None if limits.branch_tokens is None else _with_numbers(*limits.branch_tokens)
    return compile_mask(vocabulary, streams=streams, parser=parser, cache=cache)


def _with_numbers(smallest: int, largest: int) -> lark.Lark:
    """Load the grammar with fewer numbers of tokens: those of its own that lie in the range."""
    own = next(terminal for terminal in _number_terminals())
    numbers = [str(number) for number in range(max(smallest, 0), largest + 1) if re.fullmatch(own, str(number))]
    if not numbers:
        raise ConstraintError(f"no number of tokens between {smallest} and {largest} is legal in a promise")
    text = NUMBER_TERMINAL.sub(f"TOKENS: /(?:{'|'.join(numbers)})/", grammar_text())
    return load_parser(text)


def _number_terminals() -> Iterable[str]:
    for line in NUMBER_TERMINAL.findall(grammar_text()):
        yield line.removeprefix("TOKENS: ").strip().strip("/")
