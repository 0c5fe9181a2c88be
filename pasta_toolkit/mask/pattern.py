r"""Turns a regular expression of the grammar into a piece of a network. Knows no rules and no bytes.

The expression is read by the parser of Python's own `re`, the library that Lark matches terminals with, so both read it
alike. Whatever is not regular, or would mean something else on a stream that is not finished (`^`, `$`, `\b`, groups
that refer back, atomic groups), is refused.
"""

from collections.abc import Callable, Sequence
from importlib import import_module
from typing import Any

from pasta_toolkit.mask.characters import ALL_CHARACTERS, Ranges, complement, union
from pasta_toolkit.mask.errors import AutomatonError
from pasta_toolkit.mask.network import Guard, Network

__all__ = ["add_pattern"]

LINE_FEED = 0x0A
FORWARD = 1


def add_pattern(network: Network, pattern: str, *, source: int, target: int, label: str | None) -> None:
    """Add to `network` every way to read the regular expression `pattern` from node `source` to node `target`.

    Raises:
        AutomatonError: the expression uses something that a finite automaton cannot do.
    """
    parser: Any = import_module("re._parser")  # private, but there is no public parser of Python's dialect
    _Builder(network, pattern, label).sequence(parser.parse(pattern), source, target)


class _Builder:
    """Adds one expression; the methods bear the names of the parser's operations."""

    def __init__(self, network: Network, pattern: str, label: str | None) -> None:
        self.network = network
        self.pattern = pattern
        self.label = label
        self.operations: dict[str, Callable[[Any, int, int], None]] = {
            "ASSERT": lambda operand, source, target: self.lookahead(operand, source, target, must_match=True),
            "ASSERT_NOT": lambda operand, source, target: self.lookahead(operand, source, target, must_match=False),
            "BRANCH": self.branch,
            "MAX_REPEAT": self.repeat,
            "MIN_REPEAT": self.repeat,
            "SUBPATTERN": self.group,
        }

    def sequence(self, items: Sequence[tuple[Any, Any]], source: int, target: int) -> None:
        """Read the items one after the other."""
        for item in items:
            following = self.network.add_node(self.label)
            self.item(item, source, following)
            source = following
        self.network.skips[source].append(target)

    def item(self, item: tuple[Any, Any], source: int, target: int) -> None:
        """Read one item."""
        name, operand = str(item[0]), item[1]
        if name in self.operations:
            self.operations[name](operand, source, target)
        else:
            self.network.steps[source].append((self.characters(name, operand), target))

    def branch(self, operand: Any, source: int, target: int) -> None:
        """Read one of several alternatives."""
        for alternative in operand[1]:
            self.sequence(alternative, source, target)

    def group(self, operand: Any, source: int, target: int) -> None:
        """Read a group; capturing means nothing here."""
        _, added_flags, removed_flags, items = operand
        if added_flags or removed_flags:
            raise self.refusal("flags")
        self.sequence(items, source, target)

    def repeat(self, operand: Any, source: int, target: int) -> None:
        """Read something several times; greedy or not, the language is the same."""
        fewest, most, items = operand
        for _ in range(fewest):
            following = self.network.add_node(self.label)
            self.sequence(items, source, following)
            source = following
        if str(most) == "MAXREPEAT":
            loop = self.network.add_node(self.label)
            self.network.skips[source].append(loop)
            self.sequence(items, loop, loop)
            source = loop
        else:
            for _ in range(most - fewest):
                self.network.skips[source].append(target)
                following = self.network.add_node(self.label)
                self.sequence(items, source, following)
                source = following
        self.network.skips[source].append(target)

    def lookahead(self, operand: Any, source: int, target: int, *, must_match: bool) -> None:
        """Go on only where what follows does (not) match."""
        direction, items = operand
        if direction != FORWARD:
            raise self.refusal("lookbehind")
        ahead = Network()
        ahead.start, ahead.end = ahead.add_node(), ahead.add_node()
        _Builder(ahead, self.pattern, None).sequence(items, ahead.start, ahead.end)
        ahead.steps[ahead.end].append((ALL_CHARACTERS, ahead.end))
        self.network.guards[source].append((Guard(ahead, must_match), target))

    def characters(self, name: str, operand: Any) -> Ranges:
        """Return the characters that an item of one character matches."""
        if name == "LITERAL":
            return union([(operand, operand)])
        if name == "NOT_LITERAL":
            return complement(union([(operand, operand)]))
        if name == "ANY":
            return complement(union([(LINE_FEED, LINE_FEED)]))
        if name == "RANGE":
            return union([operand])
        if name == "IN":
            is_negated = str(operand[0][0]) == "NEGATE"
            members = [self.characters(str(kind), value) for kind, value in operand[is_negated:]]
            inside = union(piece for ranges in members for piece in ranges)
            return complement(inside) if is_negated else inside
        raise self.refusal(name)

    def refusal(self, what: str) -> AutomatonError:
        """Say what cannot be compiled."""
        return AutomatonError(f"the mask cannot compile {what.lower()} in the terminal {self.pattern[:60]!r}")
