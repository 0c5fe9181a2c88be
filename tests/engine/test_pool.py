"""The KV pool: what it costs, what it gives out, and who sees which slot."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from grammar import parse
from pasta_toolkit.runtime import Copied, Interleaved, Paged
from reference_engine.errors import EngineError, PoolError
from reference_engine.forced import forced_answer
from reference_engine.pool import KvPool, KvStorage, Orders, placement_for
from tests.support.engine_models import tiny_config, twins
from tests.support.engine_runs import LAYOUTS, loop_for, run_forced
from tests.support.engine_serial import byte_tokens, serialised

CONFIG = tiny_config("llama")
WIDE = parse(
    "Why?"
    + "".join(f'<promise topic="part {n}" tokens="10"/>' for n in range(32))
    + "".join(f"<async>It is {n}.</async>" for n in range(32))
    + "<sync/> So."
)


@given(st.integers(1, 5000), st.sampled_from([torch.float32, torch.bfloat16]))
@settings(max_examples=20, deadline=None)
def test_the_pool_has_the_bytes_of_the_formula(num_slots, dtype):
    storage = KvStorage.allocate(CONFIG, num_slots, dtype=dtype)
    formula = 2 * CONFIG.num_layers * CONFIG.num_kv_heads * CONFIG.head_dim * num_slots * dtype.itemsize
    assert storage.num_bytes == storage.entries.untyped_storage().nbytes() == formula


def test_a_pool_that_no_memory_holds_is_refused_in_one_sentence():
    with pytest.raises(PoolError, match=r"no memory for a KV pool of \d+ slots \(.* GiB\)"):
        KvStorage.allocate(CONFIG, 10**14, dtype=torch.float32)
    with pytest.raises(PoolError, match="at least 1 slot, found 0"):
        KvStorage.allocate(CONFIG, 0, dtype=torch.float32)


@pytest.mark.parametrize("layout", [Interleaved(), Paged(4), Copied(8)])
@given(operations=st.lists(st.tuples(st.integers(0, 3), st.integers(0, 8)), max_size=30))
@settings(max_examples=50, deadline=None)
def test_no_slot_is_given_twice_and_none_is_lost(layout, operations):
    """Invariant R4, at the addresses: what threads own and what is free are all slots, each once."""
    pool = KvPool(CONFIG, layout, 64)
    lines = [pool.open_line() for _ in range(4)]
    for index, num_tokens in operations:
        try:
            pool.place(lines[index], np.arange(num_tokens))
        except PoolError:
            pool.close(lines[index])
            lines[index] = pool.open_line()
        owned = np.concatenate([pool.owned_slots(line.holding) for line in lines])
        assert len(set(owned.tolist())) == len(owned)
        assert len(owned) + pool.num_free == pool.num_slots
    for line in lines:
        pool.close(line)
    assert pool.num_free == pool.num_slots
    assert not pool.is_filled.any()
    assert not pool.seen.any()


@pytest.mark.parametrize(
    ("layout", "num_slots", "message"),
    [
        (Paged(16), 40, "a pool of 40 slots does not consist of units of 16"),
        (Copied(), 64, "no placement for the KV layout 'copied'; in 'copied', rows need a length"),
    ],
)
def test_a_pool_that_does_not_fit_its_layout_is_refused(layout, num_slots, message):
    with pytest.raises(EngineError, match=message):
        placement_for(layout, num_slots)


def test_siblings_never_see_each_other_and_main_sees_them_from_the_sync_on():
    orders = Orders(next_order=5)
    orders.fork(1)
    orders.fork(2)
    assert orders.sees(1, 6, key_thread=0, key_order=4)
    assert not orders.sees(1, 6, key_thread=0, key_order=5)
    assert not orders.sees(1, 9, key_thread=2, key_order=6)
    assert not orders.sees(0, 9, key_thread=1, key_order=6)
    orders.next_order = 10
    orders.join(1)
    assert orders.sees(0, 10, key_thread=1, key_order=6)
    assert not orders.sees(0, 9, key_thread=1, key_order=6)
    orders.fork(3)
    assert orders.sees(3, 12, key_thread=1, key_order=6)
    assert not orders.sees(3, 12, key_thread=2, key_order=6)


@pytest.mark.parametrize("layout", ["interleaved", "paged"])
def test_32_threads_over_4096_slots_copy_no_prefix(layout):
    """Slots in use at most: prompt, answer and the holes of pages, against a prefix a branch in layout `copied`."""
    prompt = byte_tokens("x" * 300, 97)
    answer = forced_answer(WIDE, lambda text: byte_tokens(text, 97)[::4])
    assert most_slots(layout, prompt, answer, 4096) <= len(prompt) + answer.num_tokens + 3 * 34
    copied = most_slots("copied", prompt, answer, 34 * LAYOUTS["copied"].row_tokens)
    assert copied >= 32 * len(prompt)


def most_slots(layout, prompt, answer, num_slots):
    model, _ = twins("llama")
    loop = loop_for(model, layout=layout, num_slots=num_slots)
    filled = []
    place = loop.pool.place

    def place_and_count(line, positions):
        slots = place(line, positions)
        filled.append(int(loop.pool.is_filled.sum()))
        return slots

    loop.pool.place = place_and_count
    recordings, _ = run_forced(loop, [("a", prompt, answer)])
    assert recordings[0].error is None
    return max(filled)


@pytest.mark.parametrize("layout", ["interleaved", "paged"])
def test_the_lines_of_the_pool_are_the_serialised_visibility(layout):
    """What every row of every step sees, read off the batches, is the document's matrix."""
    model, _ = twins("llama")
    document = parse(
        'Why? <promise topic="heat" tokens="20"/>, <promise topic="cold" tokens="10"/><async>Hot.</async>'
        '<async>Cold!</async><sync/>So <promise topic="end" tokens="10"/><async>Done.</async>'
    )
    prompt = byte_tokens("Tell me.", 97)
    loop = loop_for(model, layout=layout)
    run, counts = loop.executor._run, {}

    def run_and_count(storage, batch):
        for row, position in enumerate(batch.positions.tolist()):
            counts.setdefault((int(batch.tokens[row]), position), []).append(int(batch.visible[row].sum()))
        return run(storage, batch)

    loop.executor._run = run_and_count
    run_forced(loop, [("a", prompt, forced_answer(document, lambda text: byte_tokens(text, 97)))])
    serial = serialised(document, prompt, encode=lambda text: byte_tokens(text, 97))
    expected = {}
    for row, key in enumerate(zip(serial.tokens, serial.positions, strict=True)):
        expected.setdefault(key, []).append(int(serial.visible[row].sum()))
    unseen = expected.keys() - counts.keys()
    assert len(unseen) <= 2  # the last tokens of main thread and last branch are seen by nobody and never fed
    assert {key: sorted(value) for key, value in counts.items()} == {
        key: sorted(value) for key, value in expected.items() if key not in unseen
    }
