"""Forced mode: what each thread of a request will decode, lane by lane. Knows token counts only, no text and no time.

A script stands in for a model: simulator and engine read the same one, so their steps are equal by construction.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import NamedTuple

from pasta_toolkit.runtime.step import Event, Finished, Lane, Progress, Promised, Synced

__all__ = ["Run", "Script", "ScriptReader", "ThreadScript"]


class Run(NamedTuple):
    """Lanes in a row that make the same progress; the events befall with the last of them."""

    num_lanes: int
    tokens_per_lane: int = 1
    events: tuple[Event, ...] = ()


@dataclass(frozen=True, slots=True)
class ThreadScript:
    """The runs of one thread; the last one ends it."""

    runs: tuple[Run, ...]

    def __post_init__(self) -> None:
        """Refuse a script that does not end, or ends twice."""
        ends = [
            index for index, run in enumerate(self.runs) if any(isinstance(event, Finished) for event in run.events)
        ]
        if ends != [len(self.runs) - 1]:
            raise ValueError("a thread's script ends with its last run, and only there")
        if any(run.num_lanes < 1 or run.tokens_per_lane < 0 for run in self.runs):
            raise ValueError("a run has at least one lane and no negative number of tokens")

    @property
    def num_lanes(self) -> int:
        """Lanes that decode."""
        return sum(run.num_lanes for run in self.runs)

    @property
    def decoded_tokens(self) -> int:
        """Tokens that those lanes make known."""
        return sum(run.num_lanes * run.tokens_per_lane for run in self.runs)


@dataclass(frozen=True, slots=True)
class Script:
    """The scripts of one request's threads: the main thread's first, then the branches' in order of their promises."""

    threads: tuple[ThreadScript, ...]

    @classmethod
    def sequential(cls, num_tokens: int) -> "Script":
        """Return the script of one thread that decodes so many tokens without tags."""
        return cls((ThreadScript((Run(max(num_tokens, 1), 1 if num_tokens else 0, (Finished(),)),)),))

    @property
    def critical_path(self) -> int:
        """The steps of a decode alone with a lane for every thread, if every branch's last lane decodes something.

        A branch is fed its last token too; a sync's first token is decoded before the wait and fed behind it.
        """
        main, *branches = self.threads
        promised = iter(branches)
        steps, latest = 0, 0
        for run in main.runs:
            steps += run.num_lanes
            for event in run.events:
                match event:
                    case Promised():
                        latest = max(latest, steps + next(promised).num_lanes + 1)
                    case Synced():
                        steps = max(steps, latest + 1)
        return max(steps, latest)


class ScriptReader:
    """Plays scripts: says for each lane what it decodes. State: how far each thread has come."""

    def __init__(self) -> None:
        self._scripts: dict[str, Script] = {}
        self._places: dict[tuple[str, int], tuple[int, int]] = {}

    def add(self, request: str, script: Script) -> None:
        """Register the script of a request."""
        self._scripts[request] = script

    def remove(self, request: str) -> None:
        """Forget a request that is complete."""
        for thread in range(len(self._scripts.pop(request).threads)):
            self._places.pop((request, thread), None)

    def progress(self, lanes: Iterable[Lane]) -> tuple[Progress | None, ...]:
        """Return what each lane decodes, and go on."""
        return tuple(self._next(lane.request, lane.thread) if lane.decodes else None for lane in lanes)

    def num_plain(self, lanes: Iterable[Lane]) -> int:
        """Return how many times each of the lanes will decode one token, and nothing else, before any event."""
        return min(self._plain_lanes(lane.request, lane.thread) for lane in lanes)

    def skip(self, lanes: Iterable[Lane], num_steps: int) -> None:
        """Go on by so many steps without events."""
        for lane in lanes:
            run_index, lanes_done = self._places.get((lane.request, lane.thread), (0, 0))
            self._places[lane.request, lane.thread] = (run_index, lanes_done + num_steps)

    def _plain_lanes(self, request: str, thread: int) -> int:
        run_index, lanes_done = self._places.get((request, thread), (0, 0))
        run = self._scripts[request].threads[thread].runs[run_index]
        return run.num_lanes - lanes_done - 1 if run.tokens_per_lane == 1 else 0

    def _next(self, request: str, thread: int) -> Progress:
        key = (request, thread)
        run_index, lanes_done = self._places.get(key, (0, 0))
        run = self._scripts[request].threads[thread].runs[run_index]
        lanes_done += 1
        if lanes_done < run.num_lanes:
            self._places[key] = (run_index, lanes_done)
            return _plain(run.tokens_per_lane)
        self._places[key] = (run_index + 1, 0)
        return Progress(run.tokens_per_lane, run.tokens_per_lane, run.events)


def _plain(num_tokens: int) -> Progress:
    return ONE_TOKEN if num_tokens == 1 else Progress(num_tokens, num_tokens)


ONE_TOKEN = Progress(1, 1)
