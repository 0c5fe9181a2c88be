"""What a stream of a decode says as it happens. Values only."""

from dataclasses import dataclass
from typing import TypeAlias

from pasta_toolkit.runtime import ThreadState
from reference_engine.recording import Recording

__all__ = ["RequestEnded", "StreamEvent", "TextReady", "ThreadProgress"]


@dataclass(frozen=True, slots=True)
class TextReady:
    """Text of the answer, without tags, in reading order; it is final and follows what came before."""

    request: str
    text: str


@dataclass(frozen=True, slots=True)
class ThreadProgress:
    """How far one thread has come: `decoded_tokens` of about `promised_tokens`, forced ones included.

    `topic` and `promised_tokens` are those of a branch's promise; the main thread has none.
    """

    request: str
    thread: int
    decoded_tokens: int
    state: ThreadState
    topic: str | None = None
    promised_tokens: int | None = None


@dataclass(frozen=True, slots=True)
class RequestEnded:
    """A request came to its end, or failed; it has no events behind this one."""

    request: str
    recording: Recording


StreamEvent: TypeAlias = TextReady | ThreadProgress | RequestEnded
