import io

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pasta_toolkit.runtime import (
    Copied,
    EventKind,
    Interleaved,
    KvError,
    Lane,
    Limits,
    Paged,
    Preemption,
    Request,
    Script,
    write_trace,
)
from simulator.executor import ConstantCost
from simulator.replica import Arrival, Serving
from simulator.router import RouterError, router
from simulator.simulation import simulate
from tests.support.sim_outlines import critical_path_tokens, outlines, script_of_outline

STEP_NS = 1_000


class LinearCost:
    """100 ns a step, 10 a fed token, 1 a token of context."""

    def duration_ns(self, lanes: tuple[Lane, ...]) -> int:
        return 100 + sum(10 * lane.num_tokens + lane.context_tokens for lane in lanes)

    def decode_ns(self, contexts: tuple[int, ...]) -> int:
        return 100 + sum(10 + context for context in contexts)

    def swap_ns(self, num_tokens: int) -> int:
        return 7 * num_tokens


def one_lane_each(arrival_times, *, service_steps=1):
    return [
        Arrival(at_ns, Request(str(index), 1), Script.sequential(service_steps))
        for index, at_ns in enumerate(arrival_times)
    ]


@given(outlines())
@settings(max_examples=50, deadline=None)
def test_latency_is_the_critical_path_at_constant_cost(outline):
    found = simulate([Arrival(7, Request("a", 1), script_of_outline(outline))], Serving(), cost=ConstantCost(STEP_NS))
    assert found.requests[0].latency_ns == max(1, critical_path_tokens(outline)) * STEP_NS
    assert script_of_outline(outline).critical_path == max(1, critical_path_tokens(outline))


@given(st.integers(1, 200), st.integers(1, 80))
@settings(max_examples=50, deadline=None)
def test_one_thread_costs_its_prefill_and_a_step_for_each_further_token(prompt, num_tokens):
    arrival = Arrival(0, Request("a", prompt), Script.sequential(num_tokens))
    found = simulate([arrival], Serving(), cost=LinearCost()).requests[0]
    prefill = 100 + 10 * prompt
    decode = sum(100 + 10 + prompt + index for index in range(num_tokens - 1))
    assert (found.ttft_ns, found.latency_ns) == (prefill, prefill + decode)


@given(st.lists(st.integers(0, 20_000), min_size=1, max_size=40), st.integers(1, 4))
@settings(max_examples=50, deadline=None)
def test_one_server_obeys_lindleys_recursion(times, service_steps):
    """Source: Lindley (1952): a wait is the last wait and service less the time between arrivals, if positive."""
    times.sort()
    serving, service_ns = Serving(Limits(max_requests=1)), service_steps * STEP_NS
    found = simulate(one_lane_each(times, service_steps=service_steps), serving, cost=ConstantCost(STEP_NS))
    wait, previous, waits = 0, times[0], []
    for at_ns in times:
        wait = max(0, wait + service_ns - (at_ns - previous)) if waits else 0
        waits.append(wait)
        previous = at_ns
    assert [request.queueing_ns for request in found.requests] == waits


def test_an_arrival_at_the_end_of_a_step_joins_the_next_one():
    """At equal times: arrival, step end, step begin."""
    arrivals = [
        Arrival(0, Request("a", 1), Script.sequential(3)),
        Arrival(STEP_NS, Request("b", 1), Script.sequential(1)),
    ]
    events = []
    found = simulate(arrivals, Serving(), cost=ConstantCost(STEP_NS), record=events.append)
    assert found.requests[1].queueing_ns == 0
    at_the_end = [event.kind for event in events if event.at_ns == STEP_NS]
    assert at_the_end == [
        EventKind.ARRIVAL,
        EventKind.STEP_END,
        EventKind.FIRST_TOKEN,
        EventKind.ADMISSION,
        EventKind.STEP_BEGIN,
    ]


