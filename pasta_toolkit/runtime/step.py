"""What the scheduler and an executor say to each other. Values only; knows no clock, no text and no tensors.

The rules of a step, which simulator and engine share:

- A lane feeds tokens that its thread knows already and, if `decodes`, decodes what follows them.
- What a lane feeds is visible to *other* threads from the next step on. So a branch starts once the last token of its
  promise tag is in the cache, and a sync is fed once every token of its branches is.
- A token that nobody will see (the last of an answer) is never fed.
"""

from dataclasses import dataclass
from typing import NamedTuple, Protocol, TypeAlias

__all__ = ["Event", "Executor", "Finished", "Lane", "Progress", "Promised", "Step", "StepOutcome", "Synced"]


class Lane(NamedTuple):
    """One thread's share of one step.

    `num_tokens` are fed: 1 when decoding, more in a prefill chunk or after forced tokens. They attend to
    `context_tokens` tokens of the cache and, causally, to each other. `copied_tokens` are copied within the cache
    before the lane runs (layout `copied`, at a fork). A refill feeds tokens again that a preemption threw out of the
    cache; they take the positions that they had, and `first_position` is that of the first token behind them.
    """

    request: str
    thread: int
    num_tokens: int
    first_position: int
    context_tokens: int
    decodes: bool
    copied_tokens: int = 0
    is_refill: bool = False


class Step(NamedTuple):
    """Lanes that run together; steps are numbered from 0.

    `swapped_tokens` move between the cache and the host's memory before the lanes run, in either direction.
    """

    sequence: int
    lanes: tuple[Lane, ...]
    swapped_tokens: int = 0


@dataclass(frozen=True, slots=True)
class Promised:
    """A promise tag was closed.

    `forced_tokens` start the branch: they are known and need no decoding. `tag_tokens` are those of `<async>` and
    `</async>`; `branch_tokens` those of the content, known in forced mode only.
    """

    promised_tokens: int
    forced_tokens: int = 1
    tag_tokens: int = 0
    branch_tokens: int | None = None


@dataclass(frozen=True, slots=True)
class Synced:
    """A sync tag was begun: the thread waits for all outstanding branches before it feeds that tag."""


@dataclass(frozen=True, slots=True)
class Finished:
    """The thread has decoded its last token."""


Event: TypeAlias = Promised | Synced | Finished


class Progress(NamedTuple):
    """What a lane decoded: so many tokens became known, `pending_tokens` of them are not in the cache yet.

    Both are 1 in plain decoding, and more where forced tokens follow the decoded one. Events stand in order.
    """

    decoded_tokens: int
    pending_tokens: int
    events: tuple[Event, ...] = ()


@dataclass(frozen=True, slots=True)
class StepOutcome:
    """How long a step took, and the progress of each lane; None for a lane that decodes nothing."""

    duration_ns: int
    progress: tuple[Progress | None, ...]


class Executor(Protocol):
    """The only seam between scheduler and execution: a cost model on a virtual clock, or a model on a real one."""

    def execute(self, step: Step) -> StepOutcome:
        """Run a step."""
