"""From a network to the smallest deterministic automaton over classes of characters. Knows no bytes and no grammar.

A state is a set of alternatives; an alternative is a node together with the demands that lookaheads have made on the
rest of the stream and that are still open. A demand is itself a state of the automaton that watches for the lookahead's
expression: once that automaton can no longer match, a negative demand is met for good; once it has matched whatever may
follow, the alternative is dead; at the end of the stream its acceptance decides. Nested lookaheads need nothing more,
for the watching automaton is built in the same way.

Source: subset construction (Rabin and Scott, 1959) over the alternating automaton of the lookaheads (Chandra, Kozen and
Stockmeyer, 1981); minimisation by refinement of partitions (Moore, 1956).
"""

from collections.abc import Collection, Hashable, Iterable, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from pasta_toolkit.mask.characters import CharacterClasses
from pasta_toolkit.mask.network import Network

__all__ = ["CharacterAutomaton", "determinise"]

Demand: TypeAlias = tuple[int, int]  # a guard's number and a state of the automaton that watches for its expression
Alternative: TypeAlias = tuple[int, frozenset[Demand]]
State: TypeAlias = frozenset[Alternative]


@dataclass(frozen=True)
class CharacterAutomaton:
    """A minimal complete deterministic automaton: `table[state][character class]` is the next state.

    `labels[state]` names the terminal that every way through the state lies inside of, None where there is none.
    `entries[i]` is the state of the i-th node that was asked for.
    """

    table: tuple[tuple[int, ...], ...]
    is_accepting: tuple[bool, ...]
    labels: tuple[str | None, ...]
    entries: tuple[int, ...]

    @cached_property
    def dead(self) -> int | None:
        """The state from which nothing can be accepted, if there is one."""
        return self._trap(is_accepting=False)

    @cached_property
    def universal(self) -> int | None:
        """The state from which everything is accepted, if there is one."""
        return self._trap(is_accepting=True)

    def _trap(self, *, is_accepting: bool) -> int | None:
        for state, row in enumerate(self.table):
            if self.is_accepting[state] == is_accepting and all(target == state for target in row):
                return state
        return None


def determinise(
    network: Network, classes: CharacterClasses, *, entries: Sequence[int], ends: Iterable[int]
) -> CharacterAutomaton:
    """Build the minimal automaton that starts at any of the nodes `entries` and accepts at the nodes `ends`."""
    subsets = _Subsets(network, classes, frozenset(ends))
    starts = [subsets.number(_least_demanding(subsets.closure((entry, frozenset())))) for entry in entries]
    subsets.explore()
    return _minimise(subsets, starts)


