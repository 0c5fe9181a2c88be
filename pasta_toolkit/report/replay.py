"""A replayed load beside what its log says of it: values, and how far the two are apart. Knows no simulator."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

from pasta_toolkit.dag.statistics import quantile

__all__ = ["TIMES_NS", "ReplayPart", "ReplayReport", "ReplayedRequest", "Span", "TimeAgreement", "agreements"]

NANOSECONDS_PER_SECOND = 1e9
P95 = 0.95


@dataclass(frozen=True, slots=True)
class Span:
    """How long a request took, from its arrival: to its first token, and to the last of `num_tokens`."""

    ttft_ns: int
    latency_ns: int
    num_tokens: int

    @property
    def tpot_ns(self) -> float | None:
        """The time of each token after the first; None where there is none."""
        return (self.latency_ns - self.ttft_ns) / (self.num_tokens - 1) if self.num_tokens > 1 else None


# The times of a request by name; None where it has none, or nothing is known of it.
TIMES_NS: Mapping[str, Callable[[Span | None], float | None]] = MappingProxyType(
    {
        "latency": lambda span: None if span is None else span.latency_ns,
        "TTFT": lambda span: None if span is None else span.ttft_ns,
        "TPOT": lambda span: None if span is None else span.tpot_ns,
    }
)


@dataclass(frozen=True, slots=True)
class ReplayedRequest:
    """One request of a log; `measured` is None where the log does not say how it went."""

    name: str
    arrival_ns: int
    prompt_tokens: int
    predicted: Span
    measured: Span | None


@dataclass(frozen=True, slots=True)
class TimeAgreement:
    """One time over all requests: means in seconds, and quantiles of the requests' own relative errors.

    Where nothing was measured, all but the predicted mean is None.
    """

    predicted_s: float
    measured_s: float | None = None
    median_error: float | None = None
    p95_error: float | None = None

    @property
    def mean_error(self) -> float | None:
        """Predicted mean / measured mean - 1."""
        return self.predicted_s / self.measured_s - 1 if self.measured_s else None


@dataclass(frozen=True, slots=True)
class ReplayPart:
    """Requests that are judged together, and in a title how they were priced."""

    title: str
    requests: tuple[ReplayedRequest, ...]


@dataclass(frozen=True, slots=True)
class ReplayReport:
    """What a replay found: what it was of, and its parts, the best informed one last."""

    about: tuple[tuple[str, str], ...]
    parts: tuple[ReplayPart, ...]


def agreements(requests: Sequence[ReplayedRequest]) -> dict[str, TimeAgreement]:
    """Return by name how latency, TTFT and TPOT agree; a time that no request has is left out."""
    found = {}
    for name, times_ns in TIMES_NS.items():
        pairs = [(times_ns(request.predicted), times_ns(request.measured)) for request in requests]
        known = [(predicted, measured) for predicted, measured in pairs if predicted is not None]
        if known:
            found[name] = _agreement(known)
    return found


def _agreement(pairs: Sequence[tuple[float, float | None]]) -> TimeAgreement:
    predicted_s = sum(predicted for predicted, _ in pairs) / len(pairs) / NANOSECONDS_PER_SECOND
    known = [(predicted, measured) for predicted, measured in pairs if measured]
    if len(known) < len(pairs):
        return TimeAgreement(predicted_s)
    errors = sorted(abs(predicted / measured - 1) for predicted, measured in known)
    measured_s = sum(measured for _, measured in known) / len(known) / NANOSECONDS_PER_SECOND
    return TimeAgreement(predicted_s, measured_s, quantile(errors, 0.5), quantile(errors, P95))
