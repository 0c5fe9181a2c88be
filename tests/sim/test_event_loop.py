import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulator.event_loop import EventLoop, Priority


@given(st.lists(st.tuples(st.integers(0, 5), st.sampled_from(Priority)), max_size=30))
def test_events_run_by_time_then_priority_then_order_of_scheduling(keys):
    loop, ran = EventLoop(), []
    for index, (at_ns, priority) in enumerate(keys):
        loop.schedule(at_ns, priority, lambda key=(at_ns, priority, index): ran.append(key))
    loop.run()
    assert ran == sorted(ran)
    assert len(ran) == len(keys)


def test_the_past_cannot_be_scheduled():
    loop = EventLoop()
    loop.schedule(5, Priority.ARRIVAL, lambda: loop.schedule(4, Priority.ARRIVAL, lambda: None))
    with pytest.raises(ValueError, match="cannot schedule at 4 ns: it is 5 ns already"):
        loop.run()
