"""A constraint with limits: one stream in progress. Which tokens are legal at all it asks the mask."""

from collections.abc import Iterator, Mapping
from dataclasses import asdict, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pasta_toolkit.mask.automaton import DEAD
from pasta_toolkit.mask.errors import ConstraintError
from pasta_toolkit.mask.forced import Encode, forced_tokens
from pasta_toolkit.mask.limits import Limits
from pasta_toolkit.mask.names import MAIN, QUOTE
from pasta_toolkit.mask.pacing import Pacing
from pasta_toolkit.mask.progress import Follower, Progress, opened_topic
from pasta_toolkit.mask.tags import CompletedTag
from pasta_toolkit.mask.token_mask import TokenMask

__all__ = ["LimitedConstraint"]

NOTHING = np.zeros(0, dtype=np.int64)


class LimitedConstraint:
    """One stream under limits. As long as no limit is near, a step is the mask's look-up and a few comparisons.

    `num_tokens` have been taken.
    """

    def __init__(self, mask: TokenMask, limits: Limits, *, stream: str = MAIN) -> None:
        self.mask = mask
        self.limits = limits
        self.stream = stream
        self.num_tokens = 0
        self._follower = Follower(mask, limits, stream)
        self._pacing = Pacing(mask, limits, stream)
        self._progress = self._follower.first()
        self._past: tuple[Any, Progress] | None = None
        self._refuse_impossible()

    def _refuse_impossible(self) -> None:
        most, least = self.limits.max_tokens, int(self.mask.table.tokens_to_end[self.state])
        if most is not None and most < least:
            raise ConstraintError(
                f"a stream {self.stream!r} takes {least} tokens, more than max_tokens allows ({most})"
            )
        if not self._pacing.is_in_time(self._progress, 0):
            raise ConstraintError("no promise can be completed within first_promise_by tokens, and the stream be ended")

    @property
    def state(self) -> int:
        """The automaton's state."""
        return self._progress.state

    @property
    def is_finished(self) -> bool:
        """Whether an end token has been taken."""
        return self.state == self.mask.finished

    @property
    def can_end(self) -> bool:
        """Whether the stream may end here; a branch may exactly where its `</async>` is complete."""
        is_complete = self.is_finished or bool(self.mask.automaton.is_accepting[self.state])
        return is_complete and not self._pacing.has_deadline(self._progress)

    @property
    def num_promises(self) -> int:
        """The number of promises completed."""
        return self._progress.num_promises

    @property
    def inside(self) -> str | None:
        """The terminal that the stream is certainly inside of: PROMISE behind `<promise `, SYNC behind `<sync/`."""
        return self.mask.labels[self.state]

    @property
    def completed(self) -> tuple[CompletedTag, ...]:
        """The tags that the token just taken has completed, in order: nearly always none."""
        return self._progress.completed

    def is_legal(self) -> NDArray[np.bool_]:
        """Return one truth value a logit; not to be written to, it may be shared."""
        legal, forbidden = self.mask.sets[self.state].is_legal, self._forbidden()
        if len(forbidden):
            legal = legal.copy()
            legal[forbidden] = False
        return legal

    def apply(self, logits: Any) -> None:
        """Forbid in a row of logits, in place, what may not come next: numpy, or torch on any device."""
        self.mask.sets[self.state].apply(logits)
        forbidden = self._forbidden()
        if len(forbidden):
            logits[forbidden] = -np.inf

    def advance(self, token: int) -> None:
        """Take a token.

        Raises:
            ConstraintError: the token is not legal here, or a limit forbids it; nothing has changed.
        """
        after = self._progress if self._is_plain_text(token) else self._after(token)
        if after is None:
            raise ConstraintError(f"the token {self.mask.vocabulary.describe(token)} is not legal here")
        self._past = (self._past, self._progress)
        self._progress = after
        self.num_tokens += 1

    def _is_plain_text(self, token: int) -> bool:
        """Say whether a token leads from text to text, far from every limit: nearly always, so it has to be quick."""
        progress, mask = self._progress, self.mask
        codes, states = mask.fast_steps[progress.state]
        return (
            0 <= token < len(codes)
            and states[codes[token]] == progress.state
            and not progress.completed
            and not len(mask.delicate_tokens(progress.state))
            and not self._is_near_limit()
        )

    def fork(self) -> "LimitedConstraint":
        """Return an independent constraint at the same place, in constant time."""
        twin = object.__new__(LimitedConstraint)
        twin.__dict__.update(self.__dict__)
        return twin

    def rollback(self, num_tokens: int = 1) -> None:
        """Take back the last tokens; one takes constant time.

        Raises:
            ValueError: fewer tokens have been taken.
        """
        past, progress = self._past, self._progress
        for _ in range(num_tokens):
            if past is None:
                raise ValueError(f"cannot take back {num_tokens} tokens: fewer have been taken")
            past, progress = past
        self._past, self._progress = past, progress
        self.num_tokens -= num_tokens

    def save(self) -> dict[str, Any]:
        """Return the state as plain data; what has been taken cannot be taken back after `restore`."""
        progress = self._progress
        return {
            "mask": self.mask.digest,
            "limits": asdict(self.limits),
            "stream": self.stream,
            "num_tokens": self.num_tokens,
            "state": progress.state,
            "num_promises": progress.num_promises,
            "num_in_group": progress.num_in_group,
            "topics": [topic.hex() for topic in progress.topics],
            "opened": progress.opened.hex(),
        }

    @classmethod
    def restore(cls, mask: TokenMask, limits: Limits, *, saved: Mapping[str, Any]) -> "LimitedConstraint":
        """Undo `save`, also through JSON.

        Raises:
            ConstraintError: the state belongs to another mask or other limits.
        """
        if saved["mask"] != mask.digest or Limits.of(saved["limits"]) != limits:
            raise ConstraintError("the saved state belongs to another mask or other limits")
        constraint = cls(mask, limits, stream=saved["stream"])
        constraint.num_tokens = saved["num_tokens"]
        constraint._progress = Progress(
            saved["state"],
            saved["num_promises"],
            saved["num_in_group"],
            tuple(map(bytes.fromhex, saved["topics"])),
            bytes.fromhex(saved["opened"]),
        )
        return constraint

    def forced_bytes(self) -> bytes:
        """Return bytes that every continuation begins with: the mask's, or those of the one token that limits leave."""
        forced = self.mask.forced_bytes[self.state]
        return forced or b"".join(self.mask.vocabulary.tokens[token] for token in self._only_token())

    def forced_tokens(self, encode: Encode, *, written: str = "") -> list[int]:
        """Return the tokens that may be taken without asking the model; an end token is never among them.

        They are those of the mask (see `Constraint.forced_tokens`) as far as the limits allow them, and every token
        that is the only legal one: near the end of the budget these close the stream.
        """
        twin, taken = self.fork(), []
        while tokens := twin._canonical_tokens(encode, written) or twin._only_token():
            for token in tokens:
                twin.advance(token)
                written += self.mask.vocabulary.tokens[token].decode("utf-8", "replace")
            taken += tokens
        return taken

    def _canonical_tokens(self, encode: Encode, written: str) -> list[int]:
        """Return the mask's forced tokens up to the first one that a limit forbids."""
        forced = self.mask.forced_bytes[self.state]
        if not forced:
            return []
        tokens = forced_tokens(self.mask, self.state, forced, encode=encode, written=written)
        twin = self.fork()
        for place, token in enumerate(tokens):
            after = twin._after(token)
            if after is None:
                return tokens[:place]
            twin._progress, twin.num_tokens = after, twin.num_tokens + 1
        return tokens

    def _only_token(self) -> list[int]:
        """Return the only legal token, nothing where there are more or where it is an end."""
        if self.is_finished or (len(self.mask.sets[self.state]) > 1 and not self._is_near_limit()):
            return []
        ids = self.is_legal().nonzero()[0]
        return [] if len(ids) != 1 or int(ids[0]) in self.mask.vocabulary.ends else [int(ids[0])]

    def _is_near_limit(self) -> bool:
        return self._pacing.is_short(self._progress, self.num_tokens)

    def _after(self, token: int) -> Progress | None:
        """Return the progress after a token, None where the mask or a limit forbids it."""
        mask, progress = self.mask, self._progress
        if not 0 <= token < mask.vocabulary.num_logits:
            return None
        content = mask.vocabulary.tokens[token]
        if not content:
            state = mask.next_state(progress.state, token)
            after = None if state == DEAD else replace(progress, state=state, completed=())
        elif progress.state == mask.finished:
            return None
        else:
            after = self._follower.after(progress, content)
        return after if after is not None and self._pacing.is_in_time(after, self.num_tokens + 1) else None

    def _forbidden(self) -> NDArray[np.int64]:
        """Return the tokens that the mask allows and a limit forbids."""
        if self.is_finished:
            return NOTHING
        is_near = self._is_near_limit()
        if not (is_near or self._progress.opened or len(self.mask.delicate_tokens(self.state))):
            return NOTHING
        delicate = set(self._delicate_tokens(is_near=is_near))
        if not is_near:
            return np.array([token for token in delicate if self._after(token) is None], dtype=np.int64)
        legal = self.mask.sets[self.state].is_legal
        forbidden = legal & ~self._pacing.in_time(self._progress, self.num_tokens)
        for token in delicate:
            forbidden[token] = legal[token] and self._after(token) is None
        return forbidden.nonzero()[0]

    def _delicate_tokens(self, *, is_near: bool) -> Iterator[int]:
        """Yield the legal tokens whose effect on counts, topics and time must be looked at one by one."""
        legal = self.mask.sets[self.state]
        if is_near:
            yield from (end for end in self.mask.vocabulary.ends if end in legal)
        if is_near or self.limits.has_caps or self.limits.distinct_topics:
            yield from self.mask.delicate_tokens(self.state).tolist()
        if self._progress.topics:
            yield from (token for token in self._tokens_near_taken_topics() if token in legal)

    def _tokens_near_taken_topics(self) -> Iterator[int]:
        """Yield the tokens that make the open topic one that is taken, or close it there."""
        begun = opened_topic(self._progress)
        if begun is None:
            return
        for topic in self._progress.topics:
            if topic.startswith(begun):
                rest = topic[len(begun) :]
                yield from self.mask.ids_of.get(rest, ())
                for content in self.mask.tokens_beginning_with(rest + QUOTE):
                    yield from self.mask.ids_of[content]
