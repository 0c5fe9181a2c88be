"""The legal tokens of every automaton state, computed once. Knows neither streams in progress nor files."""

from dataclasses import dataclass, field, fields
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pasta_toolkit.mask.automaton import DEAD, Automaton
from pasta_toolkit.mask.dead_ends import refuse_dead_ends
from pasta_toolkit.mask.kernels import BITS, FILL, KEEP
from pasta_toolkit.mask.survey import FAR, survey_states, tokens_to
from pasta_toolkit.mask.trie import TokenTrie, build_trie, mark_tokens, next_states
from pasta_toolkit.mask.vocabulary import Vocabulary

__all__ = ["NEVER", "MaskTable", "compile_table"]

NEVER = np.iinfo(np.uint16).max  # tokens to the end of a stream that cannot be ended

# A set with fewer tokens than one in 64 is stored as ids, and applied by keeping them: fewer ids than
# words of bits. Source: ours, measured by `benchmarks/mask.py`.
NARROW_SHARE = 64
# With fewer ranges than one in 32 tokens, filling them beats testing the bits. Source: ours, `benchmarks/mask.py`.
RANGE_SHARE = 32
MOST_CODES = 256  # next states that one byte can number


@dataclass(frozen=True, eq=False)
class MaskTable:
    """Sets of tokens without duplicates (`rows`), and the row of every state.

    `strategies[row]` is KEEP, FILL or BITS; `spans[row]` says where the row's numbers begin and end in `numbers` and
    which line of `bits` it has. `next_codes[i, token]` numbers the next state among `next_states[i]` for the few states
    `fast_states[i]` in which streams spend nearly all their steps. `tokens_to_end[state]` is the least number of
    tokens, the end token included, that can end the stream from there.
    """

    row_of_state: NDArray[np.uint16]
    strategies: NDArray[np.uint8]
    spans: NDArray[np.int32] = field(repr=False)  # (rows, 3)
    numbers: NDArray[np.int32] = field(repr=False)
    bits: NDArray[np.uint32] = field(repr=False)  # (wide rows, words)
    fast_states: NDArray[np.uint16]
    next_codes: NDArray[np.uint8] = field(repr=False)  # (fast states, tokens)
    next_states: NDArray[np.uint16] = field(repr=False)  # (fast states, 256)
    tokens_to_end: NDArray[np.uint16] = field(repr=False)

    @property
    def num_bytes(self) -> int:
        """The memory that all arrays take."""
        return sum(getattr(self, part.name).nbytes for part in fields(self))


def compile_table(automaton: Automaton, vocabulary: Vocabulary) -> MaskTable:
    """Compute the legal tokens of every state.

    Raises:
        VocabularyError: some stream could get to where no token leads on, or some tag cannot be written at all.
    """
    return _Compiler(automaton, vocabulary).table()


class _Compiler:
    """Walks the tokens and collects the arrays."""

    def __init__(self, automaton: Automaton, vocabulary: Vocabulary) -> None:
        self.automaton = automaton
        self.vocabulary = vocabulary
        self.trie: TokenTrie = build_trie(vocabulary.tokens)
        self.numbers: list[NDArray[np.int32]] = []
        self.num_numbers = 0
        self.bits: list[NDArray[np.uint32]] = []

    def table(self) -> MaskTable:
        """Build the table."""
        survey = survey_states(self.automaton.table, self.trie, self.vocabulary.num_logits)
        to_end = _tokens_to_end(survey.leads_to, self.automaton)
        refuse_dead_ends(self.automaton, survey.leads_to, can_end=to_end != NEVER, tokens=self.vocabulary.tokens)
        keys = survey.row_of_state * 2 + self.automaton.is_accepting  # an accepting state also allows the ends
        keys[DEAD] = -1
        _, examples, row_of_state = np.unique(keys, return_index=True, return_inverse=True)
        marked = mark_tokens(self.automaton.table, examples, self.trie, self.num_words)
        rows = [self.row(int(state), words) for state, words in zip(examples, marked, strict=True)]
        fast_states = sorted({*self.automaton.begins.values(), *self.automaton.after.values()} - {DEAD})
        fast = [(state, *coded) for state in fast_states if (coded := self.next_codes(state)) is not None]
        return MaskTable(
            row_of_state.astype(np.uint16),
            np.array([strategy for strategy, _ in rows], dtype=np.uint8),
            np.array([span for _, span in rows], dtype=np.int32),
            np.concatenate(self.numbers),
            np.stack(self.bits) if self.bits else np.zeros((0, self.num_words), dtype=np.uint32),
            np.array([state for state, _, _ in fast], dtype=np.uint16),
            np.stack([codes for _, codes, _ in fast]),
            np.stack([states for _, _, states in fast]),
            to_end,
        )

    @property
    def num_words(self) -> int:
        """The 32-bit words of a packed row."""
        return -(-self.vocabulary.num_logits // 32)

    def row(self, state: int, words: NDArray[np.uint32]) -> tuple[int, tuple[int, int, int]]:
        """Store the legal tokens of a state, given as packed bits; return the strategy and where its numbers lie."""
        if self.automaton.is_accepting[state]:
            for end in self.vocabulary.ends:
                words[end >> 5] |= np.uint32(1 << (end & 31))
        num_logits = self.vocabulary.num_logits
        is_legal = np.unpackbits(words.view(np.uint8), count=num_logits, bitorder="little").view(np.bool_)
        if np.count_nonzero(is_legal) * NARROW_SHARE < num_logits:
            return KEEP, (*self.store(np.flatnonzero(is_legal)), -1)
        self.bits.append(words)
        edges = np.flatnonzero(np.diff(~is_legal, prepend=False, append=False))
        is_cheap = len(edges) // 2 * RANGE_SHARE < num_logits
        bounds = self.store(edges if is_cheap else edges[:0])
        return FILL if is_cheap else BITS, (*bounds, len(self.bits) - 1)

    def store(self, numbers: NDArray[np.integer[Any]]) -> tuple[int, int]:
        """Append to the numbers of all rows; return where these begin and end."""
        begin = self.num_numbers
        self.numbers.append(numbers.astype(np.int32))
        self.num_numbers += len(numbers)
        return begin, self.num_numbers

    def next_codes(self, state: int) -> tuple[NDArray[np.uint8], NDArray[np.uint16]] | None:
        """Number the next state of every token; None where there are too many."""
        following = next_states(self.automaton.table, state, self.trie, self.vocabulary.num_logits)
        states, codes = np.unique(following, return_inverse=True)
        if len(states) > MOST_CODES:
            return None
        padded = np.full(MOST_CODES, DEAD, dtype=np.uint16)
        padded[: len(states)] = states
        return codes.astype(np.uint8), padded


def _tokens_to_end(leads_to: NDArray[np.bool_], automaton: Automaton) -> NDArray[np.uint16]:
    """Return the least number of tokens to the end, the end token included, NEVER where no way leads."""
    to_accepting = tokens_to(leads_to, automaton.is_accepting.nonzero()[0])
    return np.where(to_accepting == FAR, NEVER, to_accepting + 1).astype(np.uint16)
