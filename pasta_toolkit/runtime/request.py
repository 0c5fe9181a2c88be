"""What arrives at a scheduler, and the limits it works under. Frozen values, checked when they are made."""

from dataclasses import dataclass
from enum import StrEnum

from grammar import PastaError

__all__ = ["UNLIMITED", "Limits", "LimitsError", "Preemption", "Request"]

UNLIMITED = 1 << 60


class LimitsError(PastaError):
    """Report limits or requests that nothing could run under."""


class Preemption(StrEnum):
    """What becomes of the cache of a request that must go: it is fed again later, or moved to the host and back."""

    RECOMPUTE = "recompute"
    SWAP = "swap"


@dataclass(frozen=True, slots=True)
class Request:
    """A prompt to answer.

    The first `cached_tokens` of the prompt are in the cache already (prefix cache); at least the last token is always
    fed, since the first token of the answer follows from it. `expected_tokens` is an estimate of all tokens to decode,
    for orderings that want one.
    """

    name: str
    prompt_tokens: int
    cached_tokens: int = 0
    expected_tokens: int = 0

    def __post_init__(self) -> None:
        """Refuse an empty prompt and a cache that holds more than the prompt."""
        if self.prompt_tokens < 1:
            raise LimitsError(f"request {self.name!r} has {self.prompt_tokens} prompt tokens; it needs at least 1")
        if not 0 <= self.cached_tokens < self.prompt_tokens:
            raise LimitsError(
                f"request {self.name!r}: {self.cached_tokens} cached tokens of {self.prompt_tokens}; "
                "at least the last prompt token must be fed"
            )


@dataclass(frozen=True, slots=True)
class Limits:
    """How much may run in one step and at once.

    `max_threads` caps the lanes of one request; above `serialise_above` running requests the cap is 1.
    """

    max_lanes: int = UNLIMITED
    max_batched_tokens: int = UNLIMITED
    max_requests: int = UNLIMITED
    max_threads: int = UNLIMITED
    serialise_above: int = UNLIMITED

    def __post_init__(self) -> None:
        """Refuse limits under which nothing can run."""
        for name in ("max_lanes", "max_batched_tokens", "max_requests", "max_threads"):
            if getattr(self, name) < 1:
                raise LimitsError(f"{name} must be at least 1, found {getattr(self, name)}")
        if self.serialise_above < 0:
            raise LimitsError(f"serialise_above must not be negative, found {self.serialise_above}")
