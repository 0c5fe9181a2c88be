"""From an automaton over characters to one over the bytes of UTF-8. Knows no grammar.

A state between the bytes of one character is the function "remaining bytes to next state". Equal functions are one
state, so the result is minimal whenever the automaton over characters is: two such states with different functions are
told apart by some continuation, and no state at the border of characters accepts a continuation byte.

Source: RFC 3629, section 4 (well-formed byte sequences: no surrogates, no overlong forms, nothing above U+10FFFF).
"""

from bisect import bisect_left, bisect_right
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import TypeAlias

from pasta_toolkit.mask.characters import CharacterClasses
from pasta_toolkit.mask.determinise import CharacterAutomaton

__all__ = ["DEAD", "ByteStates", "encode_states"]

DEAD = 0  # the byte automaton's state from which nothing can be accepted

FANOUT = 64  # continuation bytes carry six bits
FIRST_CONTINUATION = 0x80
# Lead bytes, the bits of the lead that belong to the character, characters below one lead, and the characters allowed.
LEADS = (
    (range(0xC2, 0xE0), 0x1F, FANOUT, range(0x80, 0x800)),
    (range(0xE0, 0xF0), 0x0F, FANOUT**2, range(0x800, 0x10000)),
    (range(0xF0, 0xF5), 0x07, FANOUT**3, range(0x10000, 0x110000)),
)

Pieces: TypeAlias = tuple[tuple[int, ...], tuple[int, ...]]  # first offsets, and the target from each up to the next


@dataclass
class ByteStates:
    """The states over bytes: state 0 is dead, then those of the characters in their order, then those between bytes.

    `of_character_state[i]` is the byte state of the character automaton's state i.
    """

    rows: list[list[int]] = field(default_factory=list)
    labels: list[str | None] = field(default_factory=list)
    of_character_state: list[int] = field(default_factory=list)
    between: dict[tuple[int, Pieces], int] = field(default_factory=dict)

    def add(self, label: str | None) -> int:
        """Add a state that leads nowhere yet."""
        self.rows.append([DEAD] * 256)
        self.labels.append(label)
        return len(self.rows) - 1

    def state_between(self, pieces: Pieces, width: int) -> int:
        """Return the state whose next bytes choose among `width` characters; `pieces` say where each one leads."""
        _, targets = pieces
        if targets == (DEAD,):
            return DEAD
        if width == 1:
            return targets[0]
        if (width, pieces) not in self.between:
            labels = {self.labels[target] for target in targets if target != DEAD}
            state = self.between[width, pieces] = self.add(labels.pop() if len(labels) == 1 else None)
            self.rows[state][FIRST_CONTINUATION : FIRST_CONTINUATION + FANOUT] = self.targets(pieces, width)
        return self.between[width, pieces]

    def targets(self, pieces: Pieces, width: int) -> list[int]:
        """Return where each continuation byte leads, when they choose among `width` characters."""
        below = width // FANOUT
        targets: list[int] = []
        while len(targets) < FANOUT:
            offset = len(targets) * below
            part = _cut(pieces, offset, below)
            num_equal = 1 if len(part[0]) > 1 else (_stop(pieces, offset, width) - offset) // below
            targets += [self.state_between(part, below)] * num_equal
        return targets


def encode_states(automaton: CharacterAutomaton, classes: CharacterClasses) -> ByteStates:
    """Build the states over bytes."""
    states = ByteStates()
    states.add(None)
    for state, label in enumerate(automaton.labels):
        states.of_character_state.append(DEAD if state == automaton.dead else states.add(label))
    for state, row in enumerate(automaton.table):
        if state != automaton.dead:
            targets = [DEAD if kind < 0 else states.of_character_state[row[kind]] for kind in classes.class_of_piece]
            pieces = _merged(classes.piece_starts, targets)
            _fill_leads(states, states.rows[states.of_character_state[state]], pieces)
    return states


def _fill_leads(states: ByteStates, row: list[int], pieces: Pieces) -> None:
    starts, targets = _cut(pieces, 0, FIRST_CONTINUATION)
    for start, stop, target in zip(starts, (*starts[1:], FIRST_CONTINUATION), targets, strict=True):
        row[start:stop] = [target] * (stop - start)
    for leads, bits, width, allowed in LEADS:
        inside = _limited(pieces, allowed)
        for lead in leads:
            row[lead] = states.state_between(_cut(inside, (lead & bits) * width, width), width)


def _limited(pieces: Pieces, allowed: range) -> Pieces:
    """Make everything outside of a range of characters dead."""
    starts, targets = _cut(pieces, allowed.start, len(allowed))
    moved = (start + allowed.start for start in starts)
    return _merged((0, *moved, allowed.stop), (DEAD, *targets, DEAD))


def _cut(pieces: Pieces, start: int, width: int) -> Pieces:
    """Return the part of a function over `width` characters from `start` on, its offsets counted from there."""
    starts, targets = pieces
    first = bisect_right(starts, start) - 1
    stop = bisect_left(starts, start + width, first)
    return (0, *(offset - start for offset in starts[first + 1 : stop])), targets[first:stop]


def _stop(pieces: Pieces, offset: int, width: int) -> int:
    """Return where the piece ends that an offset lies in."""
    starts, _ = pieces
    place = bisect_right(starts, offset)
    return starts[place] if place < len(starts) else width


def _merged(starts: Iterable[int], targets: Iterable[int]) -> Pieces:
    """Drop pieces of no width and join neighbours with the same target."""
    kept: list[tuple[int, int]] = []
    for offset, target in zip(starts, targets, strict=True):
        if kept and kept[-1][0] == offset:
            kept.pop()
        if not kept or kept[-1][1] != target:
            kept.append((offset, target))
    return tuple(offset for offset, _ in kept), tuple(target for _, target in kept)
