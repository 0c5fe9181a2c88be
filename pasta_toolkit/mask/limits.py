"""What a regular mask does not know: numbers of promises and tokens, topics, deadlines. Composed with it step by step.

Caps on promises switch to a twin stream whose grammar has no promise; a range for `tokens` and a sync at the end are
compiled into the grammar. What depends on numbers of tokens uses the least number of tokens to the end from every
state, so that a stream under limits can always be closed in time.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import lark

from grammar import grammar_text
from grammar.reference import load_parser
from pasta_toolkit.mask.errors import AutomatonError, ConstraintError
from pasta_toolkit.mask.names import BRANCH, CAPPED, MAIN, NUMBER, PROMISE, SYNCED_RULE
from pasta_toolkit.mask.streams import Stream
from pasta_toolkit.mask.token_mask import TokenMask, compile_mask
from pasta_toolkit.mask.vocabulary import Vocabulary

__all__ = ["Limits", "compile_limited_mask"]

NUMBER_TERMINAL = re.compile(rf"^{NUMBER}: /(.*)/$", re.MULTILINE)


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

    @classmethod
    def of(cls, saved: Mapping[str, Any]) -> "Limits":
        """Read the limits from plain data, as `dataclasses.asdict` and JSON give them back."""
        numbers = saved["branch_tokens"]
        return cls(**{**saved, "branch_tokens": None if numbers is None else (numbers[0], numbers[1])})

    @property
    def has_caps(self) -> bool:
        """Whether the number of promises is limited."""
        return self.max_promises is not None or self.max_promises_per_group is not None

    def forbids_promise_after(self, num_promises: int, num_in_group: int) -> bool:
        """Say whether a cap forbids one more promise after so many in the document and in its group."""
        return (self.max_promises is not None and num_promises >= self.max_promises) or (
            self.max_promises_per_group is not None and num_in_group >= self.max_promises_per_group
        )


def compile_limited_mask(vocabulary: Vocabulary, limits: Limits, *, cache: Path | None = None) -> TokenMask:
    """Compile the mask that streams under `limits` need: the plain one, with twins that have no promise.

    Raises:
        ConstraintError: no number that the grammar allows lies in `branch_tokens`.
        AutomatonError: the grammar lacks a rule or terminal that limits speak of.
    """
    start = SYNCED_RULE if limits.require_sync else MAIN
    streams = (Stream(MAIN, start), Stream(CAPPED, start, without=(PROMISE,)), Stream(BRANCH, BRANCH))
    parser = None if limits.branch_tokens is None else _with_numbers(*limits.branch_tokens)
    mask = compile_mask(vocabulary, streams=streams, parser=parser, cache=cache)
    if (MAIN, PROMISE) not in mask.automaton.after:
        raise AutomatonError(f"limits speak of the terminal {PROMISE}, which no {MAIN} stream of the grammar has")
    return mask


def _with_numbers(smallest: int, largest: int) -> lark.Lark:
    """Load the grammar with fewer numbers of tokens: those of its own that lie in the range."""
    own = NUMBER_TERMINAL.search(grammar_text())
    if own is None:
        raise AutomatonError(f"branch_tokens needs a terminal {NUMBER} on a line of its own in the grammar")
    numbers = [str(number) for number in range(max(smallest, 0), largest + 1) if re.fullmatch(own[1], str(number))]
    if not numbers:
        raise ConstraintError(f"no number of tokens between {smallest} and {largest} is legal in a promise")
    return load_parser(NUMBER_TERMINAL.sub(f"{NUMBER}: /(?:{'|'.join(numbers)})/", grammar_text()))
