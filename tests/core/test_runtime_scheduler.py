import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from pasta_toolkit.runtime import (
    Copied,
    EventKind,
    Interleaved,
    KvBudget,
    KvError,
    Limits,
    Paged,
    Preemption,
    Request,
    Scheduler,
    Script,
    ScriptReader,
    Session,
    StepOutcome,
    ordering,
)
from tests.support.sim_driver import STEP_NS, drive, lanes_of, num_steps, times
from tests.support.sim_outlines import (
    Outline,
    OutlineBranch,
    OutlineGroup,
    critical_path_tokens,
    outlines,
    script_of_outline,
)

layouts = st.sampled_from([Interleaved(), Copied(), Paged(1), Paged(4), Paged(16)])
orders = st.sampled_from(["first-come", "critical-path", "shortest-remaining"])


@given(outlines())
@example(Outline((), 0))
@example(Outline((OutlineGroup((OutlineBranch(0, 1, 2),), 0, 1),), 0))
@example(Outline((OutlineGroup((OutlineBranch(0, 1, 2),), 0, 0),), 0))
@example(Outline((OutlineGroup((OutlineBranch(3, 5, 9), OutlineBranch(0, 5, 2)), 0, 3),), 4))
@settings(max_examples=100, deadline=None)
def test_makespan_is_the_critical_path_at_constant_cost_and_unlimited_width(outline):
    """Invariant R6. The prompt's last token is fed in the step that decodes the first token of the answer."""
    events = drive(Scheduler(), [(0, Request("a", 1), script_of_outline(outline))])
    assert times(events, EventKind.COMPLETION)["a"] == max(1, critical_path_tokens(outline)) * STEP_NS


@given(outlines(), st.integers(1, 5))
@settings(max_examples=50, deadline=None)
def test_makespan_is_at_least_the_critical_path_and_the_work_over_the_lanes(outline, max_lanes):
    """A branch's first token is forced on it and needs no lane."""
    events = drive(Scheduler(Limits(max_lanes=max_lanes)), [(0, Request("a", 1), script_of_outline(outline))])
    work = outline.decoded_tokens - len(outline.branches)
    assert num_steps(events) >= critical_path_tokens(outline)
    assert num_steps(events) * max_lanes >= work


@given(
    work=st.lists(st.tuples(st.integers(0, 50), st.integers(1, 60), outlines()), min_size=1, max_size=5),
    layout=layouts,
    max_lanes=st.integers(1, 6),
    max_tokens=st.integers(1, 40),
    max_threads=st.integers(1, 4),
    order=orders,
    is_tight=st.booleans(),
    remembers=st.booleans(),
    preemption=st.sampled_from(Preemption),
)
@settings(max_examples=50, deadline=None)
def test_every_request_is_served_under_any_limits(
    *, work, layout, max_lanes, max_tokens, max_threads, order, is_tight, remembers, preemption
):
    """Invariants R1 to R5, which the driver checks after each transition, with preemption where memory is tight."""
    arrivals = [
        (at * STEP_NS, Request(str(index), prompt, expected_tokens=outline.decoded_tokens), script_of_outline(outline))
        for index, (at, prompt, outline) in enumerate(sorted(work, key=lambda item: item[0]))
    ]
    total = max(_most_slots(prompt, outline, layout) for _, prompt, outline in work)
    limits = Limits(max_lanes, max_tokens, max_threads=max_threads, serialise_above=3)
    budget = KvBudget(layout, total if is_tight else None, remembers=remembers)
    events = drive(Scheduler(limits, budget, order=ordering(order), preemption=preemption), arrivals)
    assert budget.allocated_slots == 0
    completed = {event.request: event.value for event in events if event.kind is EventKind.COMPLETION}
    decoded = {request.name: sum(t.decoded_tokens for t in script.threads) for _, request, script in arrivals}
    branches = {request.name: len(script.threads) - 1 for _, request, script in arrivals}
    assert completed == {name: tokens + branches[name] for name, tokens in decoded.items()}


def _most_slots(prompt, outline, layout):
    """An upper bound on what one request can hold: every branch with a copy of all, and a page more for each thread."""
    everything = prompt + outline.decoded_tokens
    page = layout.page_tokens if isinstance(layout, Paged) else 0
    copies = len(outline.branches) if isinstance(layout, Copied) else 0
    return everything * (1 + copies) + 2 * page * (len(outline.branches) + 1)


