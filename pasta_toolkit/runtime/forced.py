"""Forced mode: the script of a document, from the chunks of its DAG. Knows token counts; no text, no time.

Without jump-forward each decoded token costs a lane of its own, as the DAG counts them. With it, tokens of a tag that
can only follow are appended to the decoded one and fed with it in one lane.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from pasta_toolkit.dag import Chunk, ChunkKind
from pasta_toolkit.runtime.script import Run, Script, ThreadScript
from pasta_toolkit.runtime.step import Event, Finished, Promised, Synced

__all__ = ["TagTokens", "script_of_chunks"]

ONE = 1
TOPIC_AND_NUMBER = 2  # the free parts of a promise tag have at least one token each


@dataclass(frozen=True, slots=True)
class TagTokens:
    """How many tokens the fixed parts of the tags have; jump-forward appends all but the first of each part."""

    promise_start: int
    promise_middle: int
    promise_end: int
    async_start: int
    async_end: int
    sync: int

    @classmethod
    def counted(cls, count: Callable[[str], int]) -> "TagTokens":
        """Count the parts with a tokenizer."""
        parts = ('<promise topic="', '" tokens="', '"/>', "<async>", "</async>", "<sync/>")
        return cls(*map(count, parts))

    def promise_lanes(self, tag_tokens: int) -> list[int]:
        """Return what each lane decodes of a promise tag: a fixed part at once, topic and number token by token.

        A tag shorter than its parts (a vocabulary that merges across them) is decoded in one lane a token.
        """
        fixed = (self.promise_start, self.promise_middle, self.promise_end)
        free = tag_tokens - sum(fixed)
        if free < TOPIC_AND_NUMBER or min(fixed) < 1:
            return [1] * tag_tokens
        start, middle, end = fixed
        return [start, *([1] * (free - 1)), middle, 1, end]


def script_of_chunks(
    chunks: Sequence[Chunk], *, promised_tokens: Sequence[int] = (), jump_forward: TagTokens | None = None
) -> Script:
    """Return the script of a DAG from its chunks in topological order, branches in order of their promises.

    `promised_tokens` are what the promises say, in order; without them, what the branches are long.
    """
    branches = [chunk for chunk in chunks if chunk.kind is ChunkKind.BRANCH]
    if len(branches) == len(chunks):
        return Script.sequential(sum(chunk.text_tokens + chunk.tag_tokens for chunk in branches))
    events = iter(_promises(branches, promised_tokens, jump_forward))
    runs = [
        run for chunk in chunks if chunk.kind is not ChunkKind.BRANCH for run in _main_runs(chunk, events, jump_forward)
    ]
    return Script((_thread(runs), *(_thread(list(_branch_runs(chunk, jump_forward))) for chunk in branches)))


def _promises(branches: Sequence[Chunk], promised_tokens: Sequence[int], tags: TagTokens | None) -> Iterator[Promised]:
    for index, branch in enumerate(branches):
        promised = promised_tokens[index] if promised_tokens else branch.text_tokens
        yield Promised(promised, tags.async_start if tags else ONE, branch.tag_tokens, branch.text_tokens)


def _main_runs(chunk: Chunk, promises: Iterator[Promised], tags: TagTokens | None) -> Iterator[Run]:
    yield from _text(chunk.text_tokens)
    if chunk.kind is ChunkKind.JOIN:
        yield from _ending([chunk.tag_tokens] if tags else [1] * chunk.tag_tokens, Synced(), is_first=True)
    elif chunk.tag_tokens:
        lanes = tags.promise_lanes(chunk.tag_tokens) if tags else [1] * chunk.tag_tokens
        yield from _ending(lanes, next(promises), is_first=False)


def _branch_runs(chunk: Chunk, tags: TagTokens | None) -> Iterator[Run]:
    """Run a branch after its first tokens, which are forced on it."""
    if tags is None:
        yield from _text(chunk.text_tokens + chunk.tag_tokens - ONE)
    else:
        yield from _text(chunk.text_tokens)
        yield Run(1, tags.async_end)


def _text(num_tokens: int) -> Iterator[Run]:
    if num_tokens:
        yield Run(num_tokens)


def _ending(lanes: Sequence[int], event: Event, *, is_first: bool) -> Iterator[Run]:
    """Run the lanes of a tag, whose event befalls with the first or the last of them; equal lanes become one run."""
    place = 0 if is_first else len(lanes) - 1
    for index, tokens in enumerate(lanes):
        if tokens:
            yield Run(1, tokens, (event,) if index == place else ())


def _thread(runs: list[Run]) -> ThreadScript:
    ended = _merged(runs) or [Run(1, 0)]
    ended[-1] = ended[-1]._replace(events=(*ended[-1].events, Finished()))
    return ThreadScript(tuple(ended))


def _merged(runs: Sequence[Run]) -> list[Run]:
    merged: list[Run] = []
    for run in runs:
        if merged and not merged[-1].events and merged[-1].tokens_per_lane == run.tokens_per_lane:
            merged[-1] = run._replace(num_lanes=merged[-1].num_lanes + run.num_lanes)
        else:
            merged.append(run)
    return merged
