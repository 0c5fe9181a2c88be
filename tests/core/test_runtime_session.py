import io

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pasta_toolkit.runtime import (
    EventKind,
    Fixed,
    Oracle,
    Predicted,
    Progress,
    Promised,
    Request,
    Run,
    Scheduler,
    Script,
    ScriptReader,
    Session,
    Shared,
    StepOutcome,
    Synced,
    ThreadScript,
    TraceError,
    TraceEvent,
    read_trace,
    write_trace,
)
from pasta_toolkit.runtime.step import Finished
from tests.support.sim_driver import drive, lanes_of
from tests.support.sim_outlines import Outline, OutlineBranch, OutlineGroup, outlines, script_of_outline


def written(events):
    stream = io.StringIO()
    write_trace(events, stream, about={"seed": 1})
    return stream.getvalue()


@given(outlines())
@settings(max_examples=20, deadline=None)
def test_a_trace_reads_back_as_it_was_written(outline):
    events = drive(Scheduler(), [(0, Request("a", 3), script_of_outline(outline))])
    about, read = read_trace(io.StringIO(written(events)))
    assert about == {"seed": 1}
    assert read == events


@given(outlines(), st.integers(1, 9))
@settings(max_examples=20, deadline=None)
def test_same_inputs_give_the_same_bytes(outline, prompt):
    """Invariant R7."""
    first, second = (
        written(drive(Scheduler(), [(0, Request("a", prompt), script_of_outline(outline))])) for _ in range(2)
    )
    assert first == second


@given(outlines())
@settings(max_examples=20, deadline=None)
def test_the_clock_of_a_trace_never_goes_back(outline):
    """Invariant R2."""
    events = drive(Scheduler(), [(5, Request("a", 3), script_of_outline(outline))])
    assert [event.at_ns for event in events] == sorted(event.at_ns for event in events)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "line 1 of the trace is no JSON"),
        ('{"schema":"pasta.trace/9"}\n', "line 1: found schema 'pasta.trace/9', this version reads 'pasta.trace/1'"),
        ('{"schema":"pasta.trace/1"}\n[1]\n', "line 2 of the trace is no JSON object"),
        ('{"schema":"pasta.trace/1"}\n{"at_ns":1,"kind":"nap"}\n', "line 2 of the trace is no event"),
        ('{"schema":"pasta.trace/1"}\n{"kind":"join"}\n', "line 2 of the trace is no event"),
    ],
)
def test_a_broken_trace_is_refused_in_one_sentence(text, message):
    with pytest.raises(TraceError, match=message):
        read_trace(io.StringIO(text))


def test_the_clock_cannot_go_back():
    session = Session(Scheduler())
    session.arrive(Request("a", 1), at_ns=10)
    with pytest.raises(ValueError, match="the clock went back from 10 to 9 ns"):
        session.begin(at_ns=9)


def test_a_step_ends_before_the_next_begins_and_only_once():
    session, reader = Session(Scheduler()), ScriptReader()
    reader.add("a", Script.sequential(3))
    session.arrive(Request("a", 1), at_ns=0)
    step, _ = session.begin(at_ns=0)
    with pytest.raises(ValueError, match="step 0 has not ended"):
        session.begin(at_ns=0)
    session.end(StepOutcome(1, reader.progress(step.lanes)), at_ns=1)
    with pytest.raises(ValueError, match="no step is under way"):
        session.end(StepOutcome(1, ()), at_ns=1)


def test_a_request_arrives_once():
    session = Session(Scheduler())
    session.arrive(Request("a", 1), at_ns=0)
    with pytest.raises(ValueError, match="a request named 'a' is here already"):
        session.arrive(Request("a", 1), at_ns=0)


@pytest.mark.parametrize("event", [Synced(), Promised(10)])
def test_a_branch_can_neither_promise_nor_sync(event):
    outline = Outline((OutlineGroup((OutlineBranch(0, 1, 5),), 0, 1),), 1)
    script = script_of_outline(outline)
    broken = Script((script.threads[0], ThreadScript((Run(1, 1, (event,)), Run(3, 1, (Finished(),))))))
    with pytest.raises(ValueError, match="thread 1 of 'a' cannot"):
        drive(Scheduler(), [(0, Request("a", 1), broken)])


