"""Which tag a stream has just completed, and what it has written of an open one. Knows an automaton and bytes alone."""

from dataclasses import dataclass
from typing import NamedTuple

from grammar import Promise, parse
from pasta_toolkit.mask.automaton import DEAD, Automaton
from pasta_toolkit.mask.names import PROMISE

__all__ = ["CompletedTag", "Reading", "read_to_tag"]


@dataclass(frozen=True, slots=True)
class CompletedTag:
    """A tag from its first byte to its last; `terminal` is its name in the grammar (PROMISE, SYNC, ASYNC_END)."""

    terminal: str
    content: bytes

    @property
    def promise(self) -> Promise | None:
        """The promise with its topic and tokens, None for another tag.

        >>> CompletedTag("PROMISE", b'<promise topic="a" tokens="40"/>').promise.tokens
        40
        """
        if self.terminal != PROMISE:
            return None
        return parse(self.content.decode("utf-8"), form="main").promises[0]


class Reading(NamedTuple):
    """Where some bytes have led: to the end of the first tag, or to their own end if they complete none.

    `opened` is what has been written since the last border of texts and tags, from where a tag may have begun on.
    `rest` is what has not been read.
    """

    state: int
    opened: bytes
    tag: CompletedTag | None
    rest: bytes


def read_to_tag(automaton: Automaton, state: int, *, opened: bytes, content: bytes) -> Reading:
    """Follow bytes until a tag is complete.

    The state is DEAD, and the rest of no meaning, where some byte could not stand.
    """
    rows, borders, beginnings = automaton.byte_rows, automaton.borders, automaton.beginnings
    for place, byte in enumerate(content):
        state = rows[state][byte]
        if state in borders:
            whole, opened = opened + content[place : place + 1], b""
            terminal = automaton.tag_named(whole) if len(whole) > 1 else None  # a lone byte is text
            if terminal is not None:
                return Reading(state, opened, CompletedTag(terminal, whole), content[place + 1 :])
        else:
            opened = b"" if state == DEAD else opened + content[place : place + 1]
            if state in beginnings:  # as from a border: a second `<` makes text of the first
                opened = content[place : place + 1]
    return Reading(state, opened, None, b"")