@given(outlines(), st.integers(1, 50), st.integers(1, 20))
@settings(max_examples=40, deadline=None)
def test_tokens_are_conserved(outline, prompt, chunk):
    """Invariant R1: what is fed is the prompt and all that was decoded, but for what nobody will see."""
    events = drive(Scheduler(Limits(max_batched_tokens=chunk)), [(0, Request("a", prompt), script_of_outline(outline))])
    fed = sum(lane.num_tokens for lane in lanes_of(events))
    unseen = prompt + outline.decoded_tokens - fed
    assert 0 <= unseen <= 1 + len(outline.branches)


def test_sync_waits_for_every_pending_branch():
    outline = Outline((OutlineGroup((OutlineBranch(2, 3, 6), OutlineBranch(0, 3, 20)), 0, 1),), 5)
    events = drive(Scheduler(), [(0, Request("a", 4), script_of_outline(outline))])
    join = next(event for event in events if event.kind is EventKind.JOIN)
    finishes = [event.at_ns for event in events if event.kind is EventKind.FINISH and event.thread in (1, 2)]
    assert max(finishes) < join.at_ns
    assert join.value == 2
    main_while_blocked = [
        event
        for event in events
        if event.kind is EventKind.STEP_BEGIN
        and times(events, EventKind.SYNC)["a"] <= event.at_ns < join.at_ns
        and any(lane.thread == 0 for lane in event.lanes)
    ]
    assert not main_while_blocked


def test_a_branch_sees_the_main_thread_up_to_its_promise_and_no_sibling():
    outline = Outline((OutlineGroup((OutlineBranch(2, 3, 6), OutlineBranch(0, 4, 6)), 0, 1),), 1)
    events = drive(Scheduler(), [(0, Request("a", 10), script_of_outline(outline))])
    first = {lane.thread: lane.context_tokens for lane in reversed(lanes_of(events))}
    assert first == {0: 0, 1: 10 + 5, 2: 10 + 9}


def test_main_thread_sees_all_branches_after_the_sync():
    outline = Outline((OutlineGroup((OutlineBranch(2, 3, 6), OutlineBranch(0, 4, 7)), 0, 1),), 2)
    events = drive(Scheduler(), [(0, Request("a", 10), script_of_outline(outline))])
    last = lanes_of(events)[-1]
    assert (last.thread, last.context_tokens) == (0, 10 + 9 + 6 + 7 + 1)


def test_prefill_is_cut_into_chunks_by_the_batched_tokens():
    events = drive(Scheduler(Limits(max_batched_tokens=16)), [(0, Request("a", 40), Script.sequential(3))])
    assert [(lane.num_tokens, lane.context_tokens, lane.decodes) for lane in lanes_of(events)] == [
        (16, 0, False),
        (16, 16, False),
        (8, 32, True),
        (1, 40, True),
        (1, 41, True),
    ]


def test_a_request_waits_for_room_for_its_whole_prompt_though_it_is_fed_in_chunks():
    """ "b" needs 30 of 40 slots; its first chunk of 16 would fit beside the 11 or more of "a"."""
    arrivals = [(0, Request("a", 10), Script.sequential(5)), (STEP_NS, Request("b", 30), Script.sequential(1))]
    events = drive(Scheduler(Limits(max_batched_tokens=16), KvBudget(Interleaved(), 40)), arrivals)
    assert times(events, EventKind.ADMISSION)["b"] == times(events, EventKind.COMPLETION)["a"]


def test_cached_prompt_tokens_are_not_fed():
    events = drive(Scheduler(), [(0, Request("a", 40, cached_tokens=32), Script.sequential(1))])
    assert [(lane.num_tokens, lane.first_position, lane.context_tokens) for lane in lanes_of(events)] == [(8, 32, 32)]


def test_older_requests_and_lower_threads_go_first():
    arrivals = [(0, Request(name, 1), Script.sequential(2)) for name in ("b", "a")]
    events = drive(Scheduler(Limits(max_lanes=1)), arrivals)
    assert [lane.request for lane in lanes_of(events)] == ["b", "b", "a", "a"]


