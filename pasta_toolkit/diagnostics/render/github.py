"""Renders findings as workflow commands, which GitHub shows as annotations on the changed files.

Source: GitHub Docs, "Workflow commands for GitHub Actions", setting a notice, warning or error message.
"""

from collections.abc import Iterator

from grammar import Source
from pasta_toolkit.diagnostics.diagnostic import Diagnostic, Severity
from pasta_toolkit.diagnostics.render.findings import Findings, Summary, place_of

__all__ = ["GithubRenderer"]

COMMANDS = {Severity.ERROR: "error", Severity.WARNING: "warning", Severity.NOTE: "notice"}
ESCAPES_OF_DATA = str.maketrans({"%": "%25", "\r": "%0D", "\n": "%0A"})
ESCAPES_OF_PROPERTIES = str.maketrans({"%": "%25", "\r": "%0D", "\n": "%0A", ":": "%3A", ",": "%2C"})


class GithubRenderer:
    """Renders one command a diagnostic. A record of JSON Lines is a line of its file, so the line is the record's."""

    def begin(self) -> str:
        """Begin with nothing."""
        return ""

    def render(self, findings: Findings) -> Iterator[str]:
        """Write one command a line."""
        source = Source(findings.text)
        return (f"{_command(findings, source, diagnostic)}\n" for diagnostic in findings.diagnostics)

    def end(self, summary: Summary) -> str:
        """End with nothing."""
        return ""


def _command(findings: Findings, source: Source, diagnostic: Diagnostic) -> str:
    place = place_of(source, diagnostic.span)
    properties: dict[str, str | int] = {"file": findings.path}
    message = diagnostic.message
    if findings.unit == "text":
        properties |= {"line": place.line, "endLine": place.end_line}
        if place.line == place.end_line:
            properties |= {"col": place.column, "endColumn": place.end_column}
    else:
        if findings.unit == "line" and findings.number is not None:
            properties |= {"line": findings.number, "endLine": findings.number}
        message = f"{message} (record {findings.number}, line {place.line}, column {place.column})"
    properties["title"] = f"{diagnostic.code} {diagnostic.rule}"
    written = ",".join(f"{name}={str(value).translate(ESCAPES_OF_PROPERTIES)}" for name, value in properties.items())
    return f"::{COMMANDS[diagnostic.severity]} {written}::{message.translate(ESCAPES_OF_DATA)}"
