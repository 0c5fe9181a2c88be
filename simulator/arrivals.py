"""When requests come: Poisson, bursts, or evenly. Gaps of mean 1, stretched to a rate; knows no requests.

The same generator gives the same gaps at every rate, so that curves over the rate compare like with like.
"""

import math
import random
from collections.abc import Sequence

from grammar import PastaError

__all__ = ["ARRIVAL_PROCESSES", "ArrivalError", "arrival_times_ns", "unit_gaps"]

ARRIVAL_PROCESSES = ("bursts", "even", "poisson")
DEFAULT_BURSTINESS = 4.0
NANOSECONDS_PER_SECOND = 1_000_000_000


class ArrivalError(PastaError):
    """Report arrivals that cannot be: no process of this name, no requests, or no positive rate."""


def unit_gaps(
    process: str, num_requests: int, *, generator: random.Random, burstiness: float = DEFAULT_BURSTINESS
) -> list[float]:
    """Return gaps between arrivals, of mean 1.

    `bursts` draws gamma gaps whose squared coefficient of variation is `burstiness`; `poisson` is that with 1, `even`
    with 0. Source: gamma renewal arrivals as in BurstGPT (arXiv 2401.17644) and AlpaServe (arXiv 2302.11665).

    Raises:
        ArrivalError: no such process, no requests, or a burstiness that is not positive.
    """
    if num_requests < 1:
        raise ArrivalError(f"a workload has at least 1 request, found {num_requests}")
    if process == "even":
        return [1.0] * num_requests
    if process == "poisson":
        return [generator.expovariate(1.0) for _ in range(num_requests)]
    if process != "bursts":
        raise ArrivalError(f"no arrival process {process!r}: choose from {', '.join(ARRIVAL_PROCESSES)}")
    if not (math.isfinite(burstiness) and burstiness > 0):
        raise ArrivalError(f"the burstiness of arrivals must be positive, found {burstiness}")
    return [generator.gammavariate(1 / burstiness, burstiness) for _ in range(num_requests)]


def arrival_times_ns(gaps: Sequence[float], *, rate_per_s: float) -> list[int]:
    """Return the times of arrivals at a rate; the first comes after its gap.

    Raises:
        ArrivalError: the rate is not positive.
    """
    if not (math.isfinite(rate_per_s) and rate_per_s > 0):
        raise ArrivalError(f"the arrival rate must be positive, found {rate_per_s} requests a second")
    times, at_s = [], 0.0
    for gap in gaps:
        at_s += gap / rate_per_s
        times.append(round(at_s * NANOSECONDS_PER_SECOND))
    return times
