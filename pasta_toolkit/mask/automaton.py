"""The byte automaton of the decoding streams, compiled from the grammar. Knows no tokens.

Nothing here spells the syntax: rules and terminals come from the loaded Lark grammar, and a changed grammar makes
another automaton. Construction: rules to a network (`streams`, `pattern`), to a minimal automaton over classes of
characters (`determinise`), to bytes of UTF-8 (`encoding`).
"""

import hashlib
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property

import lark
import numpy as np
from numpy.typing import NDArray

from grammar import lark_parser
from pasta_toolkit.mask.characters import CharacterClasses
from pasta_toolkit.mask.determinise import CharacterAutomaton, determinise
from pasta_toolkit.mask.encoding import DEAD, encode_states
from pasta_toolkit.mask.errors import AutomatonError
from pasta_toolkit.mask.streams import Stream, StreamNetwork, build_network

__all__ = ["DEAD", "PLAIN_STREAMS", "Automaton", "compile_automaton", "compile_characters"]

PLAIN_STREAMS = (Stream("main", "main"), Stream("branch", "branch"))
MOST_STATES = 1 << 16


@dataclass(frozen=True, eq=False)
class Automaton:
    """A minimal deterministic automaton over bytes; several streams share its states.

    `table[state, byte]` is the next state; state `DEAD` (0) is the only one from which nothing is accepted, so a stream
    that is not there can always be completed. `is_accepting[state]`: the stream may end here. `begins[name]` is the
    state where a stream begins; `after[name, terminal]` the one just behind a tag. `labels[state]` names the
    terminal that the stream is certainly inside of. `tags` are the regular expressions of the terminals in `after`.
    """

    table: NDArray[np.uint16] = field(repr=False)  # (states, 256)
    is_accepting: NDArray[np.bool_] = field(repr=False)  # (states,)
    labels: tuple[str | None, ...] = field(repr=False)
    begins: Mapping[str, int]
    after: Mapping[tuple[str, str], int]
    tags: Mapping[str, str] = field(repr=False)

    @property
    def num_states(self) -> int:
        """The number of states, the dead one included."""
        return len(self.labels)

    @cached_property
    def digest(self) -> str:
        """A digest of everything that masks depend on."""
        content = hashlib.sha256(self.table.astype("<u2").tobytes())
        content.update(self.is_accepting.tobytes())
        content.update(repr((self.labels, sorted(self.begins.items()), sorted(self.after.items()), self.tags)).encode())
        return content.hexdigest()

    @cached_property
    def borders(self) -> frozenset[int]:
        """The states between texts and tags: where a stream begins, behind a tag, and within text."""
        return frozenset({*self.begins.values(), *self.after.values()}) - {DEAD}

    @cached_property
    def beginnings(self) -> frozenset[int]:
        """The states one byte behind a border, where a tag or a character may have begun."""
        return frozenset(self.table[sorted(self.borders)].reshape(-1).tolist()) - self.borders - {DEAD}

    @cached_property
    def tag_patterns(self) -> list[tuple[str, re.Pattern[str]]]:
        """The tags' names and their compiled expressions."""
        return [(name, re.compile(pattern)) for name, pattern in self.tags.items()]

    def tag_named(self, content: bytes) -> str | None:
        """Return the terminal that some bytes are a whole tag of, None if there is none."""
        try:
            text = content.decode("utf-8")
        except UnicodeDecodeError:
            return None
        return next((name for name, pattern in self.tag_patterns if pattern.fullmatch(text)), None)

    @cached_property
    def byte_rows(self) -> list[memoryview]:
        """The rows of the table in the form that Python reads fastest."""
        return [row.data for row in self.table]

    def walk(self, state: int, content: bytes) -> int:
        """Return the state after some bytes; DEAD once a byte could not stand there."""
        rows = self.byte_rows
        for byte in content:
            state = rows[state][byte]
        return state

    def accepts(self, content: bytes, *, stream: str) -> bool:
        """Say whether some bytes are one complete stream.

        >>> compile_automaton().accepts(b"a < b </async>", stream="branch")
        True
        """
        return bool(self.is_accepting[self.walk(self.begins[stream], content)])


def compile_automaton(parser: lark.Lark | None = None, *, streams: Iterable[Stream] = PLAIN_STREAMS) -> Automaton:
    """Compile streams of a grammar, the project's own if none is given.

    Raises:
        AutomatonError: a stream is not regular, uses an expression that cannot be compiled, or can never end.
    """
    built, characters, classes = compile_characters(parser or lark_parser(), streams)
    states = encode_states(characters, classes)
    if len(states.rows) > MOST_STATES:
        raise AutomatonError(
            f"the grammar needs {len(states.rows)} states, more than the {MOST_STATES} that masks hold"
        )
    of_entry = [states.of_character_state[entry] for entry in characters.entries]
    if DEAD in of_entry[: len(built.begins)]:
        raise AutomatonError("a stream of the grammar can never end: no text is legal in it")
    accepting = np.zeros(len(states.rows), dtype=np.bool_)
    accepting[states.of_character_state] = characters.is_accepting
    return Automaton(
        np.array(states.rows, dtype=np.uint16),
        accepting,
        tuple(states.labels),
        dict(zip(built.begins, of_entry, strict=False)),
        dict(zip(built.after, of_entry[len(built.begins) :], strict=True)),
        built.tags,
    )


def compile_characters(
    parser: lark.Lark, streams: Iterable[Stream]
) -> tuple[StreamNetwork, CharacterAutomaton, CharacterClasses]:
    """Compile streams to an automaton over characters; its entries are the network's begins, then its `after`."""
    built = build_network(parser, streams)
    classes = CharacterClasses.of(built.network.character_sets())
    entries = [*built.begins.values(), *built.after.values()]
    return built, determinise(built.network, classes, entries=entries, ends=built.ends.values()), classes
