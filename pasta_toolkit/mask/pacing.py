"""Whether a stream under limits keeps enough tokens to end, and to promise in time. Knows budgets, no tag's bytes."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pasta_toolkit.mask.limits import Limits
from pasta_toolkit.mask.names import MAIN
from pasta_toolkit.mask.progress import Progress, opened_topic
from pasta_toolkit.mask.token_mask import TokenMask

__all__ = ["Pacing"]


@dataclass(frozen=True, slots=True)
class Pacing:
    """The demands of `max_tokens` and `first_promise_by` on one stream."""

    mask: TokenMask
    limits: Limits
    stream: str

    def has_deadline(self, progress: Progress) -> bool:
        """Say whether the first promise is still to come, and by when it must."""
        return self.limits.first_promise_by is not None and self.stream == MAIN and not progress.num_promises

    def is_in_time(self, progress: Progress, num_tokens: int) -> bool:
        """Say whether a stream of so many tokens can still meet both demands."""
        most = self.limits.max_tokens
        if most is not None and progress.state != self.mask.finished:
            least = int(self._to_end(progress)[progress.state])
            if num_tokens + least + (opened_topic(progress) in progress.topics) > most:
                return False
        return not self.has_deadline(progress) or (
            progress.state != self.mask.finished
            and int(self.mask.budget.to_promise[progress.state]) <= self._left_to_promise(num_tokens)
        )

    def is_short(self, progress: Progress, num_tokens: int) -> bool:
        """Say whether some token that the mask allows might break a demand."""
        if progress.state == self.mask.finished:
            return False
        if self.has_deadline(progress):
            return True
        most = self.limits.max_tokens
        if most is None:
            return False
        is_anew = self._counts_topics(progress)
        furthest = self.mask.most_tokens_to_end_anew if is_anew else self.mask.most_tokens_to_end
        return num_tokens + 1 + furthest[progress.state] > most

    def in_time(self, progress: Progress, num_tokens: int) -> NDArray[np.bool_]:
        """Return for every token whether the state it leads to is in time; a tag that it completes is not looked at."""
        following = self.mask.next_states(progress.state)
        in_time = np.ones(len(following), dtype=np.bool_)
        if self.limits.max_tokens is not None:
            in_time &= self._to_end(progress)[following] <= self.limits.max_tokens - num_tokens - 1
        if self.has_deadline(progress):
            in_time &= self.mask.budget.to_promise[following] <= self._left_to_promise(num_tokens + 1)
        return in_time

    def _left_to_promise(self, num_tokens: int) -> int:
        """Return how many tokens the first promise may still take, so that the stream can also end behind it."""
        by, most = self.limits.first_promise_by or 0, self.limits.max_tokens
        return (by if most is None else min(by, most - self.mask.budget.behind_promise_to_end)) - num_tokens

    def _counts_topics(self, progress: Progress) -> bool:
        return self.limits.distinct_topics and bool(progress.topics)

    def _to_end(self, progress: Progress) -> NDArray[np.int64]:
        return self.mask.topic_budget.to_end if self._counts_topics(progress) else self.mask.budget.to_end
