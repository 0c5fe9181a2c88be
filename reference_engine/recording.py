"""What one request decoded and when: the result of a decode, in the form that the simulator can replay. A value."""

from dataclasses import dataclass, field

from grammar import PastaSyntaxError, parse
from pasta_toolkit.runtime import Progress, Run, Script, ThreadScript

__all__ = ["Recording", "ScriptRecorder"]


@dataclass(frozen=True, slots=True)
class Recording:
    """One request, decoded to its end, or with the `error` that stopped it.

    `threads` are the decoded tokens of each thread, the main thread's first, forced ones included; times are from the
    request's arrival. `script` repeats the decode lane by lane; None where it did not come to its end.
    """

    name: str
    prompt_tokens: int
    threads: tuple[tuple[int, ...], ...]
    script: Script | None
    latency_ns: int
    ttft_ns: int | None
    error: str | None = None
    agreement: float | None = None  # forced mode: the share of decoded tokens that the model itself would have picked
    response: str | None = None  # free mode: the annotated response, as far as it came

    @property
    def decoded_tokens(self) -> int:
        """Tokens of all threads."""
        return sum(map(len, self.threads))

    @property
    def fault(self) -> str | None:
        """Why the response is no valid document, in one sentence; None where it is, and in forced mode."""
        try:
            parse(self.response or "")
        except PastaSyntaxError as error:
            return str(error).splitlines()[0]
        return None

    @property
    def tokens_per_s(self) -> float:
        """Decoded tokens over the whole latency, prefill included."""
        return self.decoded_tokens / (self.latency_ns / 1e9)


@dataclass(slots=True)
class ScriptRecorder:
    """Writes down the progress of each thread's lanes, equal ones in a row as one run."""

    runs: dict[int, list[Run]] = field(default_factory=dict)

    def record(self, thread: int, progress: Progress) -> None:
        """Note what one lane decoded."""
        runs = self.runs.setdefault(thread, [])
        new = Run(1, progress.decoded_tokens, progress.events)
        if runs and not runs[-1].events and runs[-1].tokens_per_lane == new.tokens_per_lane:
            runs[-1] = new._replace(num_lanes=runs[-1].num_lanes + 1)
        else:
            runs.append(new)

    def script(self) -> Script:
        """Return the script of all threads."""
        return Script(tuple(ThreadScript(tuple(self.runs[thread])) for thread in sorted(self.runs)))
