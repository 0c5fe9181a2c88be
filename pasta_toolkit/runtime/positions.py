"""Position policies: which position ids a promise reserves. Pure values; knows no threads and no schedule.

A promise tag that ends at position p starts its branch at p + 1. The policy says where the main thread goes on.
"""

from dataclasses import dataclass
from typing import Protocol

from grammar import PastaError
from pasta_toolkit.runtime.step import Promised

__all__ = [
    "POSITION_POLICIES",
    "Fixed",
    "Oracle",
    "PositionError",
    "PositionPolicy",
    "Predicted",
    "Shared",
    "position_policy",
]


class PositionError(PastaError):
    """Report a position policy that needs what is not known."""


class PositionPolicy(Protocol):
    """Says how many positions a promise reserves, and where the main thread goes on after a sync."""

    @property
    def name(self) -> str:
        """What options and reports call the policy."""

    def reserved(self, promised: Promised) -> int:
        """Return the number of positions that the main thread leaves to the branch."""

    def after_join(self, main_next: int, branches_next: int) -> int:
        """Return the main thread's next position, given its own and the largest that its branches would use next."""


@dataclass(frozen=True, slots=True)
class Predicted:
    """Reserve what the promise says, and the branch's own tags. Source: PASTA (arXiv 2502.11517), Pred-10X."""

    name: str = "predicted"

    def reserved(self, promised: Promised) -> int:
        """Return promised tokens + tag tokens."""
        return promised.promised_tokens + promised.tag_tokens

    def after_join(self, main_next: int, branches_next: int) -> int:
        """Go on where the main thread stands, even if a branch outgrew its reservation."""
        return main_next


@dataclass(frozen=True, slots=True)
class Fixed:
    """Reserve the same number for each branch, and its own tags."""

    tokens: int
    name: str = "fixed"

    def reserved(self, promised: Promised) -> int:
        """Return the fixed number + tag tokens."""
        return self.tokens + promised.tag_tokens

    def after_join(self, main_next: int, branches_next: int) -> int:
        """Go on where the main thread stands."""
        return main_next


@dataclass(frozen=True, slots=True)
class Oracle:
    """Reserve exactly what the branch will need; possible in forced mode only."""

    name: str = "oracle"

    def reserved(self, promised: Promised) -> int:
        """Return the branch's true tokens + tag tokens.

        Raises:
            PositionError: the length is not known in advance.
        """
        if promised.branch_tokens is None:
            raise PositionError("the position policy 'oracle' needs branches of known length; use 'predicted'")
        return promised.branch_tokens + promised.tag_tokens

    def after_join(self, main_next: int, branches_next: int) -> int:
        """Go on where the main thread stands."""
        return main_next


@dataclass(frozen=True, slots=True)
class Shared:
    """Reserve nothing: branches and main thread all go on from p + 1, and after a sync from the largest in use."""

    name: str = "shared"

    def reserved(self, promised: Promised) -> int:
        """Return 0."""
        return 0

    def after_join(self, main_next: int, branches_next: int) -> int:
        """Return the larger of the two. Source: Multiverse (arXiv 2506.09991), section on positions; ASPD."""
        return max(main_next, branches_next)


POSITION_POLICIES = ("fixed:N", "oracle", "predicted", "shared")


def position_policy(name: str) -> PositionPolicy:
    """Return the policy of a name; `fixed:N` reserves N positions for each branch.

    Raises:
        PositionError: no such policy, or N is no positive number.
    """
    known: dict[str, PositionPolicy] = {"oracle": Oracle(), "predicted": Predicted(), "shared": Shared()}
    kind, _, tokens = name.partition(":")
    if kind == "fixed" and tokens.isdecimal() and int(tokens) > 0:
        return Fixed(int(tokens))
    if name not in known:
        raise PositionError(f"no position policy {name!r}: choose from {', '.join(POSITION_POLICIES)}")
    return known[name]
