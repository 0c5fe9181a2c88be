"""Every state's legal tokens, judged by the oracle's own automaton over the tokens' bytes."""

import numpy as np
import pytest

from pasta_toolkit.mask import DEAD, TokenMask, Vocabulary, VocabularyError, compile_mask, load_vocabulary
from tests.support.mask_oracle import OracleTable, oracle_table
from tests.support.mask_vocabularies import REAL, byte_vocabulary, real_mask, source_of

MOST_MEGABYTES = 4


def paired_states(mask: TokenMask, oracle: OracleTable, form: str) -> dict[int, int]:
    """Walk both automata together: which oracle state stands for each of ours."""
    table = mask.automaton.table
    pairs = {mask.automaton.begins[form]: oracle.start}
    waiting = list(pairs)
    while waiting:
        state = waiting.pop()
        for byte in np.flatnonzero(table[state]).tolist():
            target = int(table[state, byte])
            if target not in pairs:
                pairs[target] = oracle.rows[pairs[state]][byte]
                waiting.append(target)
    return pairs


class Columns:
    """The tokens as a matrix of bytes, to walk all of them at once."""

    def __init__(self, vocabulary: Vocabulary) -> None:
        lengths = np.array([len(token) for token in vocabulary.tokens])
        self.ids_by_column = [np.flatnonzero(lengths > column) for column in range(lengths.max())]
        self.bytes_by_column = [
            np.array([vocabulary.tokens[token][column] for token in ids], dtype=np.int64)
            for column, ids in enumerate(self.ids_by_column)
        ]
        self.writes = lengths > 0

    def legal(self, table: np.ndarray, state: int) -> np.ndarray:
        reached = np.where(self.writes, state, 0)
        for ids, content in zip(self.ids_by_column, self.bytes_by_column, strict=True):
            alive = reached[ids] != 0
            reached[ids[alive]] = table[reached[ids[alive]], content[alive]]
        return reached != 0


def check_against_oracle(name: str, *, every: int) -> None:
    mask = real_mask(name)
    columns = Columns(mask.vocabulary)
    for form in ("main", "branch"):
        oracle = oracle_table(form)
        for state, key in sorted(paired_states(mask, oracle, form).items())[::every]:
            expected = columns.legal(oracle.table, key)
            expected[list(mask.vocabulary.ends)] = oracle.is_accepting[key]
            assert np.array_equal(mask.sets[state].is_legal, expected), oracle.keys[key]


@pytest.mark.parametrize(("name", "every"), [("smollm2", 1), ("gemma3", 12), ("tekken", 5)])
def test_states_and_tokens_agree_with_the_oracle(name: str, every: int) -> None:
    check_against_oracle(name, every=every)


@pytest.mark.parametrize("name", REAL)
def test_no_dead_ends_and_few_megabytes(name: str) -> None:
    mask = real_mask(name)
    assert all(
        len(mask.sets[state]) for state in range(1, mask.automaton.num_states) if mask.table.tokens_to_end[state] < 999
    )
    assert mask.table.tokens_to_end[mask.automaton.begins["main"]] == 1
    assert mask.table.num_bytes < MOST_MEGABYTES * 1_000_000
    assert len({row.is_legal.tobytes() for row in mask.row_sets}) == len(mask.row_sets)


def test_added_text_is_legal_and_control_tokens_are_not() -> None:
    mask = real_mask("gemma3")
    ids = {content: token for token, content in enumerate(mask.vocabulary.tokens) if content in {b"<ul>", b"<b>"}}
    text = mask.start().allowed
    assert len(ids) == 2
    assert all(token in text for token in ids.values())
    assert 2 not in text  # <bos>
    assert set(mask.vocabulary.ends) == {1, 106}
    assert all(end in text for end in mask.vocabulary.ends)
    assert all(end not in mask.start("branch").allowed for end in mask.vocabulary.ends)


def test_each_strategy_agrees_with_its_set() -> None:
    mask = real_mask("smollm2")
    logits = np.random.default_rng(0).normal(size=mask.vocabulary.num_logits).astype(np.float32)
    seen = set()
    for row in mask.row_sets:
        applied = logits.copy()
        row.apply(applied)
        assert np.array_equal(applied, np.where(row.is_legal, logits, -np.inf))
        seen.add(row.strategy)
        some = [*range(0, mask.vocabulary.num_logits, 997), *row.ids()[:9].tolist()]
        assert [token in row for token in some] == row.is_legal[some].tolist()
        assert len(row) == len(row.ids())
        if len(row):
            assert row.best(logits) == np.argmax(applied)
    assert len(seen) == 3


