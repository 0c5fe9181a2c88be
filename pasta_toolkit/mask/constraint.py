"""One stream in progress: what may come next, and where a token leads. Knows no limits and no tensors."""

from typing import TYPE_CHECKING, Any, TypeAlias

from pasta_toolkit.mask.automaton import DEAD
from pasta_toolkit.mask.errors import ConstraintError
from pasta_toolkit.mask.forced import Encode, forced_tokens
from pasta_toolkit.mask.tags import CompletedTag, read_to_tag
from pasta_toolkit.mask.token_set import TokenSet

if TYPE_CHECKING:
    from pasta_toolkit.mask.token_mask import TokenMask

__all__ = ["Constraint"]

Trail: TypeAlias = tuple[Any, int, int] | None  # states and the tokens taken there, newest first, shared by forks


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
            self._trail = (self._trail, state, token)
        else:
            self._move(token)

    def _move(self, token: int) -> None:
        state = self.mask.next_state(self.state, token)
        if state == DEAD:
            raise ConstraintError(f"the token {self.mask.vocabulary.describe(token)} is not legal here")
        self._trail = (self._trail, self.state, token)
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

    @property
    def inside(self) -> str | None:
        """The terminal that the stream is certainly inside of: PROMISE behind `<promise `, SYNC behind `<sync/`."""
        return self.mask.labels[self.state]

    @property
    def completed(self) -> tuple[CompletedTag, ...]:
        """The tags that the token just taken has completed, in order: nearly always none.

        A branch is complete, `</async>` written, exactly where `can_end` holds.
        """
        tokens, state = self._open_tokens()
        opened = b""
        found: list[CompletedTag] = []
        for token in tokens:
            found, rest = [], self.mask.vocabulary.tokens[token]
            while rest:
                state, opened, tag, rest = read_to_tag(self.mask.automaton, state, opened=opened, content=rest)
                found += [] if tag is None else [tag]
        return tuple(found)

    def _open_tokens(self) -> tuple[list[int], int]:
        """Return the newest tokens, back to one taken at a border of texts and tags, and that border."""
        trail, state, tokens = self._trail, self.state, []
        while trail is not None:
            trail, state, token = trail
            tokens.append(token)
            if state in self.mask.automaton.borders:
                break
        return tokens[::-1], state

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
            trail, state, _ = trail
        self._trail = trail
        self._enter(state)

    def save(self) -> dict[str, Any]:
        """Return the state as plain data; after `restore`, only the tokens of an open tag can be taken back."""
        tokens, state = ([], self.state) if self.state in self.mask.automaton.borders else self._open_tokens()
        return {"mask": self.mask.digest, "state": state, "open_tokens": tokens}

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
        constraint = cls(mask, saved["state"])
        for token in saved["open_tokens"]:
            constraint.advance(token)
        return constraint

    def forced_bytes(self) -> bytes:
        """Return the bytes that every continuation begins with.

        After `<promise ` these are `topic="`; nothing where the stream could end.
        """
        return self.mask.forced_bytes[self.state]

    def forced_tokens(self, encode: Encode, *, written: str = "") -> list[int]:
        """Return the tokens that the tokenizer itself would write for the forced bytes, whatever follows them.

        `encode` turns text into ids without special tokens; `written` is what stands before, as far as the tokenizer
        looks back. See `pasta_toolkit.mask.forced` for what "whatever follows" takes.
        """
        forced = self.forced_bytes()
        return forced_tokens(self.mask, self.state, forced, encode=encode, written=written) if forced else []
