"""The KV budget: how many slots (one token's keys and values each) threads hold under a layout. Knows no addresses.

Laws: `allocated + free == total` at all times; what a fork shares is counted once, except in layout `copied`.
"""

from collections import deque
from dataclasses import dataclass, field
from typing import Protocol

from grammar import PastaError

__all__ = ["KV_LAYOUTS", "Copied", "Interleaved", "KvBudget", "KvError", "KvLayout", "Paged", "kv_layout"]

KV_LAYOUTS = ("copied", "interleaved", "paged")
DEFAULT_PAGE_TOKENS = 16  # Source: vLLM's default block size


class KvError(PastaError):
    """Report a request that cannot be held in the KV cache, or a layout that does not exist.

    `request` is the name of the request, where there is one.
    """

    def __init__(self, message: str, *, request: str | None = None) -> None:
        super().__init__(message)
        self.request = request


class KvLayout(Protocol):
    """Says how many slots a thread holds, what a fork copies, and what a join leaves to the main thread."""

    @property
    def name(self) -> str:
        """What options and reports call the layout."""

    def slots(self, prefix_tokens: int, own_tokens: int) -> int:
        """Return the slots of a thread that forked after `prefix_tokens` and has `own_tokens` in the cache."""

    def kept_slots(self, prefix_tokens: int, own_tokens: int) -> int:
        """Return how many of a branch's slots the main thread takes over at the join; the others are freed."""

    def copied_tokens(self, prefix_tokens: int) -> int:
        """Return the tokens that a fork copies within the cache."""


@dataclass(frozen=True, slots=True)
class Interleaved:
    """One pool in the order of decoding; masks keep threads apart. Nothing is copied, a join keeps everything."""

    name: str = "interleaved"

    def slots(self, prefix_tokens: int, own_tokens: int) -> int:
        """Return one slot a token."""
        return own_tokens

    def kept_slots(self, prefix_tokens: int, own_tokens: int) -> int:
        """Keep all."""
        return own_tokens

    def copied_tokens(self, prefix_tokens: int) -> int:
        """Return 0."""
        return 0


