"""Writes findings as they come, to stdout, stderr or a file. Formats nothing itself: renderers do."""

import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from io import TextIOWrapper
from pathlib import Path
from typing import Literal, TextIO, TypeAlias

from pasta_toolkit.diagnostics import ALL_RULES, Severity
from pasta_toolkit.diagnostics.render import (
    Findings,
    GithubRenderer,
    JsonRenderer,
    Renderer,
    SarifRenderer,
    TextRenderer,
)
from pasta_toolkit.records import InputError

__all__ = ["Report", "ReportFormat", "opened_output", "renderer_of", "wants_colour"]

ReportFormat: TypeAlias = Literal["text", "json", "sarif", "github"]


@dataclass(slots=True)
class Report:
    """Passes findings on to a renderer, less what is not to be shown; what is kept is how many were left out."""

    renderer: Renderer
    stream: TextIO
    shows_notes: bool = True
    most_shown: int | None = None
    num_shown: int = field(default=0, init=False)
    num_beyond: int = field(default=0, init=False)
    num_notes_hidden: int = field(default=0, init=False)

    def write(self, text: str) -> None:
        """Write text as it is."""
        self.stream.write(text)

    def add_all(self, many: Iterable[Findings]) -> None:
        """Show the findings of several records."""
        for findings in many:
            self.add(findings)

    def add(self, findings: Findings) -> None:
        """Show the findings of one record."""
        diagnostics = findings.diagnostics
        if not self.shows_notes:
            diagnostics = tuple(item for item in diagnostics if item.severity != Severity.NOTE)
            self.num_notes_hidden += len(findings.diagnostics) - len(diagnostics)
        room = len(diagnostics) if self.most_shown is None else self.most_shown - self.num_shown
        shown = diagnostics[: max(0, room)]
        self.num_shown += len(shown)
        self.num_beyond += len(diagnostics) - len(shown)
        if shown:
            self.stream.writelines(self.renderer.render(findings.with_diagnostics(shown)))


def renderer_of(report_format: ReportFormat, *, has_colour: bool = False, has_statistics: bool = False) -> Renderer:
    """Return the renderer of a format."""
    if report_format == "json":
        return JsonRenderer(has_statistics=has_statistics)
    if report_format == "sarif":
        from importlib.metadata import version  # noqa: PLC0415

        return SarifRenderer(version("pasta-toolkit"), ALL_RULES)
    return GithubRenderer() if report_format == "github" else TextRenderer(has_colour=has_colour)


def wants_colour(stream: TextIO) -> bool:
    """Say whether colours are welcome: on a terminal, unless `NO_COLOR` is set (no-color.org)."""
    return stream.isatty() and not os.environ.get("NO_COLOR")


@contextmanager
def opened_output(path: str | None, otherwise: TextIO) -> Iterator[TextIO]:
    """Open a file to write text to, or give the stream that stands for none.

    Raises:
        InputError: the file cannot be written.
    """
    if path is None:
        if isinstance(otherwise, TextIOWrapper):
            otherwise.reconfigure(errors="backslashreplace")  # a terminal may not know all characters
        yield otherwise
        otherwise.flush()
        return
    try:
        stream = Path(path).open("w", encoding="utf-8")  # noqa: SIM115
    except OSError as error:
        raise InputError(f"cannot write {path!r}: {error.strerror}") from error
    with stream:
        yield stream