@dataclass
class _Subsets:
    """The states found so far, in the order in which they were found."""

    network: Network
    classes: CharacterClasses
    ends: frozenset[int]
    states: list[State] = field(default_factory=list)
    numbers: dict[State, int] = field(default_factory=dict)
    table: list[list[int]] = field(default_factory=list)
    closures: dict[Alternative, frozenset[Alternative]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.guards = self.network.all_guards()
        self.watchers = [
            determinise(guard.network, self.classes, entries=[guard.network.start], ends=[guard.network.end])
            for guard in self.guards
        ]
        self.guard_numbers = {id(guard): number for number, guard in enumerate(self.guards)}
        self.steps = [
            [(frozenset(self.classes.inside(ranges)), target) for ranges, target in edges]
            for edges in self.network.steps
        ]

    def number(self, state: State) -> int:
        """Return the number of a state, a new one if it has not been seen."""
        if state not in self.numbers:
            self.numbers[state] = len(self.states)
            self.states.append(state)
        return self.numbers[state]

    def explore(self) -> None:
        """Follow every class of characters from every state."""
        while len(self.table) < len(self.states):
            state = self.states[len(self.table)]
            self.table.append([self.number(self.successor(state, kind)) for kind in range(self.classes.num_classes)])

    def successor(self, state: State, kind: int) -> State:
        """Return the state after one character of a class."""
        after: set[Alternative] = set()
        for node, demands in state:
            targets = [target for kinds, target in self.steps[node] if kind in kinds]
            open_demands = self.advanced(demands, kind) if targets else None
            if open_demands is not None:
                after.update(*(self.closure((target, open_demands)) for target in targets))
        return _least_demanding(after)

    def advanced(self, demands: frozenset[Demand], kind: int) -> frozenset[Demand] | None:
        """Return the demands still open after a character, None if one of them can no longer be met."""
        still_open = set()
        for number, watched in demands:
            following = self.watchers[number].table[watched][kind]
            is_settled = self.settled(number, following)
            if is_settled is False:
                return None
            if is_settled is None:
                still_open.add((number, following))
        return frozenset(still_open)

    def settled(self, number: int, watched: int) -> bool | None:
        """Say whether a demand is met for good, can never be met, or is still open (None)."""
        watcher, must_match = self.watchers[number], self.guards[number].must_match
        if watched == watcher.universal:
            return must_match
        if watched == watcher.dead:
            return not must_match
        return None

    def closure(self, alternative: Alternative) -> frozenset[Alternative]:
        """Follow the edges that read nothing, once for each alternative: many states have it in common."""
        if alternative not in self.closures:
            found, waiting = {alternative}, [alternative]
            while waiting:
                for following in self.free_moves(waiting.pop()):
                    if following not in found:
                        found.add(following)
                        waiting.append(following)
            self.closures[alternative] = frozenset(
                (node, demands) for node, demands in found if not self.network.is_pass_through(node)
            )
        return self.closures[alternative]

    def free_moves(self, alternative: Alternative) -> Iterable[Alternative]:
        """Yield what can be reached from an alternative without reading a character."""
        node, demands = alternative
        for target in self.network.skips[node]:
            yield target, demands
        for guard, target in self.network.guards[node]:
            number = self.guard_numbers[id(guard)]
            watched = self.watchers[number].entries[0]
            is_settled = self.settled(number, watched)
            if is_settled is not False:
                yield target, demands if is_settled else demands | {(number, watched)}

    def accepts(self, state: State) -> bool:
        """Say whether the stream may end here: some alternative is at an end, with all its demands met."""
        return any(
            node in self.ends
            and all(
                self.watchers[number].is_accepting[watched] == self.guards[number].must_match
                for number, watched in demands
            )
            for node, demands in state
        )

    def label(self, state: State) -> str | None:
        """Name the terminal that all alternatives lie inside of."""
        labels = {self.network.labels[node] for node, _ in state}
        return labels.pop() if len(labels) == 1 else None


def _least_demanding(alternatives: Collection[Alternative]) -> State:
    """Drop alternatives that demand more than another at the same node."""
    return frozenset(
        (node, demands)
        for node, demands in alternatives
        if not demands or not any(other == node and fewer < demands for other, fewer in alternatives)
    )


def _minimise(subsets: _Subsets, starts: Sequence[int]) -> CharacterAutomaton:
    accepting = [subsets.accepts(state) for state in subsets.states]
    alive = _alive(subsets.table, accepting)
    labels = [subsets.label(state) if number in alive else None for number, state in enumerate(subsets.states)]
    blocks = _refined(_numbered(list(zip(accepting, labels, strict=True))), np.array(subsets.table))
    num_blocks = max(blocks) + 1
    first = {block: number for number, block in reversed(list(enumerate(blocks)))}
    members = [first[block] for block in range(num_blocks)]
    return CharacterAutomaton(
        tuple(tuple(blocks[target] for target in subsets.table[member]) for member in members),
        tuple(accepting[member] for member in members),
        tuple(labels[member] for member in members),
        tuple(blocks[start] for start in starts),
    )


def _refined(blocks: list[int], table: NDArray[np.int64]) -> list[int]:
    """Split blocks until no two states of one block lead to different blocks."""
    num_blocks = 0
    while max(blocks) + 1 != num_blocks:
        num_blocks = max(blocks) + 1
        of_state = np.array(blocks)
        blocks = _numbered([row.tobytes() for row in np.column_stack([of_state, of_state[table]])])
    return blocks


def _numbered(keys: Sequence[Hashable]) -> list[int]:
    """Number the distinct keys in the order of their first appearance."""
    numbers: dict[Hashable, int] = {}
    return [numbers.setdefault(key, len(numbers)) for key in keys]


def _alive(table: Sequence[Sequence[int]], accepting: Sequence[bool]) -> set[int]:
    """Return the states from which an accepting one can be reached."""
    sources: list[set[int]] = [set() for _ in table]
    for number, row in enumerate(table):
        for target in row:
            sources[target].add(number)
    alive = {number for number, is_accepting in enumerate(accepting) if is_accepting}
    waiting = list(alive)
    while waiting:
        for source in sources[waiting.pop()] - alive:
            alive.add(source)
            waiting.append(source)
    return alive
