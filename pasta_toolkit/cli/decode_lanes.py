"""Shows on stderr what a decode is at: on a terminal one live lane a thread, elsewhere a line for each request.

Takes events and draws them; decides nothing. The screen is drawn from a thread of its own, a few times a second.
"""

import shutil
import sys
from types import TracebackType
from typing import TYPE_CHECKING, Self

import click

if TYPE_CHECKING:
    from rich.console import RenderableType
    from rich.live import Live

    from reference_engine import Recording
    from reference_engine.events import StreamEvent, ThreadProgress

__all__ = ["Lanes"]

REFRESHES_PER_S = 8
LINES_AROUND_LANES = 6
TEXT_LINES = 3
BAR_COLUMNS = 24
MOST_TOPIC_COLUMNS = 30


class Lanes:
    """State: the threads of the requests that run, and the end of the text that is final."""

    def __init__(self) -> None:
        self._threads: dict[tuple[str, int], ThreadProgress] = {}
        self._text = ""
        self._live: Live | None = None

    def __enter__(self) -> Self:
        """Begin to draw, if there is a terminal."""
        if sys.stderr.isatty():
            from rich.console import Console  # noqa: PLC0415
            from rich.live import Live  # noqa: PLC0415

            console = Console(stderr=True, markup=False, highlight=False)
            self._live = Live(
                get_renderable=self._drawn, console=console, refresh_per_second=REFRESHES_PER_S, transient=True
            )
            self._live.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Take the lanes away."""
        if self._live is not None:
            self._live.stop()

    def say(self, sentence: str) -> None:
        """Write a line that stays."""
        if self._live is not None:
            self._live.console.print(sentence)
        else:
            click.echo(sentence, err=True)

    def show(self, event: "StreamEvent") -> None:
        """Take an event."""
        from reference_engine.events import RequestEnded, TextReady  # noqa: PLC0415

        if isinstance(event, TextReady):
            self._text = (self._text + event.text)[-TEXT_LINES * self._columns() :]
        elif isinstance(event, RequestEnded):
            for key in [key for key in self._threads if key[0] == event.request]:
                del self._threads[key]
            self._text = ""
            self.say(f"{event.request}: {_ended(event.recording)}")
        else:
            self._threads[event.request, event.thread] = event

    def _columns(self) -> int:
        return shutil.get_terminal_size().columns

    def _drawn(self) -> "RenderableType":
        from rich.console import Group  # noqa: PLC0415
        from rich.progress_bar import ProgressBar  # noqa: PLC0415
        from rich.table import Table  # noqa: PLC0415
        from rich.text import Text  # noqa: PLC0415

        lanes = Table.grid(padding=(0, 1))
        most = max(1, shutil.get_terminal_size().lines - LINES_AROUND_LANES)
        for progress in list(self._threads.values())[:most]:
            bar = ProgressBar(total=progress.promised_tokens, completed=progress.decoded_tokens, width=BAR_COLUMNS)
            lanes.add_row(
                Text(_label(progress)), bar if progress.promised_tokens else "", _count(progress), progress.state
            )
        return Group(Text("\n".join(self._text.splitlines()[-TEXT_LINES:]), style="dim"), lanes)


def _label(progress: "ThreadProgress") -> str:
    if not progress.thread:
        return f"{progress.request} main"
    return f"  branch {progress.thread} {(progress.topic or '')[:MOST_TOPIC_COLUMNS]}"


def _count(progress: "ThreadProgress") -> str:
    promised = f"/{progress.promised_tokens}" if progress.promised_tokens else ""
    return f"{progress.decoded_tokens}{promised} tokens"


def _ended(recording: "Recording") -> str:
    if recording.error is not None:
        return recording.error
    num_threads = len(recording.threads)
    threads = f"{num_threads} threads" if num_threads > 1 else "1 thread"
    return f"{recording.decoded_tokens} tokens in {threads}, {recording.latency_ns / 1e9:.2f} s"
