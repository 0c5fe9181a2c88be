"""A clock for tests of times: it goes on when it is looked at, and as far as it is told."""

import time

__all__ = ["TICK_NS", "TickingClock"]

TICK_NS = 1000


class TickingClock:
    """Stands in for `time.perf_counter_ns`. State: the time."""

    def __init__(self, monkeypatch):
        self.now_ns = 0
        monkeypatch.setattr(time, "perf_counter_ns", self._look)

    def pass_ns(self, duration_ns):
        self.now_ns += duration_ns

    def _look(self):
        self.pass_ns(TICK_NS)
        return self.now_ns
