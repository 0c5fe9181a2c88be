"""What a stream under limits has written, as far as caps and topics count it. Knows no budget of tokens."""

from dataclasses import dataclass, replace

import numpy as np

from pasta_toolkit.mask.automaton import DEAD
from pasta_toolkit.mask.limits import Limits
from pasta_toolkit.mask.names import BRANCH, CAPPED, MAIN, PROMISE, QUOTE
from pasta_toolkit.mask.tags import CompletedTag, read_to_tag
from pasta_toolkit.mask.token_mask import TokenMask

__all__ = ["Follower", "Progress", "opened_topic"]


@dataclass(frozen=True, slots=True)
class Progress:
    """Everything that limits count but tokens, as one value, so that forks and rollbacks cost nothing.

    `opened` is what has been written since the last border of texts and tags; `completed` are the tags that the newest
    token has completed. `topics` are those of the group, as far as they must differ.
    """

    state: int
    num_promises: int = 0
    num_in_group: int = 0
    topics: tuple[bytes, ...] = ()
    opened: bytes = b""
    completed: tuple[CompletedTag, ...] = ()


def opened_topic(progress: Progress) -> bytes | None:
    """Return what has been written of a topic that is still open, None elsewhere."""
    before, *topic = progress.opened.split(QUOTE)
    return topic[0] if len(topic) == 1 and before else None


@dataclass(frozen=True, slots=True)
class Follower:
    """Takes one stream under limits from progress to progress."""

    mask: TokenMask
    limits: Limits
    stream: str

    def first(self) -> Progress:
        """Return the progress of a stream that has not begun."""
        begin = CAPPED if self.stream == MAIN and self._is_capped(Progress(0)) else self.stream
        return Progress(self.mask.automaton.begins[begin])

    def after(self, progress: Progress, content: bytes) -> Progress | None:
        """Return the progress after the bytes of a token, None where the mask, a cap or a taken topic forbids them."""
        progress = replace(progress, completed=())
        while True:
            state, opened, tag, content = read_to_tag(
                self.mask.automaton, progress.state, opened=progress.opened, content=content
            )
            if state == DEAD:
                return None
            progress = replace(progress, state=state, opened=opened)
            if tag is None:
                return None if self._is_cornered(progress) else progress
            if tag.terminal == PROMISE and _topic(tag) in progress.topics:
                return None
            progress = self._counted(progress, tag)

    def _counted(self, progress: Progress, tag: CompletedTag) -> Progress:
        """Count a tag that has just ended, and go on in the stream that the caps leave."""
        is_promise = tag.terminal == PROMISE
        counted = replace(
            progress,
            num_promises=progress.num_promises + is_promise,
            num_in_group=progress.num_in_group + 1 if is_promise else 0,
            topics=(*progress.topics, _topic(tag)) if is_promise and self.limits.distinct_topics else (),
            completed=(*progress.completed, tag),
        )
        if self.stream == BRANCH:
            return counted
        stream = CAPPED if self._is_capped(counted) else MAIN
        return replace(counted, state=self.mask.automaton.after[stream, tag.terminal])

    def _is_capped(self, progress: Progress) -> bool:
        """Say whether no promise may follow: by a cap, or where new topics might run out."""
        if progress.topics and len(progress.topics) >= self.mask.topic_budget.num_letters:
            return True
        return self.limits.forbids_promise_after(progress.num_promises, progress.num_in_group)

    def _is_cornered(self, progress: Progress) -> bool:
        """Say whether an open tag has a topic that is taken: closed with it, or too long to become another one."""
        if not progress.topics or self.mask.labels[progress.state] != PROMISE:
            return False
        _, *topic = progress.opened.split(QUOTE)
        if not topic or topic[0] not in progress.topics:
            return False
        can_grow = np.count_nonzero(self.mask.automaton.table[progress.state]) > 1
        return len(topic) > 1 or not can_grow


def _topic(tag: CompletedTag) -> bytes:
    return tag.content.split(QUOTE)[1]
