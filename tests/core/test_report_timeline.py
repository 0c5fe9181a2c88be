from itertools import pairwise

import pytest
from hypothesis import given, settings

from pasta_toolkit.report.timeline import SpanKind, TimelineError, timeline_of
from pasta_toolkit.runtime import EventKind, Limits, Request, Scheduler
from tests.support.sim_driver import STEP_NS, drive
from tests.support.sim_outlines import (
    Outline,
    OutlineBranch,
    OutlineGroup,
    critical_path_tokens,
    outlines,
    script_of_outline,
)

LOPSIDED = Outline((OutlineGroup((OutlineBranch(3, 5, 40), OutlineBranch(2, 5, 4)), 6, 2),), 10)


def timeline(outline, *, prompt=7, limits=None):
    events = drive(Scheduler(limits or Limits()), [(STEP_NS, Request("a", prompt), script_of_outline(outline))])
    return timeline_of(events, "a")


@given(outlines())
@settings(max_examples=80, deadline=None)
def test_the_critical_path_in_time_has_no_gap(outline):
    found = timeline(outline)
    path = found.critical_path
    assert (path[0].start_ns, path[-1].end_ns) == (found.arrival_ns, found.completion_ns)
    assert all(first.end_ns == second.start_ns for first, second in pairwise(path))
    steps = sum(part.end_ns - part.start_ns for part in path) // STEP_NS
    assert steps == max(1, critical_path_tokens(outline))


@given(outlines())
@settings(max_examples=50, deadline=None)
def test_spans_of_one_thread_do_not_overlap(outline):
    found = timeline(outline, limits=Limits(max_lanes=2))
    for first, second in pairwise(found.spans):
        assert first.thread != second.thread or first.end_ns <= second.start_ns


@given(outlines())
@settings(max_examples=50, deadline=None)
def test_a_moment_between_two_steps_does_not_cut_a_span(outline):
    """A real clock goes on between the end of a step and the beginning of the next."""
    events = drive(Scheduler(Limits(max_lanes=2)), [(STEP_NS, Request("a", 7), script_of_outline(outline))])
    num_begun, late = 0, []
    for event in events:
        num_begun += event.kind is EventKind.STEP_BEGIN
        late.append(event._replace(at_ns=event.at_ns + num_begun))
    ran = [
        [(span.thread, span.kind, span.tokens) for span in timeline_of(trace, "a").spans if span.tokens]
        for trace in (events, late)
    ]
    assert ran[0] == ran[1]


def test_the_longest_branch_is_on_the_critical_path():
    assert [part.thread for part in timeline(LOPSIDED).critical_path] == [0, 1, 0]


def test_forks_and_joins_are_arrows_and_the_sync_is_a_wait():
    found = timeline(LOPSIDED)
    assert [(flow.kind, flow.from_thread, flow.to_thread) for flow in found.flows] == [
        ("fork", 0, 1),
        ("fork", 0, 2),
        ("join", 2, 0),
        ("join", 1, 0),
    ]
    assert [span.kind for span in found.spans if span.thread == 0] == [
        SpanKind.PREFILL,
        SpanKind.DECODE,
        SpanKind.WAIT,
        SpanKind.DECODE,
    ]
    assert found.num_threads == 3


def test_a_request_that_is_not_there_is_refused():
    with pytest.raises(TimelineError, match="request 'b' does not arrive and complete in this trace"):
        timeline_of([], "b")
