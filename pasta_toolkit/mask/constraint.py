"""One stream in progress: what may come next, and where a token leads. Knows no limits and no tensors."""

from typing import TYPE_CHECKING, Any, TypeAlias

from pasta_toolkit.mask.automaton import DEAD
from pasta_toolkit.mask.errors import ConstraintError
from pasta_toolkit.mask.forced import Encode, forced_tokens
from pasta_toolkit.mask.token_set import TokenSet

if TYPE_CHECKING:
    from pasta_toolkit.mask.token_mask import TokenMask

__all__ = ["Constraint"]

Trail: TypeAlias = tuple[Any, int] | None  # the states before this one, newest first, shared between forks


class Constraint:
    """The state of one stream; a step is a look-up.

    `state` is the automaton's state and `allowed` the tokens that may come next; both are for reading. A fork costs the
    same however long the stream is: it shares the trail of past states, which nothing ever changes.
    """

    __slots__ = ("_codes", "_next_states", "_trail", "allowed", "mask", "state")

    allowed: TokenSet

    def __init__(self, mask: "TokenMask", state: int, *, trail: Trail = None) -> None:
        self.mask = mask
        self._trail = trail
        self._enter(state)

    def _enter(self, state: int) -> None:
        self.state = state
        self.allowed = self.mask.sets[state]
        self._codes, self._next_states = self.mask.fast_steps[state]

    def advance(self, token: int) -> None:
        """Take a token.

        Raises:
            ConstraintError: the token is not legal here; nothing has changed.
        """
        try:
            state = self._next_states[self._codes[token]]
        except IndexError:  # a state without codes, or no id at all
            state = DEAD
        if state == self.state and token >= 0:  # nearly always: text leads to text
            self._trail = (self._trail, state)
        else:
            self._move(token)

    def _move(self, token: int) -> None:
        state = self.mask.next_state(self.state, token)
        if state == DEAD:
            raise ConstraintError(f"the token {self.mask.vocabulary.describe(token)} is not legal here")
        self._trail = (self._trail, self.state)
        self._enter(state)

    def apply(self, logits: Any) -> None:
        """Forbid in a row of logits, in place, what may not come next."""
        self.allowed.apply(logits)

    @property
    def is_finished(self) -> bool:
        """Whether an end token has been taken: nothing may come any more."""
        return self.state == self.mask.finished

    @property
    def can_end(self) -> bool:
        """Whether what has been written is a complete stream."""
        return self.is_finished or bool(self.mask.automaton.is_accepting[self.state])

    def fork(self) -> "Constraint":
        """Return an independent constraint at the same place, in constant time."""
        return Constraint(self.mask, self.state, trail=self._trail)

    def rollback(self, num_tokens: int = 1) -> None:
        """Take back the last tokens; one takes constant time.

        Raises:
            ValueError: fewer tokens have been taken.
        """
        trail, state = self._trail, self.state
        for _ in range(num_tokens):
            if trail is None:
                raise ValueError(f"cannot take back {num_tokens} tokens: fewer have been taken")
            trail, state = trail
        self._trail = trail
        self._enter(state)

    def save(self) -> dict[str, Any]:
        """Return the state as plain data; what has been taken cannot be taken back after `restore`."""
        return {"mask": self.mask.digest, "state": self.state}

    @classmethod
    def restore(cls, mask: "TokenMask", saved: dict[str, Any]) -> "Constraint":
        """Undo `save`.

        Raises:
            ConstraintError: the state belongs to another mask.
        """
        if saved["mask"] != mask.digest or not 0 < saved["state"] <= mask.finished:
            raise ConstraintError(
                "the saved state belongs to another mask: grammar, limits and vocabulary must be the same"
            )
        return cls(mask, saved["state"])

    def forced_bytes(self) -> bytes:
        """Return the bytes that every continuation begins with.

        After `<promise ` these are `topic="`; nothing where the stream could end.
        """
        automaton, state, forced = self.mask.automaton, self.state, bytearray()
        while state != self.mask.finished and not automaton.is_accepting[state]:
            live = automaton.table[state].nonzero()[0]
            if len(live) != 1:
                break
            forced.append(int(live[0]))
            state = int(automaton.table[state, live[0]])
        return bytes(forced)

    def forced_tokens(self, encode: Encode, *, written: str = "") -> list[int]:
        """Return the tokens that the tokenizer itself would write for the forced bytes, whatever follows them.

        `encode` turns text into ids without special tokens; `written` is what stands before, as far as the tokenizer
        looks back. See `pasta_toolkit.mask.forced` for what "whatever follows" takes.
        """
        return forced_tokens(self.mask, self.state, self.forced_bytes(), encode=encode, written=written)
