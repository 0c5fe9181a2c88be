"""Reads the order of tags and recovers from every fault in it, in one pass. Knows no text and no spelling.

Async blocks fulfil the promises outstanding since the last sync in order; a block beyond those is late if a promise
before the sync still waits for one, and an orphan otherwise.
"""

from collections import deque
from collections.abc import Iterator
from functools import lru_cache

from grammar import Form
from pasta_toolkit.diagnostics.structure import Block, Fault, Structure, TagGroup

__all__ = ["LONGEST_REMEMBERED_LETTERS", "resolve"]

LONGEST_REMEMBERED_LETTERS = 256


def resolve(letters: str, form: Form, *, has_tail: bool = False) -> Structure:
    """Return the structure of a document; `has_tail` says that text follows its last end tag (form `branch`)."""
    if len(letters) <= LONGEST_REMEMBERED_LETTERS:
        return _resolve_remembered(letters, form, has_tail)
    return _resolve(letters, form, has_tail)


@lru_cache(maxsize=4096)
def _resolve_remembered(letters: str, form: Form, has_tail: bool) -> Structure:
    return _resolve(letters, form, has_tail)


def _resolve(letters: str, form: Form, has_tail: bool) -> Structure:
    if form == "branch":
        return _resolve_branch(letters, has_tail)
    return (_ResponseResolver if form == "response" else _MainResolver)(letters).resolve()


def _matching_ends(letters: str) -> tuple[dict[int, int], set[int]]:
    """Return the end of each `<async>` that has one, and the `<async/>` among those ends; a lone one ends itself."""
    ends: dict[int, int] = {}
    acting_ends: set[int] = set()
    waiting: list[int] = []
    for index, letter in enumerate(letters):
        if letter == "a":
            waiting.append(index)
        elif letter in "/e" and waiting:
            ends[waiting.pop()] = index
            if letter == "e":
                acting_ends.add(index)
        elif letter == "e":
            ends[index] = index
    return ends, acting_ends


class _ResponseResolver:
    """Walks over the letters of a response once and holds what is outstanding."""

    def __init__(self, letters: str) -> None:
        self.letters = letters
        self.ends, self.acting_ends = _matching_ends(letters)
        self.used_ends: set[int] = set()
        self.faults: list[Fault] = []
        self.groups: list[TagGroup] = []
        self.group_ends: list[int] = []  # the boundary behind the last block of each group, late ones included
        self.promises: list[int] = []
        self.blocks: list[Block] = []
        self.unfulfilled: deque[tuple[int, int]] = deque()  # promises of closed groups, each with its group
        self.late_run: list[tuple[Block, int, int]] = []  # late blocks in a row, with promise and sync
        self.last_promise: tuple[int, ...] = ()
        self.last_sync: tuple[int, ...] = ()
        self.last_end: tuple[int, ...] = ()

    def resolve(self) -> Structure:
        index = 0
        while index < len(self.letters):
            index = self._visit(self.letters[index], index)
        self._finish()
        num_promises = self.letters.count("p")
        acting_ends = frozenset(self.acting_ends)
        return Structure(num_promises, len(self.letters), tuple(self.groups), tuple(self.faults), acting_ends)

    def _visit(self, letter: str, index: int) -> int:
        """Read one tag, or a whole block, and return the index of the next tag to read."""
        if letter == "p":
            return self._promise(index)
        if letter == "s":
            return self._sync(index)
        if letter == "a" or (letter == "e" and index not in self.acting_ends):
            return self._block(index)
        if letter != "-" and index not in self.used_ends:
            self._stray_end(index)
        return index + 1

    def _promise(self, index: int) -> int:
        self._end_late_run()
        self.promises.append(index)
        self.last_promise = (index,)
        return index + 1

    def _sync(self, index: int) -> int:
        self._end_late_run()
        if self.promises:
            self._close_group(index)
        else:
            self.faults.append(Fault("sync-without-promise", index, others=self.last_sync))
        self.last_sync = (index,)
        return index + 1

    def _block(self, index: int) -> int:
        if len(self.blocks) < len(self.promises):
            self._end_late_run()
            block = self._entered(index, self.promises[len(self.blocks)])
            self.blocks.append(block)
        elif self.unfulfilled:
            promise, group = self.unfulfilled.popleft()
            block = self._entered(index, promise)
            self.group_ends[group] = block.end
            self.late_run.append((block, promise, self.groups[group].sync or 0))
        else:
            return self._orphan(index)
        return block.close + block.is_closed

    def _orphan(self, index: int) -> int:
        """Take the block's tags for nothing, and read its content as the main thread's."""
        self._end_late_run()
        end = self.ends.get(index)
        self.faults.append(Fault("orphan-async-block", index, pair=end, others=self.last_promise))
        if end is not None:
            self.used_ends.add(end)
        return index + 1

    def _stray_end(self, index: int) -> None:
        """Let an end tag without a start fulfil an outstanding promise: its `<async>` was forgotten."""
        self._end_late_run()
        if len(self.blocks) < len(self.promises):
            self.blocks.append(Block(index - 1, index, is_opened=False))
            self.faults.append(Fault("stray-async-end", index, boundary=2 * index))
        else:
            self.faults.append(Fault("stray-async-end", index, others=self.last_end))
        self.last_end = (index,)

    def _entered(self, index: int, promise: int) -> Block:
        end = self.ends.get(index)
        if end is None:
            block = Block(index, index + 1, is_closed=False)
            self.faults.append(Fault("unclosed-async", index, others=(promise,), boundary=block.end))
            return block
        self.faults.extend(_nested(self.letters, self.ends, index, end))
        self.last_end = (end,)
        return Block(index, end)

    def _close_group(self, sync: int | None) -> None:
        group_index = len(self.groups)
        self.groups.append(TagGroup(tuple(self.promises), tuple(self.blocks), sync))
        self.group_ends.append(self.blocks[-1].end if self.blocks else 0)
        self.unfulfilled.extend((promise, group_index) for promise in self.promises[len(self.blocks) :])
        self.promises, self.blocks = [], []

    def _end_late_run(self) -> None:
        """Report blocks that came too late, each with the place behind the last of them for the sync to go to."""
        for block, promise, sync in self.late_run:
            boundary = self.late_run[-1][0].end
            self.faults.append(Fault("late-async-block", block.open, None, (promise, sync), boundary))
        self.late_run = []

    def _finish(self) -> None:
        self._end_late_run()
        if self.promises:
            self._close_group(None)
        for promise, group_index in self.unfulfilled:
            sync = self.groups[group_index].sync
            boundary = max(2 * promise + 2, self.group_ends[group_index])
            others = () if sync is None else (sync,)
            self.faults.append(Fault("unfulfilled-promise", promise, others=others, boundary=boundary))