def test_shortest_remaining_first_lets_a_short_request_overtake():
    arrivals = [
        (0, Request("long", 1, expected_tokens=9), Script.sequential(9)),
        (STEP_NS, Request("short", 1, expected_tokens=2), Script.sequential(2)),
    ]
    one_token = Limits(max_batched_tokens=1)
    first_come = times(drive(Scheduler(one_token), arrivals), EventKind.COMPLETION)
    assert first_come == {"long": 9 * STEP_NS, "short": 11 * STEP_NS}
    shortest = drive(Scheduler(one_token, order=ordering("shortest-remaining")), arrivals)
    assert [lane.request for lane in lanes_of(shortest)][:3] == ["long"] * 3  # the running one comes before the waiting


def test_thread_cap_limits_the_lanes_of_one_request():
    outline = Outline((OutlineGroup(tuple(OutlineBranch(0, 1, 9) for _ in range(4)), 0, 1),), 0)
    events = drive(Scheduler(Limits(max_threads=2)), [(0, Request("a", 1), script_of_outline(outline))])
    assert max(len(event.lanes) for event in events if event.lanes) == 2


def test_a_request_is_preempted_where_memory_ends_and_served_again():
    arrivals = [(0, Request(name, 10), Script.sequential(20)) for name in ("a", "b")]
    events = drive(Scheduler(budget=KvBudget(Interleaved(), 40)), arrivals)
    preempted = [event for event in events if event.kind is EventKind.PREEMPTION]
    assert [event.request for event in preempted] == ["b"]
    assert any(lane.is_refill for lane in lanes_of(events) if lane.request == "b")
    assert set(times(events, EventKind.COMPLETION)) == {"a", "b"}


def test_what_survives_of_a_preempted_request_is_not_fed_again():
    arrivals = [(0, Request(name, 10), Script.sequential(20)) for name in ("a", "b")]
    forgets = drive(Scheduler(budget=KvBudget(Interleaved(), 40)), arrivals)
    remembers = drive(Scheduler(budget=KvBudget(Interleaved(), 40, remembers=True)), arrivals)
    refed = [
        sum(lane.num_tokens for lane in lanes_of(events) if lane.is_refill and lane.request == "b")
        for events in (forgets, remembers)
    ]
    lost = next(event.value for event in forgets if event.kind is EventKind.PREEMPTION)
    assert refed == [lost + 1, 9 + 1]  # the older request overwrote 9 of its 20 slots before it ended


def test_a_request_that_no_cache_can_hold_is_refused_in_one_sentence():
    with pytest.raises(KvError, match="request 'a' needs 50 slots of the KV cache, which has 40"):
        drive(Scheduler(budget=KvBudget(Interleaved(), 40)), [(0, Request("a", 50), Script.sequential(2))])
    with pytest.raises(KvError, match="request 'a' needs 41 slots of the KV cache, which has 40") as raised:
        drive(Scheduler(budget=KvBudget(Interleaved(), 40)), [(0, Request("a", 10), Script.sequential(90))])
    assert raised.value.request == "a"


@given(outlines(), st.integers(0, 30), layouts)
@settings(max_examples=40, deadline=None)
def test_a_cancelled_request_leaves_no_slot_and_no_trace_of_itself(outline, num_steps_before, layout):
    """Invariant R4: whatever its threads were doing."""
    scheduler = Scheduler(budget=KvBudget(layout, 10_000))
    session, reader = Session(scheduler), ScriptReader()
    reader.add("a", script_of_outline(outline))
    session.arrive(Request("a", 5), at_ns=0)
    for _ in range(num_steps_before):
        step, _ = session.begin(at_ns=0)
        if step is None:
            break
        session.end(StepOutcome(0, reader.progress(step.lanes)), at_ns=0)
    if "a" in scheduler.known:
        assert session.cancel("a", at_ns=0).kind is EventKind.CANCELLATION
    assert scheduler.is_idle
    assert scheduler.budget.allocated_slots == 0
    with pytest.raises(ValueError, match="cannot cancel 'a'"):
        session.cancel("a", at_ns=0)


def test_a_request_is_cancelled_between_steps_only():
    session = Session(Scheduler())
    session.arrive(Request("a", 5), at_ns=0)
    session.begin(at_ns=0)
    with pytest.raises(ValueError, match="or a step is under way"):
        session.cancel("a", at_ns=0)
