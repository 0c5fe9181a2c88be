"""A compiled mask: automaton, vocabulary and table together. Immutable; `start` gives a constraint for one stream."""

import hashlib
from bisect import bisect_left
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, fields
from functools import cached_property
from pathlib import Path
from typing import Any

import lark
import numpy as np
from numpy.typing import NDArray

from grammar import grammar_text
from pasta_toolkit.mask.automaton import DEAD, PLAIN_STREAMS, Automaton, compile_automaton
from pasta_toolkit.mask.budget import Budget, TopicBudget, make_budget, make_topic_budget
from pasta_toolkit.mask.cache import entry_path, read_entry, write_entry
from pasta_toolkit.mask.constraint import Constraint
from pasta_toolkit.mask.delicate import closing_tokens, delicate_tokens
from pasta_toolkit.mask.kernels import KEEP, apply_rows, pack_rows
from pasta_toolkit.mask.streams import Stream
from pasta_toolkit.mask.survey import survey_states
from pasta_toolkit.mask.table import MaskTable, compile_table
from pasta_toolkit.mask.token_set import TokenSet
from pasta_toolkit.mask.trie import TokenTrie, build_trie, next_states
from pasta_toolkit.mask.vocabulary import Vocabulary

__all__ = ["TokenMask", "compile_mask"]

FORMAT = "2"  # of the cache's content: raise it whenever the same inputs make other arrays


