"""A constraint with limits. Knows the numbers that `Limits` counts; which tokens are legal at all it asks the mask."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pasta_toolkit.mask.automaton import DEAD
from pasta_toolkit.mask.errors import ConstraintError
from pasta_toolkit.mask.limits import BRANCH, CAPPED, MAIN, PROMISE, Limits
from pasta_toolkit.mask.table import NEVER
from pasta_toolkit.mask.token_mask import TokenMask

__all__ = ["LimitedConstraint"]

QUOTE = b'"'


@dataclass(frozen=True, slots=True)
class _Progress:
    """Everything that limits count, as one value, so that forks and rollbacks cost nothing."""

    state: int
    num_tokens: int = 0
    num_promises: int = 0
    num_in_group: int = 0
    topics: tuple[bytes, ...] = ()
    tag: bytes = b""  # what has been written of the promise tag that is open


class LimitedConstraint:
    """One stream under limits. As long as no limit is near, a step is the mask's look-up and a few comparisons."""

    def __init__(self, mask: TokenMask, limits: Limits, *, stream: str = MAIN) -> None:
        self.mask = mask
        self.limits = limits
        self.stream = stream
        begin = CAPPED if stream == MAIN and not limits.allows_promises else stream
        self._progress = _Progress(mask.automaton.begins[begin])
        self._past: tuple[Any, _Progress] | None = None
        self._to_promise = _tokens_to_promise(mask) if limits.first_promise_by is not None else None
        self._refuse_impossible()

    def _refuse_impossible(self) -> None:
        least = int(self.mask.table.tokens_to_end[self._progress.state])
        if self.limits.max_tokens is not None and self.limits.max_tokens < least:
            raise ConstraintError(f"a stream {self.stream!r} takes {least} tokens, more than max_tokens allows")
        if self.stream == MAIN and not self._meets_deadline(self._progress):
            raise ConstraintError("no promise can be completed within first_promise_by tokens")

    @property
    def is_finished(self) -> bool:
        """Whether an end token has been taken."""
        return self._progress.state == self.mask.finished

    @property
    def can_end(self) -> bool:
        """Whether the stream may end here."""
        progress = self._progress
        return self.is_finished or (
            bool(self.mask.automaton.is_accepting[progress.state]) and self._deadline(progress) is None
        )

    @property
    def num_promises(self) -> int:
        """The number of promises completed."""
        return self._progress.num_promises

    def is_legal(self) -> NDArray[np.bool_]:
        """Return one truth value a logit."""
        progress, limits = self._progress, self.limits
        legal = self.mask.sets[progress.state].is_legal
        counts_tags = limits.distinct_topics or limits.has_caps
        is_tag_delicate = counts_tags and (bool(progress.tag) or len(self.mask.tag_holding_tokens) > 0)
        is_time_short = self._is_time_short()
        if self.is_finished or not (is_tag_delicate or is_time_short):
            return legal
        legal = legal.copy()
        if is_time_short:
            legal &= self._in_time()
        for token in self._delicate_tokens(legal):
            legal[token] = self._after(token) is not None
        return legal

    def apply(self, logits: Any) -> None:
        """Forbid in a row of logits, in place, what may not come next: numpy, or torch on any device."""
        legal = self.is_legal()
        if legal is self.mask.sets[self._progress.state].is_legal:
            self.mask.sets[self._progress.state].apply(logits)
        elif isinstance(logits, np.ndarray):
            logits[~legal] = -np.inf
        else:
            import torch  # noqa: PLC0415

            logits.masked_fill_(torch.from_numpy(~legal).to(logits.device), float("-inf"))

    def advance(self, token: int) -> None:
        """Take a token.

        Raises:
            ConstraintError: the token is not legal here, or a limit forbids it; nothing has changed.
        """
        after = self._after(token)
        if after is None:
            raise ConstraintError(f"the token {self.mask.vocabulary.describe(token)} is not legal here")
        self._past = (self._past, self._progress)
        self._progress = after

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

    def _is_time_short(self) -> bool:
        """Say whether some token that the mask allows could make it impossible to end, or to promise, in time."""
        progress, limits = self._progress, self.limits
        if self._deadline(progress) is not None:
            return True
        if limits.max_tokens is None or self.is_finished:
            return False
        furthest = int(self.mask.most_tokens_to_end[progress.state])
        return progress.num_tokens + 1 + furthest > limits.max_tokens

    def _in_time(self) -> NDArray[np.bool_]:
        """Return for every token whether it leaves enough tokens to end and to promise."""
        progress, limits = self._progress, self.limits
        following = self.mask.next_states(progress.state)
        in_time = np.ones(len(following), dtype=np.bool_)
        taken = progress.num_tokens + 1
        if limits.max_tokens is not None:
            in_time &= taken + self.mask.table.tokens_to_end[following].astype(np.int64) <= limits.max_tokens
        if self._to_promise is not None and (left := self._deadline(progress)) is not None:
            in_time &= self._to_promise[following] <= left - 1
        in_time[list(self.mask.vocabulary.ends)] = True  # decided one by one
        return in_time

    def _delicate_tokens(self, legal: NDArray[np.bool_]) -> Iterator[int]:
        """Yield the legal tokens whose effect on counts and topics must be looked at one by one."""
        yield from (end for end in self.mask.vocabulary.ends if legal[end])
        if not (self.limits.has_caps or self.limits.distinct_topics):
            return
        whole = self.mask.tag_holding_tokens
        yield from whole[legal[whole]].tolist()
        if self._progress.tag:
            candidates = self.mask.delicate_tokens
            yield from candidates[legal[candidates]].tolist()
            for token in self._tokens_completing_a_topic():
                if legal[token]:
                    yield token

    def _tokens_completing_a_topic(self) -> Iterator[int]:
        """Yield the tokens that make the open topic one that is taken."""
        _, _, begun = self._progress.tag.partition(QUOTE)
        for topic in self._progress.topics:
            if topic.startswith(begun) and len(topic) > len(begun):
                yield from self.mask.ids_of.get(topic[len(begun) :], ())

    def _after(self, token: int) -> _Progress | None:
        """Return the progress after a token, None where the mask or a limit forbids it."""
        mask, progress = self.mask, self._progress
        state = mask.next_state(progress.state, token)
        if state == DEAD:
            return None
        if state == mask.finished:
            after = replace(progress, state=state, num_tokens=progress.num_tokens + 1)
            return after if self._deadline(progress) is None and self._fits(after) else None
        after_bytes = self._read(progress, mask.vocabulary.tokens[token])
        if after_bytes is None:
            return None
        after = replace(after_bytes, num_tokens=progress.num_tokens + 1)
        return after if self._fits(after) and self._meets_deadline(after) else None

    def _read(self, progress: _Progress, content: bytes) -> _Progress | None:
        """Follow the bytes, and count where a tag ends."""
        automaton = self.mask.automaton
        state, tag = progress.state, progress.tag
        for place, byte in enumerate(content):
            before, state = state, int(automaton.table[state, byte])
            if state == DEAD:
                return None
            if automaton.labels[state] == PROMISE:
                tag += bytes([byte])
            elif automaton.labels[before] is not None:
                ended = self._ended(replace(progress, state=state, tag=tag), str(automaton.labels[before]))
                return None if ended is None else self._read(ended, content[place + 1 :])
        if tag and self._is_cornered(progress, state, tag):
            return None
        return replace(progress, state=state, tag=tag)

    def _ended(self, progress: _Progress, terminal: str) -> _Progress | None:
        """Count a tag that has just ended, and go on in the stream that the caps leave."""
        if terminal == PROMISE:
            topic = _topic(progress.tag)
            if self.limits.distinct_topics and topic in progress.topics:
                return None
            progress = replace(
                progress,
                num_promises=progress.num_promises + 1,
                num_in_group=progress.num_in_group + 1,
                topics=(*progress.topics, topic) if self.limits.distinct_topics else (),
                tag=b"",
            )
        else:
            progress = replace(progress, num_in_group=0, topics=(), tag=b"")
        if self.stream == BRANCH:
            return progress
        stream = CAPPED if self._is_capped(progress) else MAIN
        return replace(progress, state=self.mask.automaton.after[stream, terminal])

    def _is_capped(self, progress: _Progress) -> bool:
        limits = self.limits
        return (limits.max_promises is not None and progress.num_promises >= limits.max_promises) or (
            limits.max_promises_per_group is not None and progress.num_in_group >= limits.max_promises_per_group
        )

    def _is_cornered(self, progress: _Progress, state: int, tag: bytes) -> bool:
        """Say whether an open tag has a topic that is taken: closed with it, or too long to become another one."""
        if not self.limits.distinct_topics:
            return False
        topic, quote, _ = tag.partition(QUOTE)[2].partition(QUOTE)
        can_grow = np.count_nonzero(self.mask.automaton.table[state]) > 1
        return topic in progress.topics and (bool(quote) or not can_grow)

    def _fits(self, progress: _Progress) -> bool:
        """Say whether the stream can still be closed within the budget."""
        if self.limits.max_tokens is None:
            return True
        least = 0 if progress.state == self.mask.finished else int(self.mask.table.tokens_to_end[progress.state])
        return progress.num_tokens + least <= self.limits.max_tokens

    def _deadline(self, progress: _Progress) -> int | None:
        """Return how many tokens are left for the first promise, None where there is no such demand any more."""
        by = self.limits.first_promise_by
        return None if by is None or self.stream != MAIN or progress.num_promises else by - progress.num_tokens

    def _meets_deadline(self, progress: _Progress) -> bool:
        left = self._deadline(progress)
        return left is None or self._to_promise is None or int(self._to_promise[progress.state]) <= left


def _topic(tag: bytes) -> bytes:
    return tag.split(QUOTE)[1]


def _tokens_to_promise(mask: TokenMask) -> NDArray[np.int64]:
    """Return the least number of tokens from every state of the stream `main` to behind its first promise."""
    goal = mask.automaton.after[MAIN, PROMISE]
    leads_to = mask.leads_to
    least = np.full(mask.automaton.num_states, int(NEVER), dtype=np.int64)
    least[goal] = 0
    newest = least == 0
    tokens = 0
    while newest.any():
        tokens += 1
        newest = leads_to[:, newest].any(axis=1) & (least == int(NEVER))
        least[newest] = tokens
    return least
