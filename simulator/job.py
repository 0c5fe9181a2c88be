"""A job: what a user asked for, as one or more requests in stages. Knows no strategy and no cost."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from pasta_toolkit.runtime import Request, Script
from simulator.executor import StepCost
from simulator.prefix_cache import PromptPrefix
from simulator.replica import Arrival, Serving
from simulator.router import Router, least_loaded
from simulator.simulation import RequestTimes, Simulated, simulate

__all__ = ["Job", "JobTimes", "Piece", "run_jobs"]


@dataclass(frozen=True, slots=True)
class Piece:
    """One request of a job: its prompt, how much of that is cached in any case, its beginning, and what is decoded."""

    prompt_tokens: int
    script: Script
    cached_tokens: int = 0
    prefix: PromptPrefix = field(default_factory=PromptPrefix)


@dataclass(frozen=True, slots=True)
class Job:
    """Pieces in stages: those of one stage arrive together, when all of the stage before are complete."""

    name: str
    stages: tuple[tuple[Piece, ...], ...]
    at_ns: int = 0

    def __post_init__(self) -> None:
        """Refuse a job, or a stage, without pieces."""
        if not self.stages or not all(self.stages):
            raise ValueError(f"job {self.name!r} has a stage without pieces")


@dataclass(frozen=True, slots=True)
class JobTimes:
    """When what befell one job; `queueing_ns` adds up the longest queue of each stage."""

    name: str
    arrival_ns: int
    first_token_ns: int
    completion_ns: int
    queueing_ns: int
    decoded_tokens: int
    num_preemptions: int

    @property
    def latency_ns(self) -> int:
        """From arrival to completion."""
        return self.completion_ns - self.arrival_ns

    @property
    def ttft_ns(self) -> int:
        """From arrival to the first token."""
        return self.first_token_ns - self.arrival_ns


def run_jobs(
    jobs: Sequence[Job], serving: Serving, *, cost: StepCost, num_replicas: int = 1, router: Router = least_loaded
) -> tuple[list[JobTimes], Simulated]:
    """Serve jobs to their ends; return their times in order of the jobs, and the simulation.

    A stage is sent to the router piece by piece, so that its pieces may run on several replicas.
    """
    staging = _Staging(jobs)
    first = [arrival for index in range(len(jobs)) for arrival in staging.stage(index, 0)]
    found = simulate(first, serving, cost=cost, num_replicas=num_replicas, router=router, follow=staging.completed)
    by_job: dict[int, list[RequestTimes]] = {index: [] for index in range(len(jobs))}
    for times in found.requests:
        by_job[staging.places[times.name][0]].append(times)
    return [_job_times(job, by_job[index]) for index, job in enumerate(jobs)], found


class _Staging:
    """Starts the next stage of a job when the last piece of the one before is complete."""

    def __init__(self, jobs: Sequence[Job]) -> None:
        self.places: dict[str, tuple[int, int]] = {}
        self._jobs = jobs
        self._left: dict[tuple[int, int], int] = {}

    def stage(self, index: int, stage: int) -> Iterable[Arrival]:
        pieces = self._jobs[index].stages[stage]
        self._left[index, stage] = len(pieces)
        for number, piece in enumerate(pieces):
            name = f"{index}.{stage}.{number}"
            self.places[name] = (index, stage)
            expected = sum(thread.decoded_tokens for thread in piece.script.threads)
            request = Request(name, piece.prompt_tokens, piece.cached_tokens, expected)
            yield Arrival(self._jobs[index].at_ns, request, piece.script, piece.prefix)

    def completed(self, name: str) -> Iterable[Arrival]:
        index, stage = self.places[name]
        self._left[index, stage] -= 1
        if self._left[index, stage] or stage + 1 == len(self._jobs[index].stages):
            return ()
        return self.stage(index, stage + 1)


def _job_times(job: Job, requests: Sequence[RequestTimes]) -> JobTimes:
    stages: dict[int, int] = {}
    for times in requests:  # the longest queue of each stage; stages follow one another
        stages[times.arrival_ns] = max(stages.get(times.arrival_ns, 0), times.queueing_ns)
    return JobTimes(
        job.name,
        job.at_ns,
        min(times.first_token_ns for times in requests),
        max(times.completion_ns for times in requests),
        sum(stages.values()),
        sum(times.decoded_tokens for times in requests),
        sum(times.num_preemptions for times in requests),
    )