@dataclass(frozen=True, eq=False)
class TokenMask:
    """The legal tokens of every state of some streams, for one vocabulary."""

    automaton: Automaton = field(repr=False)
    vocabulary: Vocabulary
    table: MaskTable = field(repr=False)
    digest: str
    delicate: dict[int, NDArray[np.int64]] = field(default_factory=dict, repr=False)  # kept by `delicate_tokens`

    def start(self, stream: str = "main") -> Constraint:
        """Return a constraint at the beginning of a stream.

        Raises:
            ValueError: the mask has no such stream.
        """
        if stream not in self.automaton.begins:
            raise ValueError(f"no stream {stream!r}: the mask has {', '.join(self.automaton.begins)}")
        return Constraint(self, self.automaton.begins[stream])

    @cached_property
    def finished(self) -> int:
        """The state after an end token: one more than the automaton has."""
        return self.automaton.num_states

    @cached_property
    def row_sets(self) -> list[TokenSet]:
        """The distinct sets of tokens."""
        table = self.table
        return [
            TokenSet(
                self.vocabulary.num_logits,
                int(strategy),
                table.numbers[begin:end],
                None if strategy == KEEP else table.bits[line],
            )
            for strategy, (begin, end, line) in zip(table.strategies, table.spans.tolist(), strict=True)
        ]

    @cached_property
    def sets(self) -> list[TokenSet]:
        """The set of tokens of every state; none is legal in the finished one."""
        return [self.row_sets[row] for row in self.rows.tolist()]

    @cached_property
    def rows(self) -> NDArray[np.uint16]:
        """The row of every state, the finished one included."""
        return np.append(self.table.row_of_state, self.table.row_of_state[DEAD])

    @cached_property
    def fast_steps(self) -> list[tuple[bytes, tuple[int, ...]]]:
        """For the states where streams spend their time: a code for every token, and the next state of every code.

        All other states have no codes.
        """
        steps: list[tuple[bytes, tuple[int, ...]]] = [(b"", ())] * (self.automaton.num_states + 1)
        for place, state in enumerate(self.table.fast_states.tolist()):
            steps[state] = (self.table.next_codes[place].tobytes(), tuple(self.table.next_states[place].tolist()))
        return steps

    @cached_property
    def labels(self) -> tuple[str | None, ...]:
        """The terminal that each state is certainly inside of; none for the finished one."""
        return (*self.automaton.labels, None)

    @cached_property
    def forced_bytes(self) -> list[bytes]:
        """The bytes that every continuation of each state begins with; none where the stream could end."""
        table, is_accepting = self.automaton.table, self.automaton.is_accepting
        has_one_way = (np.count_nonzero(table, axis=1) == 1) & ~is_accepting
        only_byte = table.argmax(axis=1).tolist()
        forced = [b""] * (self.finished + 1)
        for begin in np.flatnonzero(has_one_way).tolist():
            state = begin
            while has_one_way[state]:
                forced[begin] += bytes([only_byte[state]])
                state = int(table[state, only_byte[state]])
        return forced

    @cached_property
    def byte_rows(self) -> list[memoryview]:
        """The automaton's rows in the form that Python reads fastest; the finished state leads nowhere."""
        return [*self.automaton.byte_rows, np.zeros(256, dtype=np.uint16).data]

    @cached_property
    def sorted_tokens(self) -> list[bytes]:
        """What tokens write, in the order of bytes."""
        return sorted({token for token in self.vocabulary.tokens if token})

    def tokens_beginning_with(self, content: bytes) -> Iterator[bytes]:
        """Yield what tokens write that begins with `content`, in order."""
        place = bisect_left(self.sorted_tokens, content)
        while place < len(self.sorted_tokens) and self.sorted_tokens[place].startswith(content):
            yield self.sorted_tokens[place]
            place += 1

    @cached_property
    def ids_of(self) -> dict[bytes, tuple[int, ...]]:
        """The tokens that write some bytes."""
        ids: dict[bytes, tuple[int, ...]] = {}
        for token, content in enumerate(self.vocabulary.tokens):
            if content:
                ids[content] = (*ids.get(content, ()), token)
        return ids

    @cached_property
    def budget(self) -> Budget:
        """The least numbers of tokens that streams under limits need."""
        return make_budget(self.automaton, self.table.tokens_to_end.astype(np.int64), self.leads_to)

    @cached_property
    def topic_budget(self) -> TopicBudget:
        """The same where no topic may be repeated."""
        single_bytes = {content[0] for content in self.ids_of if len(content) == 1}
        to_end = self.budget.to_end
        return make_topic_budget(self.automaton, to_end, leads_to=self.leads_to, single_bytes=single_bytes)

    @cached_property
    def closing_tokens(self) -> NDArray[np.int64]:
        """The tokens that hold a byte with which some tag ends."""
        return closing_tokens(self.automaton, self.vocabulary.tokens)

    def delicate_tokens(self, state: int) -> NDArray[np.int64]:
        """Return the tokens that complete a tag from a state, lead into a promise tag, or within one up to its topic.

        Ordinary vocabularies have few, and none where text stands.
        """
        if state not in self.delicate:
            self.delicate[state] = delicate_tokens(
                self.automaton,
                state,
                following=self.next_states(state),
                tokens=self.vocabulary.tokens,
                closing=self.closing_tokens,
                forced=self.forced_bytes[state],
            )
        return self.delicate[state]

    @cached_property
    def trie(self) -> TokenTrie:
        """The tokens as a tree of bytes."""
        return build_trie(self.vocabulary.tokens)

    @cached_property
    def leads_to(self) -> NDArray[np.bool_]:
        """Whether some token leads from one state to another."""
        return survey_states(self.automaton.table, self.trie, self.vocabulary.num_logits).leads_to

    @cached_property
    def most_tokens_to_end(self) -> list[int]:
        """For every state, the most tokens that the shortest way to the end can take behind one more token."""
        return self._most_behind(self.budget.to_end)

    @cached_property
    def most_tokens_to_end_anew(self) -> list[int]:
        """The same where no topic may be repeated, and one letter more may be needed."""
        return [most + 1 for most in self._most_behind(self.topic_budget.to_end)]

    def _most_behind(self, to_end: NDArray[np.int64]) -> list[int]:
        most: list[int] = np.where(self.leads_to, to_end[None, :], 0).max(axis=1).tolist()
        return most

    def next_states(self, state: int) -> NDArray[np.uint16]:
        """Return for every token the state that it leads to, DEAD where it is not legal."""
        place = np.flatnonzero(self.table.fast_states == state)
        if len(place):
            states: NDArray[np.uint16] = self.table.next_states[place[0]][self.table.next_codes[place[0]]]
            return states
        return next_states(self.automaton.table, state, self.trie, self.vocabulary.num_logits)

    def next_state(self, state: int, token: int) -> int:
        """Return the state after a token, DEAD if it is not legal; an end token leads to `finished`."""
        if not 0 <= token < self.vocabulary.num_logits:
            return DEAD
        content = self.vocabulary.tokens[token]
        if not content:
            can_end = state != self.finished and self.automaton.is_accepting[state]
            return self.finished if can_end and token in self.vocabulary.ends else DEAD
        rows = self.byte_rows
        for byte in content:
            state = rows[state][byte]
        return state

    def apply_batch(self, logits: Any, states: Sequence[int] | NDArray[np.integer[Any]]) -> None:
        """Apply to each line of `logits` the set of its state, in place: numpy or torch of shape (streams, logits).

        Raises:
            ValueError: the shape does not fit.
        """
        if tuple(logits.shape) != (len(states), self.vocabulary.num_logits):
            wanted = (len(states), self.vocabulary.num_logits)
            raise ValueError(f"logits of the shape {wanted} are needed, found {tuple(logits.shape)}")
        rows = self.rows[np.asarray(states)]
        if not isinstance(logits, np.ndarray):
            from pasta_toolkit.mask.torch_rows import apply_to_tensor  # noqa: PLC0415

            if apply_to_tensor(self.row_sets, logits, rows):
                return
            logits = logits.numpy()
        apply_rows(logits, rows, self.table.strategies, self.table.spans, self.table.numbers, self.table.bits)

    def fill_bitmask(self, words: NDArray[np.uint32], states: Sequence[int] | NDArray[np.integer[Any]]) -> None:
        """Write the packed bits of each state's set to a line of `words`: (streams, logits / 32 rounded up)."""
        rows = self.rows[np.asarray(states)]
        pack_rows(words, rows, self.table.strategies, self.table.spans, self.table.numbers, self.table.bits)


