"""What can be asked of a free decode: how tokens are chosen, how many there may be, what the mask demands. Values."""

from dataclasses import dataclass, field

from pasta_toolkit.mask import Limits
from reference_engine.errors import EngineError
from reference_engine.sampler import Sampling

__all__ = ["FreeOptions"]

MOST_TOKENS = 512


@dataclass(frozen=True, slots=True)
class FreeOptions:
    """Options of one request.

    The main thread takes at most `max_tokens`, a branch at most `max_branch_tokens`, and with a `branch_margin` no more
    than its promise names and so many on top; under the mask all of them are complete by then. `limits` are further
    demands on the main thread. With `is_masked` off the model's text is taken as it comes, ill-formed or not.
    """

    sampling: Sampling = field(default_factory=Sampling)
    max_tokens: int = MOST_TOKENS
    max_branch_tokens: int = MOST_TOKENS
    branch_margin: int | None = None
    limits: Limits = field(default_factory=Limits)
    is_masked: bool = True

    def __post_init__(self) -> None:
        """Refuse what nothing could run under."""
        for name in ("max_tokens", "max_branch_tokens"):
            if getattr(self, name) < 1:
                raise EngineError(f"{name} must be at least 1, found {getattr(self, name)}")
        if self.branch_margin is not None and self.branch_margin < 0:
            raise EngineError(f"branch_margin must not be negative, found {self.branch_margin}")
        if self.limits.max_tokens is not None:
            raise EngineError("give max_tokens as an option of the decode, not among the mask's limits")
        if not self.is_masked and self.limits != Limits():
            raise EngineError("limits on promises and topics need the mask; without it only numbers of tokens are kept")

    def branch_tokens(self, promised_tokens: int) -> int:
        """Return how many tokens a branch may take, `</async>` included."""
        if self.branch_margin is None:
            return self.max_branch_tokens
        return min(self.max_branch_tokens, promised_tokens + self.branch_margin)
