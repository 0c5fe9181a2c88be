"""The nondeterministic automaton under construction: nodes and the edges between them. Knows no syntax.

A guarded edge may be taken only where the rest of the stream, up to its very end, matches (or does not match) another
expression: that is how a lookahead of a regular expression reads across the borders of terminals.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

from pasta_toolkit.mask.characters import Ranges

__all__ = ["Guard", "Network"]


@dataclass(frozen=True, slots=True)
class Guard:
    """A demand on the rest of the stream: it must (or must not) begin with something that `network` matches."""

    network: "Network"
    must_match: bool


@dataclass(slots=True)
class Network:
    """Nodes are numbers; `start` and `end` are the ones that a larger network connects.

    `labels[node]` names the terminal that the node lies inside of, None for a node between terminals.
    """

    steps: list[list[tuple[Ranges, int]]] = field(default_factory=list)
    skips: list[list[int]] = field(default_factory=list)
    guards: list[list[tuple[Guard, int]]] = field(default_factory=list)
    labels: list[str | None] = field(default_factory=list)
    start: int = -1
    end: int = -1

    def add_node(self, label: str | None = None) -> int:
        """Add a node and return its number."""
        self.steps.append([])
        self.skips.append([])
        self.guards.append([])
        self.labels.append(label)
        return len(self.steps) - 1

    def is_pass_through(self, node: int) -> bool:
        """Say whether a node lies inside a terminal and reads no character, so that it says nothing of its own."""
        return not self.steps[node] and self.labels[node] is not None

    def character_sets(self) -> set[Ranges]:
        """Return every set of characters on an edge, in the guards' networks too."""
        sets = {ranges for edges in self.steps for ranges, _ in edges}
        for guard in self.all_guards():
            sets |= guard.network.character_sets()
        return sets

    def all_guards(self) -> Sequence[Guard]:
        """Return the guards in the order of their nodes."""
        return [guard for edges in self.guards for guard, _ in edges]