@pytest.mark.parametrize("kind", ["float32", "float16", "bfloat16"])
def test_torch_rows_and_batches_agree_with_numpy(kind: str) -> None:
    torch = pytest.importorskip("torch", reason="torch is not installed")
    mask = real_mask("smollm2")
    states = [1, 2, 3, *range(4, mask.automaton.num_states, 200), mask.finished]
    logits = np.random.default_rng(1).normal(size=(len(states), mask.vocabulary.num_logits)).astype(np.float32)
    expected = np.stack(
        [np.where(mask.sets[state].is_legal, row, -np.inf) for state, row in zip(states, logits, strict=True)]
    )
    by_numpy = logits.copy()
    mask.apply_batch(by_numpy, states)
    assert np.array_equal(by_numpy, expected)
    tensor = torch.from_numpy(logits.copy()).to(getattr(torch, kind))
    single = tensor[0].clone()
    mask.apply_batch(tensor, states)
    mask.sets[states[0]].apply(single)
    assert np.array_equal(torch.isneginf(tensor).numpy(), np.isneginf(expected))
    assert torch.equal(single, tensor[0])


def test_the_bitmask_holds_the_same_bits() -> None:
    mask = real_mask("smollm2")
    states = list(range(1, mask.automaton.num_states, 97))
    words = np.empty((len(states), mask.vocabulary.num_logits // 32), dtype=np.uint32)
    mask.fill_bitmask(words, states)
    bits = np.unpackbits(words.view(np.uint8), axis=1, bitorder="little").astype(bool)
    assert all(np.array_equal(line, mask.sets[state].is_legal) for line, state in zip(bits, states, strict=True))


def test_padding_is_never_legal_and_a_row_of_another_length_is_refused() -> None:
    small = byte_vocabulary()
    mask = compile_mask(Vocabulary.of(small.tokens, ends=small.ends, num_logits=300))
    logits = np.zeros(300, dtype=np.float32)
    mask.start().apply(logits)
    assert np.isneginf(logits[257:]).all()
    with pytest.raises(ValueError, match=r"a row of 300 logits is needed, found the shape \(257,\)"):
        mask.start().apply(np.zeros(257, dtype=np.float32))
    with pytest.raises(ValueError, match=r"logits of the shape \(1, 300\) are needed"):
        mask.apply_batch(np.zeros((1, 257), dtype=np.float32), [1])


def test_a_token_longer_than_any_tag_is_walked_to_its_end() -> None:
    long_tag = b'<promise topic="a" tokens="10"/>' + b"x" * 3000
    mask = compile_mask(byte_vocabulary(long_tag, long_tag + b"<sync/><sync/>"))
    assert 256 in mask.start().allowed
    assert 257 not in mask.start().allowed


def test_a_vocabulary_without_a_needed_byte_is_refused() -> None:
    tokens = [bytes([byte]) for byte in range(256)]
    message = "no tokens of the vocabulary write the tag PROMISE in the stream 'main'; no token holds .* b'm'"
    with pytest.raises(VocabularyError, match=message):
        compile_mask(Vocabulary.of([token for token in tokens if token != b"m"] + [None], ends=[255]))
    with pytest.raises(VocabularyError, match=r"dead ends: .*/', no token goes on .* b'>'; no token holds .* b'>'"):
        compile_mask(Vocabulary.of([*[token for token in tokens if token != b">"], None], ends=[255]))
    with pytest.raises(VocabularyError, match="leads into dead ends: in the stream"):
        compile_mask(Vocabulary.of([*tokens[:0x80], *tokens[0xC0:], None], ends=[192]))


def test_a_missing_or_wrong_end_is_refused() -> None:
    with pytest.raises(VocabularyError, match="no end-of-sequence token"):
        Vocabulary.of([b"a"], ends=[])
    with pytest.raises(VocabularyError, match="not all ids: ids run from 0 to 0"):
        Vocabulary.of([b"a"], ends=[7])
    with pytest.raises(VocabularyError, match="shorter than the vocabulary"):
        Vocabulary.of([b"a", None], ends=[1], num_logits=1)


def test_the_dead_state_allows_nothing() -> None:
    assert not len(real_mask("smollm2").sets[DEAD])


def test_loading_by_path_and_by_name_is_the_same(tmp_path: object) -> None:
    assert load_vocabulary(source_of("smollm2")).digest == load_vocabulary("smollm2").digest
