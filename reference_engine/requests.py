"""What is written down of one request while it is decoded. Knows no tensors and no schedule."""

from dataclasses import dataclass, field

from pasta_toolkit.runtime import Progress
from reference_engine.decoding import Decoder
from reference_engine.recording import Recording, ScriptRecorder

__all__ = ["RequestLog"]


@dataclass(slots=True)
class RequestLog:
    """The progress of one request so far."""

    name: str
    decoder: Decoder
    arrival_ns: int
    recorder: ScriptRecorder = field(default_factory=ScriptRecorder)
    first_token_ns: int | None = None

    def decoded(self, thread: int, progress: Progress, *, at_ns: int) -> None:
        """Note what a lane decoded."""
        self.recorder.record(thread, progress)
        if self.first_token_ns is None and progress.decoded_tokens:
            self.first_token_ns = at_ns

    def completed(self, *, at_ns: int) -> Recording:
        """Return the recording of a request that came to its end."""
        return self._recording(at_ns, is_complete=True)

    def failed(self, error: str, *, at_ns: int) -> Recording:
        """Return the recording of a request that was stopped."""
        return self._recording(at_ns, error=error)

    def _recording(self, at_ns: int, *, is_complete: bool = False, error: str | None = None) -> Recording:
        return Recording(
            self.name,
            len(self.decoder.prompt),
            tuple(map(tuple, self.decoder.decoded_threads())),
            self.recorder.script() if is_complete else None,
            latency_ns=at_ns - self.arrival_ns,
            ttft_ns=None if self.first_token_ns is None else self.first_token_ns - self.arrival_ns,
            error=error,
            agreement=self.decoder.agreement,
            response=self.decoder.response,
        )