@dataclass(frozen=True, slots=True)
class Copied:
    """Each branch has a copy of its prefix; at the join its own tokens move to the main thread, the copy is freed.

    With `row_tokens` every thread holds one row of so many slots from its first token to its end, as padded caches do;
    without, exactly the slots that it fills.
    """

    row_tokens: int | None = None
    name: str = "copied"

    def __post_init__(self) -> None:
        """Refuse rows without room."""
        if self.row_tokens is not None and self.row_tokens < 1:
            raise KvError(f"a row holds at least 1 token, found {self.row_tokens}")

    def slots(self, prefix_tokens: int, own_tokens: int) -> int:
        """Return the prefix and the thread's own tokens; whole rows where rows are given."""
        filled = prefix_tokens + own_tokens
        return filled if self.row_tokens is None else -(-filled // self.row_tokens) * self.row_tokens

    def kept_slots(self, prefix_tokens: int, own_tokens: int) -> int:
        """Keep the branch's own tokens; none where they move to the main thread's row."""
        return own_tokens if self.row_tokens is None else 0

    def copied_tokens(self, prefix_tokens: int) -> int:
        """Return the whole prefix."""
        return prefix_tokens


@dataclass(frozen=True, slots=True)
class Paged:
    """Pages of one owner each, shared by reference: a thread sees the first tokens of a page. A join keeps the pages.

    A fork copies nothing, not even the prefix's last, partly filled page: its owner goes on writing behind what the
    branch sees. (PagedAttention copies that page, since its sequences see whole pages: Kwon et al., SOSP 2023, 4.4.)
    """

    page_tokens: int = DEFAULT_PAGE_TOKENS
    name: str = "paged"

    def __post_init__(self) -> None:
        """Refuse pages without room."""
        if self.page_tokens < 1:
            raise KvError(f"a page holds at least 1 token, found {self.page_tokens}")

    def slots(self, prefix_tokens: int, own_tokens: int) -> int:
        """Return the slots of all pages that the thread owns."""
        return -(-own_tokens // self.page_tokens) * self.page_tokens

    def kept_slots(self, prefix_tokens: int, own_tokens: int) -> int:
        """Keep all pages, holes included."""
        return self.slots(prefix_tokens, own_tokens)

    def copied_tokens(self, prefix_tokens: int) -> int:
        """Return 0."""
        return 0


def kv_layout(name: str, *, page_tokens: int = DEFAULT_PAGE_TOKENS, row_tokens: int | None = None) -> KvLayout:
    """Return the layout of a name; `row_tokens` are those of `copied`, `page_tokens` those of `paged`.

    Raises:
        KvError: no such layout.
    """
    layouts: dict[str, KvLayout] = {
        "copied": Copied(row_tokens),
        "interleaved": Interleaved(),
        "paged": Paged(page_tokens),
    }
    if name not in layouts:
        raise KvError(f"no KV layout {name!r}: choose from {', '.join(KV_LAYOUTS)}")
    return layouts[name]


@dataclass(slots=True)
class KvBudget:
    """Counts slots. State: how many are allocated, and whose the free ones were.

    `total_slots` of None means as many as are asked for. A budget that `remembers` hands out free slots in the order in
    which they became free, so that what a preempted request had can still be there when it comes back (a prefix cache;
    Source: the free-block queue of vLLM's V1 `BlockPool`). Of one release, what came last is overwritten first.
    """

    layout: KvLayout
    total_slots: int | None = None
    allocated_slots: int = 0
    remembers: bool = False
    freed: deque[tuple[str | None, int]] = field(default_factory=deque)

    def __post_init__(self) -> None:
        """Begin with free slots that were nobody's; refuse a cache without any."""
        if self.total_slots is not None and self.total_slots < 1:
            raise KvError(f"the KV cache holds at least 1 token, found {self.total_slots}")
        if self.remembers and self.total_slots is not None and not self.freed:
            self.freed.append((None, self.total_slots - self.allocated_slots))

    @property
    def free_slots(self) -> int | None:
        """Slots that are not allocated; None if there is no limit."""
        return None if self.total_slots is None else self.total_slots - self.allocated_slots

    def has_room(self, num_slots: int) -> bool:
        """Say whether so many slots are free."""
        return self.total_slots is None or self.allocated_slots + num_slots <= self.total_slots

    def allocate(self, num_slots: int) -> None:
        """Allocate slots; a negative number frees them.

        Raises:
            ValueError: more than are free, or more freed than are allocated.
        """
        if num_slots < 0:
            self.release(-num_slots)
            return
        if not self.has_room(num_slots):
            raise ValueError(f"cannot allocate {num_slots} slots: {self.allocated_slots} of {self.total_slots} in use")
        self.allocated_slots += num_slots
        if self.freed:
            self._overwrite(num_slots)

    def release(self, num_slots: int, owner: str | None = None) -> None:
        """Free slots; what they held stays the owner's until they are allocated again.

        Raises:
            ValueError: more are freed than are allocated.
        """
        if num_slots > self.allocated_slots:
            raise ValueError(f"cannot free {num_slots} slots: {self.allocated_slots} of {self.total_slots} in use")
        self.allocated_slots -= num_slots
        if self.remembers and self.total_slots is not None and num_slots:
            self.freed.append((owner, num_slots))

    def surviving_slots(self, owner: str) -> int:
        """Return how many slots an owner released that nobody has overwritten."""
        return sum(slots for whose, slots in self.freed if whose == owner)

    def reclaim(self, owner: str) -> None:
        """Put the surviving slots of an owner first, so that it is given them next."""
        surviving = self.surviving_slots(owner)
        if surviving:
            self.freed = deque((whose, slots) for whose, slots in self.freed if whose != owner)
            self.freed.appendleft((None, surviving))

    def _overwrite(self, num_slots: int) -> None:
        left = num_slots
        while left:
            whose, slots = self.freed.popleft()
            if slots > left:
                self.freed.appendleft((whose, slots - left))
            left -= min(left, slots)