class _MainResolver(_ResponseResolver):
    """The main thread: no block belongs there, and promises need none."""

    def _block(self, index: int) -> int:
        end = self.ends.get(index)
        self.faults.append(Fault("async-in-main", index, pair=end))
        if end is not None:
            self.used_ends.add(end)
        return index + 1

    def _stray_end(self, index: int) -> None:
        self.faults.append(Fault("stray-async-end", index, others=self.last_end))
        self.last_end = (index,)

    def _finish(self) -> None:
        if self.promises:
            self._close_group(None)


def _nested(letters: str, ends: dict[int, int], start: int, end: int) -> list[Fault]:
    """Report every tag inside a block."""
    faults = []
    for index in range(start + 1, end):
        if letters[index] == "p":
            faults.append(Fault("nested-promise", index, others=(start,)))
        elif letters[index] == "s":
            faults.append(Fault("nested-sync", index, others=(start,)))
        elif index in ends:
            faults.append(Fault("nested-async", index, pair=ends[index], others=(start,)))
    return faults


def _resolve_branch(letters: str, has_tail: bool) -> Structure:
    """Take the last end tag for the end of the branch; no other tag belongs there."""
    last = max(letters.rfind("/"), letters.rfind("e"))
    ends, acting_ends = _matching_ends(letters[: max(last, 0)])
    faults = [*_in_branch(letters, ends, last)]
    if last < 0:
        faults.append(Fault("missing-branch-end", len(letters), boundary=2 * len(letters) + 1))
    elif has_tail:
        faults.append(Fault("text-after-branch-end", last, boundary=2 * len(letters) + 1))
    return Structure(letters.count("p"), len(letters), (), tuple(faults), frozenset({*acting_ends, last}))


def _in_branch(letters: str, ends: dict[int, int], last: int) -> Iterator[Fault]:
    used_ends = set(ends.values())
    for index, letter in enumerate(letters):
        if letter in "psa" or ends.get(index) == index:
            yield Fault("tag-in-branch", index, pair=ends.get(index))
        elif letter != "-" and index != last and index not in used_ends:
            yield Fault("stray-async-end", index)
