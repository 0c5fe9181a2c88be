"""Turns rules of the Lark grammar into a network. Knows how rules refer to each other, and no terminal by name.

A rule of a stream must be left-linear: only its first symbol may lead back to the rule itself. Then each such rule is
one node, "this much has been read", and its terminals are ways from node to node.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import lark
from lark.grammar import Rule, Symbol

from pasta_toolkit.mask.errors import AutomatonError
from pasta_toolkit.mask.network import Network
from pasta_toolkit.mask.pattern import add_pattern

__all__ = ["Stream", "StreamNetwork", "build_network"]


@dataclass(frozen=True, slots=True)
class Stream:
    """What one thread may write: everything that the rule `start` derives without the terminals `without`."""

    name: str
    start: str
    without: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class StreamNetwork:
    """The network of several streams side by side.

    `begins[name]` is the node where a stream begins, `ends[name]` the one where it may end. `after[name, terminal]` is
    the node reached when that terminal has just been completed, also where the stream itself forbids the terminal.
    `tags[terminal]` is its regular expression.
    """

    network: Network
    begins: dict[str, int]
    ends: dict[str, int]
    after: dict[tuple[str, str], int]
    tags: dict[str, str]


def build_network(parser: lark.Lark, streams: Iterable[Stream]) -> StreamNetwork:
    """Build the network of the streams.

    Raises:
        AutomatonError: a start rule that the grammar lacks, a rule that is not left-linear, a terminal that is not
        regular.
    """
    built = StreamNetwork(Network(), {}, {}, {}, {})
    patterns = {terminal.name: terminal.pattern.to_regexp() for terminal in parser.terminals}
    for stream in streams:
        _StreamBuilder(parser.rules, patterns, stream, built).build()
    return built


class _StreamBuilder:
    """Adds one stream to the network."""

    def __init__(self, rules: Sequence[Rule], patterns: dict[str, str], stream: Stream, built: StreamNetwork) -> None:
        self.rules = rules
        self.patterns = patterns
        self.stream = stream
        self.built = built
        self.network = built.network
        self.node_of_rule: dict[str, int] = {}

    def build(self) -> None:
        """Add the nodes, then every rule that reaches one of them from another."""
        name, start = self.stream.name, self.stream.start
        if not self.expansions(start):
            raise AutomatonError(f"the grammar has no rule {start!r}")
        begin = self.network.add_node()
        for rule_name in _leading(self.rules, start):
            self.node_of_rule[rule_name] = self.network.add_node()
        for rule_name in self.node_of_rule:
            for expansion in self.expansions(rule_name):
                self.add_rule(rule_name, expansion, begin)
        self.built.begins[name] = begin
        self.built.ends[name] = self.node_of_rule[start]

    def expansions(self, rule_name: str) -> list[Sequence[Symbol]]:
        """Return what a rule can stand for."""
        return [rule.expansion for rule in self.rules if rule.origin.name == rule_name]

    def add_rule(self, rule_name: str, expansion: Sequence[Symbol], begin: int) -> None:
        """Add one alternative of a rule: from the node of its first symbol to its own node."""
        target = self.node_of_rule[rule_name]
        source = begin
        if expansion and not expansion[0].is_term:
            source, expansion = self.node_of_rule[expansion[0].name], expansion[1:]
        if expansion and expansion[-1].is_term:
            self.built.after[self.stream.name, expansion[-1].name] = target
            self.built.tags[expansion[-1].name] = self.patterns[expansion[-1].name]
        if not {symbol.name for symbol in expansion}.intersection(self.stream.without):
            self.sequence(expansion, source, target, parents=())

    def sequence(self, symbols: Sequence[Symbol], source: int, target: int, *, parents: tuple[str, ...]) -> None:
        """Read the symbols one after the other."""
        for symbol in symbols:
            following = self.network.add_node()
            self.symbol(symbol, source, following, parents=parents)
            source = following
        self.network.skips[source].append(target)

    def symbol(self, symbol: Symbol, source: int, target: int, *, parents: tuple[str, ...]) -> None:
        """Read a terminal, or whatever a rule that does not lead back to itself stands for."""
        name = symbol.name
        if symbol.is_term:
            inside = self.network.add_node(name)
            self.network.skips[source].append(inside)
            add_pattern(self.network, self.patterns[name], source=inside, target=target, label=name)
            return
        if name in parents or name in self.node_of_rule:
            raise AutomatonError(f"the rule {name!r} is not left-linear: a stream that nests is not regular")
        for expansion in self.expansions(name):
            self.sequence(expansion, source, target, parents=(*parents, name))


def _leading(rules: Sequence[Rule], start: str) -> Iterator[str]:
    """Yield the rules that can stand at the very left of what `start` derives, `start` first."""
    seen, waiting = {start}, [start]
    while waiting:
        rule_name = waiting.pop()
        yield rule_name
        for rule in rules:
            first = rule.expansion[0] if rule.expansion else None
            if rule.origin.name == rule_name and first and not first.is_term and first.name not in seen:
                seen.add(first.name)
                waiting.append(first.name)
