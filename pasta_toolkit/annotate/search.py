"""Finds the fastest way to decode the blocks between two syncs: what the main thread does, and what branches do.

Exact for given costs. For a bound on the critical path, a pass from left to right finds, for each place and number of
branches, the least tokens that the main thread needs to get there while no branch ends behind the bound; bisection
finds the least bound that can be kept. To need less is never worse, so nothing else is remembered but two bits: whether
the main thread has just written text, which its next text joins, and whether a list is split (see `constraints`).
Source: ours.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from pasta_toolkit.annotate.constraints import Constraints
from pasta_toolkit.annotate.costs import Costs
from pasta_toolkit.annotate.policy import FEWEST_BRANCHES

__all__ = ["Piece", "Segment", "search"]

# A state at a place is a number: that of the branches so far, times four, and two bits.
WROTE_TEXT, IS_SPLIT, STATES_PER_BRANCH = 1, 2, 4


@dataclass(frozen=True, slots=True)
class Piece:
    """Blocks `start` to `end - 1`, decoded in a row by one branch or by the main thread."""

    start: int
    end: int
    is_branch: bool


@dataclass(frozen=True, slots=True)
class Segment:
    """The pieces between two syncs and the tokens of their critical path."""

    pieces: tuple[Piece, ...]
    tokens: int


@dataclass(frozen=True, slots=True)
class _Branch:
    """A branch that may begin at some place; `tokens` are those of its content and its tags."""

    end: int
    tokens: int
    promise_tokens: int
    holds_barrier: bool
    needs_whole_list: bool
    splits_list: bool


def search(
    costs: Costs, constraints: Constraints, *, start: int, end: int, limit: int, most_branches: int
) -> Segment | None:
    """Return the segment of blocks `start` to `end - 1` with the shortest critical path below `limit`, if there is one.

    It has 2 to `most_branches` branches; of equally fast ones, one with the fewest. What stands before `start` is
    joined, and so is the segment before what stands behind `end`.
    """
    low, high, best = _least_tokens(costs, start, end, most_branches), limit, None
    if low >= high:
        return None
    table = _Table(costs, constraints, start, end, limit)
    while low < high:
        bound = (low + high) // 2
        segment = _Pass(table, bound, most_branches).segment()
        if segment is None:
            low = bound + 1
        else:
            high, best = bound, segment
    return best


def _least_tokens(costs: Costs, start: int, end: int, most_branches: int) -> int:
    """Return a bound below: all threads share the work evenly, and the second branch starts behind two promises."""
    promise, branch, content = min(costs.tags.promise), costs.tags.branch, costs.least_content(start, end)
    shares = (
        (content + num_branches * (promise + branch)) // (num_branches + 1)
        for num_branches in range(FEWEST_BRANCHES, most_branches + 1)
    )
    return max(min(shares), FEWEST_BRANCHES * promise + branch)


class _Table:
    """What may be done at each place of a range: looked up once, and used by every pass."""

    def __init__(self, costs: Costs, constraints: Constraints, start: int, end: int, limit: int) -> None:
        self.costs, self.constraints = costs, constraints
        self.start, self.end, self.limit = start, end, limit
        self.branches = {
            place: sorted(self._branches(place), key=lambda branch: branch.tokens) for place in range(start, end)
        }

    def _branches(self, place: int) -> Iterator[_Branch]:
        """Yield the branches that may begin at a place."""
        if not self.constraints.may_begin_branch[place]:
            return
        holds_barrier = False
        for end in range(place + 1, self.end + 1):
            holds_barrier = holds_barrier or end - 1 in self.constraints.barriers
            content = self.costs.content(place, end)
            tokens = content + self.costs.tags.branch
            if tokens < self.limit and (end == self.end or self.constraints.may_end_branch(place, end)):
                yield _Branch(
                    end,
                    tokens,
                    self.costs.promise(place, content),
                    holds_barrier,
                    self.constraints.holds_remark(place, end),
                    self.constraints.splits_list(place, end),
                )


class _Pass:
    """One pass with one bound.

    `reached[place]` holds, by state, the least tokens of the main thread and the place and state it came from.
    """

    def __init__(self, table: _Table, bound: int, most_branches: int) -> None:
        self.table, self.bound = table, bound
        self.most_branches = most_branches
        self.reached: dict[int, dict[int, tuple[int, int, int]]] = {
            place: {} for place in range(table.start, table.end + 1)
        }
        self.reached[table.start][0] = (0, table.start, 0)

    def segment(self) -> Segment | None:
        """Return the segment with the fewest branches among those that keep to the bound, if any does."""
        for place in range(self.table.start, self.table.end):
            self._leave(place)
        at_end = self.reached[self.table.end]
        states = [state for state in at_end if state >= FEWEST_BRANCHES * STATES_PER_BRANCH]
        if not states:
            return None
        best = min(states, key=lambda state: (state // STATES_PER_BRANCH, at_end[state][0], state))
        return Segment(tuple(self._pieces(best)), self.bound)

    def _leave(self, place: int) -> None:
        """Go on from the states that were reached at a place, but for those that another one makes needless."""
        row = self.reached[place]
        is_barrier = place in self.table.constraints.barriers and place > self.table.start
        least = [self.bound + 1] * STATES_PER_BRANCH
        for state in sorted(row):
            tokens = row[state][0]
            num_branches, bits = divmod(state, STATES_PER_BRANCH)
            if tokens >= least[bits] or (num_branches and is_barrier):
                continue
            if num_branches >= FEWEST_BRANCHES:
                least[bits] = tokens
            self._write(place, state, tokens)
            if num_branches < self.most_branches:
                self._promise(place, state, tokens)

    def _write(self, place: int, state: int, tokens: int) -> None:
        """Let the main thread write one block."""
        costs, constraints = self.table.costs, self.table.constraints
        is_split = state & IS_SPLIT
        if is_split and constraints.is_remark[place]:
            return
        stays = is_split and constraints.stays_split(place)
        state_behind = state - is_split | WROTE_TEXT | (IS_SPLIT if stays else 0)
        seam = costs.seam(place) if state & WROTE_TEXT else 0
        self._reach(place + 1, state_behind, (tokens + costs.content(place, place + 1) + seam, place, state))

    def _promise(self, place: int, state: int, tokens: int) -> None:
        """Let the main thread promise each branch that ends within the bound."""
        is_split = state & IS_SPLIT
        fresh = (state // STATES_PER_BRANCH + 1) * STATES_PER_BRANCH
        room = self.bound - tokens
        for branch in self.table.branches[place]:
            if branch.tokens > room:
                return
            is_blind = (is_split and branch.needs_whole_list) or (state >= STATES_PER_BRANCH and branch.holds_barrier)
            if not is_blind and branch.tokens + branch.promise_tokens <= room:
                state_behind = fresh | IS_SPLIT if branch.splits_list else fresh
                self._reach(branch.end, state_behind, (tokens + branch.promise_tokens, place, state))

    def _reach(self, place: int, state: int, step: tuple[int, int, int]) -> None:
        row = self.reached[place]
        if step[0] <= self.bound and (state not in row or step[0] < row[state][0]):
            row[state] = step

    def _pieces(self, state: int) -> list[Piece]:
        """Walk back from a state at the end; what the main thread writes in a row is one piece."""
        pieces: list[Piece] = []
        place = self.table.end
        while place > self.table.start:
            _, before, state_before = self.reached[place][state]
            is_branch = not state & WROTE_TEXT
            if pieces and not is_branch and not pieces[-1].is_branch:
                pieces[-1] = Piece(before, pieces[-1].end, is_branch=False)
            else:
                pieces.append(Piece(before, place, is_branch))
            place, state = before, state_before
        return pieces[::-1]
