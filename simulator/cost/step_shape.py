"""What a cost model sees of a step: how many tokens attend to how much. Knows no threads, no slots and no time."""

from dataclasses import dataclass

from simulator.cost.errors import CostError

__all__ = ["PrefillShape", "StepShape"]


@dataclass(frozen=True, slots=True)
class PrefillShape:
    """A chunk of a prompt: `chunk_tokens` new tokens behind `context_tokens` that are in the KV cache already."""

    chunk_tokens: int
    context_tokens: int = 0

    def __post_init__(self) -> None:
        """Refuse an empty chunk and a negative context."""
        if self.chunk_tokens < 1 or self.context_tokens < 0:
            raise CostError(
                f"a prefill of {self.chunk_tokens} tokens behind {self.context_tokens}:"
                " a chunk has at least 1 token, a context at least 0"
            )


@dataclass(frozen=True, slots=True)
class StepShape:
    """A whole step: the tokens that each decode lane attends to, itself among them, and the chunks of prompts."""

    decode_contexts: tuple[int, ...] = ()
    prefills: tuple[PrefillShape, ...] = ()

    def __post_init__(self) -> None:
        """Refuse a step without tokens and a lane that does not even see itself."""
        if not self.decode_contexts and not self.prefills:
            raise CostError("a step has no lanes and no prefills; it needs at least one token")
        if self.decode_contexts and min(self.decode_contexts) < 1:
            raise CostError(f"a decode lane attends to {min(self.decode_contexts)} tokens; it sees at least itself")

    @property
    def num_lanes(self) -> int:
        """Return the number of decode lanes."""
        return len(self.decode_contexts)

    @property
    def num_tokens(self) -> int:
        """Return the tokens that pass through the layers."""
        return len(self.decode_contexts) + sum(prefill.chunk_tokens for prefill in self.prefills)

    @property
    def num_outputs(self) -> int:
        """Return the tokens that pass through the output head: one of each lane and of each prompt."""
        return len(self.decode_contexts) + len(self.prefills)
