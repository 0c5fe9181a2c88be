"""The runtime: steps, threads, the online scheduler, the session and its trace. Below simulator and engine alike."""

from pasta_toolkit.runtime.changes import Change, EventKind
from pasta_toolkit.runtime.forced import TagTokens, script_of_chunks
from pasta_toolkit.runtime.kv import (
    KV_LAYOUTS,
    Copied,
    Interleaved,
    KvBudget,
    KvError,
    KvLayout,
    Paged,
    kv_layout,
)
from pasta_toolkit.runtime.ordering import ORDERINGS, Ordering, first_come, ordering
from pasta_toolkit.runtime.positions import (
    POSITION_POLICIES,
    Fixed,
    Oracle,
    PositionError,
    PositionPolicy,
    Predicted,
    Shared,
    position_policy,
)
from pasta_toolkit.runtime.request import UNLIMITED, Limits, LimitsError, Preemption, Request
from pasta_toolkit.runtime.scheduler import Scheduler
from pasta_toolkit.runtime.script import Run, Script, ScriptReader, ThreadScript
from pasta_toolkit.runtime.script_data import read_script, script_data
from pasta_toolkit.runtime.session import Session
from pasta_toolkit.runtime.step import (
    Event,
    Executor,
    Finished,
    Lane,
    Progress,
    Promised,
    Step,
    StepOutcome,
    Synced,
)
from pasta_toolkit.runtime.thread import DecodeThread, ThreadState
from pasta_toolkit.runtime.threads import RequestThreads
from pasta_toolkit.runtime.trace import TRACE_SCHEMA, TraceError, TraceEvent, read_trace, write_trace

__all__ = [
    "KV_LAYOUTS",
    "ORDERINGS",
    "POSITION_POLICIES",
    "TRACE_SCHEMA",
    "UNLIMITED",
    "Change",
    "Copied",
    "DecodeThread",
    "Event",
    "EventKind",
    "Executor",
    "Finished",
    "Fixed",
    "Interleaved",
    "KvBudget",
    "KvError",
    "KvLayout",
    "Lane",
    "Limits",
    "LimitsError",
    "Oracle",
    "Ordering",
    "Paged",
    "PositionError",
    "PositionPolicy",
    "Predicted",
    "Preemption",
    "Progress",
    "Promised",
    "Request",
    "RequestThreads",
    "Run",
    "Scheduler",
    "Script",
    "ScriptReader",
    "Session",
    "Shared",
    "Step",
    "StepOutcome",
    "Synced",
    "TagTokens",
    "ThreadScript",
    "ThreadState",
    "TraceError",
    "TraceEvent",
    "first_come",
    "kv_layout",
    "ordering",
    "position_policy",
    "read_script",
    "read_trace",
    "script_data",
    "script_of_chunks",
    "write_trace",
]
