"""Scripts as plain data for JSON, and back: what a trace's header carries so that others can replay its requests.

A run is `[lanes, tokens a lane]`, with its events behind it where it has some; an event is `["sync"]`, `["finish"]` or
`["promise", promised, forced, tag, branch tokens]`. Law: `read_script(script_data(script)) == script`.
"""

from collections.abc import Sequence
from typing import Any

from pasta_toolkit.runtime.script import Run, Script, ThreadScript
from pasta_toolkit.runtime.step import Event, Finished, Promised, Synced
from pasta_toolkit.runtime.trace import TraceError

__all__ = ["read_script", "script_data"]


def script_data(script: Script) -> list[list[list[Any]]]:
    """Return the runs of each thread, the main thread's first."""
    return [[_run_data(run) for run in thread.runs] for thread in script.threads]


def read_script(data: Any) -> Script:
    """Undo `script_data`.

    Raises:
        TraceError: the data is no script.
    """
    try:
        return Script(tuple(ThreadScript(tuple(_run(*run) for run in runs)) for runs in data))
    except (IndexError, TypeError, ValueError) as error:
        raise TraceError(f"the script of a request cannot be read: {error}") from error


def _run_data(run: Run) -> list[Any]:
    data: list[Any] = [run.num_lanes, run.tokens_per_lane]
    return [*data, [_event_data(event) for event in run.events]] if run.events else data


def _event_data(event: Event) -> list[Any]:
    if isinstance(event, Promised):
        return ["promise", event.promised_tokens, event.forced_tokens, event.tag_tokens, event.branch_tokens]
    return ["sync"] if isinstance(event, Synced) else ["finish"]


def _run(num_lanes: int, tokens_per_lane: int, events: Sequence[Any] = ()) -> Run:
    return Run(num_lanes, tokens_per_lane, tuple(_event(*event) for event in events))


def _event(kind: str, *numbers: Any) -> Event:
    if kind == "promise":
        return Promised(*numbers)
    known: dict[str, Event] = {"sync": Synced(), "finish": Finished()}
    if kind not in known:
        raise ValueError(f"no event is called {kind!r}")
    return known[kind]
