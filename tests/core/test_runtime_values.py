import pytest
from hypothesis import given
from hypothesis import strategies as st

from pasta_toolkit.runtime import (
    Copied,
    Finished,
    Fixed,
    Interleaved,
    KvBudget,
    KvError,
    Limits,
    LimitsError,
    Oracle,
    Paged,
    PositionError,
    Predicted,
    Promised,
    Request,
    Run,
    Script,
    Shared,
    ThreadScript,
    kv_layout,
    ordering,
    position_policy,
)

counts = st.integers(0, 500)


def test_each_position_policy_reserves_what_it_says():
    promised = Promised(40, tag_tokens=6, branch_tokens=37)
    assert Predicted().reserved(promised) == 46
    assert Fixed(100).reserved(promised) == 106
    assert Oracle().reserved(promised) == 43
    assert Shared().reserved(promised) == 0
    assert [policy.after_join(50, 80) for policy in (Predicted(), Fixed(9), Oracle(), Shared())] == [50, 50, 50, 80]


def test_position_policies_are_known_by_name():
    assert position_policy("fixed:40") == Fixed(40)
    assert [position_policy(name).name for name in ("oracle", "predicted", "shared")] == [
        "oracle",
        "predicted",
        "shared",
    ]


@pytest.mark.parametrize("name", ["fixed", "fixed:", "fixed:0", "fixed:-3", "fixed:x", "random", ""])
def test_unknown_position_policies_are_refused(name):
    with pytest.raises(
        PositionError, match=f"no position policy '{name}': choose from fixed:N, oracle, predicted, shared"
    ):
        position_policy(name)


def test_the_oracle_refuses_a_branch_of_unknown_length():
    with pytest.raises(PositionError, match="'oracle' needs branches of known length; use 'predicted'"):
        Oracle().reserved(Promised(40))


@given(counts, counts, st.integers(1, 32))
def test_layouts_hold_a_forked_prefix_once_except_copied(prefix, own, page):
    assert Interleaved().slots(prefix, own) == own
    assert Copied().slots(prefix, own) == prefix + own
    paged = Paged(page).slots(prefix, own)
    assert paged % page == 0
    assert own <= paged < own + page


@given(counts, counts, st.integers(1, 3000))
def test_a_thread_in_rows_holds_whole_rows_and_leaves_none_at_the_join(prefix, own, row):
    layout = Copied(row_tokens=row)
    assert layout.slots(prefix, own) % row == 0
    assert prefix + own <= layout.slots(prefix, own) < prefix + own + row
    assert layout.kept_slots(prefix, own) == 0
    assert layout.copied_tokens(prefix) == prefix


@given(counts, counts, st.integers(1, 32))
def test_a_join_keeps_at_least_the_tokens_and_never_more_than_was_held(prefix, own, page):
    for layout in (Interleaved(), Copied(), Paged(page)):
        assert own <= layout.kept_slots(prefix, own) <= layout.slots(prefix, own)


def test_a_budget_refuses_more_than_is_free_and_more_than_was_allocated():
    budget = KvBudget(Interleaved(), 10)
    budget.allocate(7)
    assert budget.free_slots == 3
    with pytest.raises(ValueError, match="cannot allocate 4 slots: 7 of 10 in use"):
        budget.allocate(4)
    with pytest.raises(ValueError, match="cannot free 8 slots"):
        budget.allocate(-8)


@pytest.mark.parametrize(
    ("make", "error", "message"),
    [
        (lambda: kv_layout("striped"), KvError, "no KV layout 'striped': choose from copied, interleaved, paged"),
        (lambda: Paged(0), KvError, "a page holds at least 1 token, found 0"),
        (lambda: Copied(0), KvError, "a row holds at least 1 token, found 0"),
        (lambda: Limits(max_lanes=0), LimitsError, "max_lanes must be at least 1, found 0"),
        (lambda: Limits(serialise_above=-1), LimitsError, "serialise_above must not be negative, found -1"),
        (lambda: Request("a", 0), LimitsError, "request 'a' has 0 prompt tokens; it needs at least 1"),
        (lambda: Request("a", 4, cached_tokens=4), LimitsError, "at least the last prompt token must be fed"),
        (lambda: ordering("last"), LimitsError, "no ordering 'last': choose from critical-path, first-come, shortest"),
        (lambda: ThreadScript((Run(3),)), ValueError, "ends with its last run"),
        (lambda: ThreadScript((Run(0, 1, (Finished(),)),)), ValueError, "at least one lane"),
    ],
)
def test_impossible_values_are_refused_in_one_sentence(make, error, message):
    with pytest.raises(error, match=message):
        make()


def test_a_sequential_script_decodes_what_it_is_told():
    assert [Script.sequential(n).threads[0].decoded_tokens for n in (0, 1, 5)] == [0, 1, 5]
