"""Drives a session at a constant step cost and checks the invariants of docs/invariants.md after each transition."""

from collections.abc import Sequence

from pasta_toolkit.runtime import (
    EventKind,
    Lane,
    Request,
    Scheduler,
    Script,
    ScriptReader,
    Session,
    StepOutcome,
    ThreadState,
    TraceEvent,
)

STEP_NS = 1_000


def drive(
    scheduler: Scheduler, arrivals: Sequence[tuple[int, Request, Script]], *, limit: int = 200_000
) -> list[TraceEvent]:
    """Run all requests to their ends; `arrivals` are sorted by time."""
    events: list[TraceEvent] = []
    session, reader = Session(scheduler, events.append), ScriptReader()
    left, now = list(arrivals), 0
    for _ in range(limit):
        while left and left[0][0] <= now:
            at_ns, request, script = left.pop(0)
            reader.add(request.name, script)
            session.arrive(request, at_ns=max(at_ns, session.now_ns))
        step, _ = session.begin(at_ns=now)
        if step is None:
            if not left:
                assert scheduler.is_idle
                return events
            now = left[0][0]
            continue
        check_step(scheduler, step.lanes)
        now += STEP_NS
        session.end(StepOutcome(STEP_NS, reader.progress(step.lanes)), at_ns=now)
        check_budget(scheduler)
    raise AssertionError("the session does not end")


def check_step(scheduler: Scheduler, lanes: Sequence[Lane]) -> None:
    limits = scheduler.limits
    assert len(lanes) <= limits.max_lanes
    assert sum(lane.num_tokens for lane in lanes) <= limits.max_batched_tokens
    assert len({(lane.request, lane.thread) for lane in lanes}) == len(lanes)
    for lane in lanes:
        thread = scheduler.known[lane.request].thread(lane.thread)
        assert thread.state in (ThreadState.READY, ThreadState.WAITING_FOR_PREFILL)
        assert 0 < lane.num_tokens <= thread.pending_tokens
    check_budget(scheduler)


def check_budget(scheduler: Scheduler) -> None:
    budget = scheduler.budget
    held = sum(threads.held_slots for threads in scheduler.running)
    assert budget.allocated_slots == held
    assert all(threads.held_slots == 0 for threads in scheduler.waiting)
    if budget.total_slots is not None:
        assert budget.free_slots is not None
        assert budget.allocated_slots + budget.free_slots == budget.total_slots
        assert budget.free_slots >= 0
        if budget.remembers:
            assert sum(slots for _, slots in budget.freed) == budget.free_slots


def times(events: Sequence[TraceEvent], kind: EventKind) -> dict[str, int]:
    return {event.request: event.at_ns for event in events if event.kind is kind and event.request is not None}


def lanes_of(events: Sequence[TraceEvent]) -> list[Lane]:
    return [lane for event in events for lane in event.lanes or ()]


def num_steps(events: Sequence[TraceEvent]) -> int:
    return sum(event.kind is EventKind.STEP_BEGIN for event in events)
