"""Who sees what, as a boolean function of who fed a token and when. Knows no slots, no positions and no tensors.

Source: `grammar/SPEC.md`. A branch sees what stood before it up to its own promise tag, and what was joined by then;
the main thread sees a branch's tokens from the sync on; siblings never see each other before their sync.
"""

from dataclasses import dataclass, field

__all__ = ["Orders"]

MAIN = 0


@dataclass(slots=True)
class Orders:
    """When the threads of one request were forked and joined, counted in tokens that the request had fed by then.

    `next_order` numbers the tokens of the request in the order in which they are fed.
    """

    next_order: int = 0
    forked: dict[int, int] = field(default_factory=dict)
    joined: dict[int, int] = field(default_factory=dict)

    def fork(self, branch: int) -> None:
        """A branch starts behind all that its parent has fed."""
        self.forked[branch] = self.next_order

    def join(self, branch: int) -> None:
        """What the main thread feeds from now on sees the branch."""
        self.joined[branch] = self.next_order

    def sees(self, thread: int, order: int, *, key_thread: int, key_order: int) -> bool:
        """Say whether the token `order` of a thread sees the token `key_order` of another, or of itself."""
        if thread == key_thread:
            return key_order <= order
        here = order if thread == MAIN else self.forked[thread]
        if key_thread == MAIN:
            return key_order < here
        return key_thread in self.joined and self.joined[key_thread] <= here
