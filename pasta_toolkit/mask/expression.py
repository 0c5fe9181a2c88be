"""From an automaton over characters to one regular expression without lookaheads. Knows no target's spelling.

Source: elimination of states (Brzozowski and McCluskey, 1963), cheapest state first; a chain of optional equal
characters is folded into a bounded repetition as it arises, so that a topic of up to 80 characters stays short.
"""

from dataclasses import dataclass
from typing import TypeAlias

from pasta_toolkit.mask.characters import CharacterClasses, Ranges, union
from pasta_toolkit.mask.determinise import CharacterAutomaton

__all__ = ["Choice", "Expression", "Repeat", "Sequence", "expression_of"]


@dataclass(frozen=True, slots=True)
class Sequence:
    """Expressions one after the other; none at all is the empty text."""

    items: tuple["Expression", ...] = ()


@dataclass(frozen=True, slots=True)
class Choice:
    """One of several expressions."""

    items: tuple["Expression", ...]


@dataclass(frozen=True, slots=True)
class Repeat:
    """An expression several times; `most` is None where there is no limit."""

    item: "Expression"
    fewest: int
    most: int | None


Expression: TypeAlias = Ranges | Sequence | Choice | Repeat  # ranges: one of these characters
EMPTY = Sequence()


def expression_of(automaton: CharacterAutomaton, classes: CharacterClasses, *, begin: int) -> Expression:
    """Return an expression for everything that the automaton accepts from the state `begin`."""
    edges = _edges(automaton, classes, begin)
    states = set(edges) - {"begin"}
    while states:
        cheapest = min(states, key=lambda state: (_cost(edges, state), str(state)))
        states.remove(cheapest)
        _eliminate(edges, cheapest)
    return edges["begin"]["end"]


_State: TypeAlias = int | str
_Edges: TypeAlias = dict[_State, dict[_State, Expression]]


def _edges(automaton: CharacterAutomaton, classes: CharacterClasses, begin: int) -> _Edges:
    edges: _Edges = {"begin": {begin: EMPTY}}
    waiting = [begin]
    while waiting:
        state = waiting.pop()
        if state in edges:
            continue
        targets = set(automaton.table[state]) - {automaton.dead}
        edges[state] = {target: _characters(automaton.table[state], target, classes) for target in sorted(targets)}
        if automaton.is_accepting[state]:
            edges[state]["end"] = EMPTY
        waiting.extend(targets)
    return edges


def _characters(row: tuple[int, ...], target: int, classes: CharacterClasses) -> Ranges:
    bounds = (*classes.piece_starts[1:], 0x110000)
    return union(
        (start, bound - 1)
        for start, bound, kind in zip(classes.piece_starts, bounds, classes.class_of_piece, strict=True)
        if kind >= 0 and row[kind] == target
    )


def _cost(edges: _Edges, state: _State) -> int:
    num_in = sum(state in targets for source, targets in edges.items() if source != state)
    return num_in * len(edges[state].keys() - {state})


def _eliminate(edges: _Edges, state: _State) -> None:
    outgoing = edges.pop(state)
    loop = outgoing.pop(state, None)
    between = [] if loop is None else [Repeat(loop, 0, None)]
    for targets in edges.values():
        incoming = targets.pop(state, None)
        if incoming is None:
            continue
        for target, expression in outgoing.items():
            way = _sequence(incoming, *between, expression)
            targets[target] = _choice(targets[target], way) if target in targets else way


def _sequence(*items: Expression) -> Expression:
    flat = [part for item in items for part in (item.items if isinstance(item, Sequence) else (item,))]
    return flat[0] if len(flat) == 1 else Sequence(tuple(flat))


def _parts(expression: Expression) -> tuple[Expression, ...]:
    return expression.items if isinstance(expression, Sequence) else (expression,)


def _choice(first: Expression, second: Expression) -> Expression:
    """Return one of two expressions, with what both end in written once and `X | c c{0,n} X` folded."""
    if first == second:
        return first
    short, long = sorted((_parts(first), _parts(second)), key=len)
    if len(long) > len(short) and (not short or long[-len(short) :] == short):
        rest = long[: len(long) - len(short)]
        return _sequence(_optional(rest), *short)
    alternatives = [item for each in (first, second) for item in (each.items if isinstance(each, Choice) else (each,))]
    return Choice(tuple(dict.fromkeys(alternatives)))


def _optional(parts: tuple[Expression, ...]) -> Expression:
    head, tail = parts[0], parts[1:]
    if len(tail) == 1 and isinstance(tail[0], Repeat) and tail[0].item == head and tail[0].fewest == 0:
        most = tail[0].most
        return Repeat(head, 0, None if most is None else most + 1)
    return Repeat(_sequence(*parts), 0, 1)