def compile_mask(
    vocabulary: Vocabulary,
    *,
    streams: Iterable[Stream] = PLAIN_STREAMS,
    parser: lark.Lark | None = None,
    cache: Path | None = None,
) -> TokenMask:
    """Compile the mask of a vocabulary, or read it from the folder `cache` if it has been compiled before.

    Raises:
        AutomatonError: the grammar cannot be compiled.
        VocabularyError: the vocabulary cannot write the streams.
        CacheError: the cache is damaged or cannot be written.
    """
    streams = tuple(streams)
    grammar = grammar_text() if parser is None else parser.source_grammar
    content = "\0".join((FORMAT, grammar, repr(streams), vocabulary.digest))
    digest = hashlib.sha256(content.encode()).hexdigest()
    path = None if cache is None else entry_path(cache, digest)
    entry = read_entry(path) if path else None
    if entry is not None:
        return TokenMask(*_unpacked(vocabulary, *entry), digest)
    automaton = compile_automaton(parser, streams=streams)
    mask = TokenMask(automaton, vocabulary, compile_table(automaton, vocabulary), digest)
    if path:
        write_entry(path, *_packed(mask))
    return mask


def _packed(mask: TokenMask) -> tuple[dict[str, NDArray[Any]], dict[str, Any]]:
    automaton = mask.automaton
    arrays = {part.name: getattr(mask.table, part.name) for part in fields(MaskTable)}
    facts = {
        "labels": automaton.labels,
        "begins": automaton.begins,
        "after": [[*key, state] for key, state in automaton.after.items()],
        "tags": automaton.tags,
    }
    return {"automaton": automaton.table, "is_accepting": automaton.is_accepting, **arrays}, facts


def _unpacked(
    vocabulary: Vocabulary, arrays: dict[str, NDArray[Any]], facts: dict[str, Any]
) -> tuple[Automaton, Vocabulary, MaskTable]:
    after = {(stream, terminal): state for stream, terminal, state in facts["after"]}
    labels = tuple(facts["labels"])
    automaton = Automaton(
        arrays.pop("automaton"), arrays.pop("is_accepting"), labels, facts["begins"], after, facts["tags"]
    )
    return automaton, vocabulary, MaskTable(**arrays)
