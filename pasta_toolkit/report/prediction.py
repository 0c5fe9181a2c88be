"""What was predicted for one answer: times, speed-ups, and where the ideal one went. Values; no formula of cost."""

from dataclasses import dataclass

__all__ = ["LOSS_TERMS", "LossAccount", "Prediction"]

NANOSECONDS_PER_SECOND = 1e9

# In the order of the account; what each means is written in docs/simulator.md.
LOSS_TERMS = (
    "sync_idling",
    "imbalance",
    "tag_overhead",
    "prefill",
    "jump_forward",
    "serialisation",
    "context_lengths",
    "batch_inflation",
    "unequal_contexts",
    "fork_overhead",
    "queueing",
    "interference",
)


@dataclass(frozen=True, slots=True)
class LossAccount:
    """Why a latency is not the perfect one: a chain of ever more real latencies, of which a term is one link.

    Laws: `levels_ns` has one entry more than there are terms; the first level plus all terms is the last level; the
    product of the terms' factors is sequential latency / last level over sequential latency / first level.
    """

    levels_ns: tuple[int, ...]

    def __post_init__(self) -> None:
        """Refuse a chain of another length."""
        if len(self.levels_ns) != len(LOSS_TERMS) + 1:
            raise ValueError(f"an account has {len(LOSS_TERMS) + 1} levels, found {len(self.levels_ns)}")

    def under_load(self, *, queueing_ns: int, latency_ns: int) -> "LossAccount":
        """Return the account of the same request among others: it queued so long, and took so long in all."""
        alone_ns = self.levels_ns[-3]
        return LossAccount((*self.levels_ns[:-2], alone_ns + queueing_ns, latency_ns))

    @property
    def perfect_ns(self) -> int:
        """The latency with free tags, perfectly balanced threads and steps as cheap as the sequential ones."""
        return self.levels_ns[0]

    @property
    def terms_ns(self) -> dict[str, int]:
        """What each term costs; negative for a gain."""
        return {
            name: after - before
            for name, before, after in zip(LOSS_TERMS, self.levels_ns, self.levels_ns[1:], strict=False)
        }

    @property
    def factors(self) -> dict[str, float]:
        """By what each term multiplies the speed-up: below 1 for a loss."""
        return {
            name: before / after if after else 1.0
            for name, before, after in zip(LOSS_TERMS, self.levels_ns, self.levels_ns[1:], strict=False)
        }


@dataclass(frozen=True, slots=True)
class Prediction:
    """What one strategy makes of one answer. `sequential_ns` is the latency of one thread, alone on the same device.

    The true latency is expected between latency x `low_factor` and latency x `high_factor`, as far as the cost model's
    residuals say; both are 1 where they say nothing.
    """

    document: str
    strategy: str
    latency_ns: int
    ttft_ns: int
    sequential_ns: int
    sequential_tokens: int
    decoded_tokens: int
    ideal_speedup: float
    num_steps: int
    loss: LossAccount | None = None
    low_factor: float = 1.0
    high_factor: float = 1.0

    @property
    def speedup(self) -> float:
        """Sequential latency / latency."""
        return self.sequential_ns / self.latency_ns if self.latency_ns else 1.0

    @property
    def latency_s(self) -> float:
        """Seconds from arrival to completion."""
        return self.latency_ns / NANOSECONDS_PER_SECOND

    @property
    def latency_low_s(self) -> float:
        """The lower end of the interval around the latency, in seconds."""
        return self.latency_s * self.low_factor

    @property
    def latency_high_s(self) -> float:
        """The upper end of the interval around the latency, in seconds."""
        return self.latency_s * self.high_factor

    @property
    def ttft_s(self) -> float:
        """Seconds from arrival to the first token."""
        return self.ttft_ns / NANOSECONDS_PER_SECOND

    @property
    def tpot_s(self) -> float:
        """Seconds for each token of the rendered answer after the first; 0 for an answer of one token."""
        further = self.sequential_tokens - 1
        return (self.latency_ns - self.ttft_ns) / further / NANOSECONDS_PER_SECOND if further > 0 else 0.0