def test_progress_must_fit_the_lanes():
    session = Session(Scheduler())
    session.arrive(Request("a", 1), at_ns=0)
    session.begin(at_ns=0)
    with pytest.raises(ValueError, match="no progress for a lane that decodes"):
        session.end(StepOutcome(1, (None,)), at_ns=1)


def first_positions(positions):
    """Prompt of 10 tokens; 5 main tokens end in a promise of 10; a branch of 2 + 21 tokens; sync; 3 tokens."""
    outline = Outline((OutlineGroup((OutlineBranch(2, 3, 23),), 4, 1),), 3)
    events = drive(Scheduler(positions=positions), [(0, Request("a", 10), script_of_outline(outline))])
    lanes = lanes_of(events)
    return (
        [lane.first_position for lane in lanes if lane.thread == 0],
        [lane.first_position for lane in lanes if lane.thread == 1],
    )


@pytest.mark.parametrize(("policy", "reserved"), [(Predicted(), 12), (Fixed(7), 9), (Oracle(), 23)])
def test_the_main_thread_goes_on_after_the_reservation(policy, reserved):
    main, branch = first_positions(policy)
    assert main[:6] == [0, *range(10, 15)]
    assert main[6:] == list(range(15 + reserved, 15 + reserved + len(main) - 6))
    assert branch == list(range(15, 15 + 23))


def test_shared_positions_go_on_from_the_largest_after_the_sync():
    main, branch = first_positions(Shared())
    assert main[:10] == [0, *range(10, 19)]
    assert branch == list(range(15, 38))
    assert main[10:] == [38, 39, 40]


def test_forced_tokens_are_fed_in_one_lane():
    """A promise tag of 5 tokens whose last 4 are forced, `<async>` of 3, `</async>` of 4 and a sync of 2."""
    main = ThreadScript(
        (Run(2), Run(1, 5, (Promised(10, forced_tokens=3),)), Run(1, 2, (Synced(),)), Run(1, 1, (Finished(),)))
    )
    branch = ThreadScript((Run(6), Run(1, 4, (Finished(),))))
    events = drive(Scheduler(), [(0, Request("a", 8), Script((main, branch)))])
    lanes = lanes_of(events)
    assert [lane.num_tokens for lane in lanes if lane.thread == 0] == [8, 1, 1, 5, 2]
    assert [lane.num_tokens for lane in lanes if lane.thread == 1] == [3, 1, 1, 1, 1, 1, 1, 4]
    completion = next(event for event in events if event.kind is EventKind.COMPLETION)
    assert completion.value == (2 + 5 + 2 + 1) + (3 + 6 + 4)


def test_progress_says_what_a_lane_decoded():
    reader = ScriptReader()
    reader.add("a", Script.sequential(2))
    session = Session(Scheduler())
    session.arrive(Request("a", 5), at_ns=0)
    step, _ = session.begin(at_ns=0)
    assert reader.progress(step.lanes) == (Progress(1, 1),)
    assert reader.progress(step.lanes) == (Progress(1, 1, (Finished(),)),)


def test_every_event_kind_of_a_forking_request_is_recorded_in_order():
    outline = Outline((OutlineGroup((OutlineBranch(0, 2, 4),), 0, 1),), 1)
    events: list[TraceEvent] = drive(Scheduler(), [(0, Request("a", 3), script_of_outline(outline))])
    kinds = [event.kind for event in events if event.kind not in (EventKind.STEP_BEGIN, EventKind.STEP_END)]
    assert kinds == [
        EventKind.ARRIVAL,
        EventKind.ADMISSION,
        EventKind.FIRST_TOKEN,
        EventKind.PROMISE,
        EventKind.FORK,
        EventKind.SYNC,
        EventKind.FINISH,
        EventKind.JOIN,
        EventKind.FINISH,
        EventKind.COMPLETION,
    ]
