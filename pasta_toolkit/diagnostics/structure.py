"""What the order of tags says: groups, blocks and faults, as frozen values. Knows no text and no spelling.

A document is a string of one letter a tag here: `p` promise, `a` `<async>`, `/` `</async>`, `e` `<async/>`, `s` sync
and `-` an end tag that means nothing. Tags are named by their index in that string. Boundaries count the parts of a
document (texts at even, tags at odd places): tag `i` lies between the boundaries `2i + 1` and `2i + 2`.
"""

from dataclasses import dataclass, field
from itertools import chain

__all__ = ["Block", "Fault", "Structure", "TagGroup"]


@dataclass(frozen=True, slots=True)
class Block:
    """An async block between two tags; where one of its own tags is missing, the neighbouring tag bounds it."""

    open: int
    close: int
    is_opened: bool = True
    is_closed: bool = True

    @property
    def start(self) -> int:
        """The boundary before the block."""
        return 2 * self.open + 1 + (not self.is_opened)

    @property
    def end(self) -> int:
        """The boundary behind the block."""
        return 2 * self.close + 1 + self.is_closed

    def holds(self, place: int) -> bool:
        """Say whether the text before tag number `place` lies inside the block."""
        return self.open < place <= self.close


@dataclass(frozen=True, slots=True)
class TagGroup:
    """Promises that are joined together; `blocks[i]` fulfils `promises[i]`, late blocks are not among them."""

    promises: tuple[int, ...]
    blocks: tuple[Block, ...]
    sync: int | None


@dataclass(frozen=True, slots=True)
class Fault:
    """One fault: its rule, its tag, the tag that goes with it, those that explain it, and where a repair inserts."""

    rule: str
    at: int
    pair: int | None = None
    others: tuple[int, ...] = ()
    boundary: int | None = None


@dataclass(frozen=True, slots=True)
class Structure:
    """The groups of a document and all faults of order.

    `acting_ends` are the `<async/>` that stand where only an `</async>` makes sense. `branches` are the promises of all
    groups that a block of their group fulfils, each with that block; `contents` are the parts that hold their text,
    None where one is cut up by tags; `promise_parts` are the tags of the promises of all groups.
    """

    num_promises: int
    num_tags: int
    groups: tuple[TagGroup, ...]
    faults: tuple[Fault, ...] = ()
    acting_ends: frozenset[int] = frozenset()
    branches: tuple[tuple[int, Block], ...] = field(init=False, repr=False, compare=False)
    contents: tuple[int, ...] | None = field(init=False, repr=False, compare=False)
    promise_parts: tuple[int, ...] = field(init=False, repr=False, compare=False)
    num_syncs: int = field(init=False, repr=False, compare=False)
    has_lonely_groups: bool = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        """Find once what lints ask for, since most documents share their structure with others."""
        pairs = (zip(group.promises, group.blocks, strict=False) for group in self.groups)
        branches = tuple(chain.from_iterable(pairs))
        is_simple = all(block.close == block.open + 1 for _, block in branches)
        contents = tuple(2 * block.close for _, block in branches) if is_simple else None
        promise_parts = tuple(2 * promise + 1 for group in self.groups for promise in group.promises)
        object.__setattr__(self, "branches", branches)
        object.__setattr__(self, "contents", contents)
        object.__setattr__(self, "promise_parts", promise_parts)
        object.__setattr__(self, "num_syncs", sum(group.sync is not None for group in self.groups))
        object.__setattr__(self, "has_lonely_groups", any(len(group.promises) == 1 for group in self.groups))