@given(
    st.lists(st.tuples(st.integers(0, 30_000), outlines()), min_size=1, max_size=5),
    st.sampled_from([Interleaved(), Copied(), Paged(4)]),
    st.sampled_from([None, 2_000, 600]),
    st.integers(1, 8),
    st.sampled_from(Preemption),
)
@settings(max_examples=60, deadline=None)
def test_steps_run_at_once_take_as_long_as_steps_run_one_by_one(work, layout, kv_slots, max_lanes, preemption):
    """A recording runs every step by itself."""
    arrivals = [
        Arrival(at_ns, Request(str(index), 5), script_of_outline(outline))
        for index, (at_ns, outline) in enumerate(sorted(work, key=lambda item: item[0]))
    ]
    serving = Serving(Limits(max_lanes), layout, kv_slots, preemption=preemption)
    try:
        one_by_one = simulate(arrivals, serving, cost=LinearCost(), record=lambda event: None)
    except KvError:
        return
    at_once = simulate(arrivals, serving, cost=LinearCost())
    assert (at_once.requests, at_once.busy_ns) == (one_by_one.requests, one_by_one.busy_ns)
    assert at_once.peak_slots == one_by_one.peak_slots


@given(st.lists(st.tuples(st.integers(0, 9_000), outlines()), min_size=1, max_size=4))
@settings(max_examples=25, deadline=None)
def test_same_arrivals_give_the_same_trace(work):
    def run():
        arrivals = [
            Arrival(at_ns, Request(str(index), 5), script_of_outline(outline))
            for index, (at_ns, outline) in enumerate(work)
        ]
        stream, events = io.StringIO(), []
        simulate(arrivals, Serving(Limits(max_lanes=3)), cost=LinearCost(), record=events.append)
        write_trace(events, stream)
        return stream.getvalue()

    assert run() == run()


@pytest.mark.parametrize(("name", "makespan_steps"), [("least-loaded", 2), ("round-robin", 2)])
def test_replicas_share_the_load(name, makespan_steps):
    arrivals = one_lane_each([0, 0, 0, 0])
    found = simulate(
        arrivals,
        Serving(Limits(max_requests=1)),
        cost=ConstantCost(STEP_NS),
        num_replicas=2,
        router=router(name),
    )
    assert found.makespan_ns == makespan_steps * STEP_NS
    assert found.busy_ns == (2 * STEP_NS, 2 * STEP_NS)


def test_unknown_routers_are_refused_and_traces_are_of_one_replica():
    with pytest.raises(RouterError, match="no router 'random': choose from least-loaded, prefix-aware, round-robin"):
        router("random")
    with pytest.raises(ValueError, match="a trace is that of one replica"):
        simulate([], Serving(), cost=ConstantCost(1), num_replicas=2, record=print)


def test_what_follows_a_completion_arrives_at_once():
    first = Arrival(0, Request("first", 1), Script.sequential(3))
    second = Arrival(0, Request("second", 1), Script.sequential(1))
    found = simulate(
        [first],
        Serving(),
        cost=ConstantCost(STEP_NS),
        follow=lambda name: [second] if name == "first" else [],
    )
    assert [(r.name, r.arrival_ns, r.completion_ns) for r in found.requests] == [
        ("first", 0, 3 * STEP_NS),
        ("second", 3 * STEP_NS, 4 * STEP_NS),
    ]


def test_a_swapped_request_comes_back_as_it_was_and_pays_for_both_ways():
    arrivals = [Arrival(0, Request(name, 10), Script.sequential(20)) for name in ("a", "b")]
    recompute, swap = (
        simulate(arrivals, Serving(kv_slots=40, preemption=preemption), cost=LinearCost()) for preemption in Preemption
    )
    assert [request.num_preemptions for request in swap.requests] == [0, 1]
    assert [request.decoded_tokens for request in swap.requests] == [20, 20]
    prefill_again, moves, step = 10 * 21, 7 * 2 * 20, 10 + 20
    assert recompute.makespan_ns - swap.makespan_ns == prefill_again - moves - step
