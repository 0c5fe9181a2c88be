"""What renderers are given: the diagnostics of one record at a time, and a summary at the end. Computes no text."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Literal, Protocol, TypeAlias

from grammar import Source, Span
from pasta_toolkit.diagnostics.diagnostic import Diagnostic, Safety, Severity

__all__ = ["Findings", "Place", "Renderer", "RuleCount", "Summary", "Unit", "place_of"]

# What a record's number counts: nothing (a text file is one record), lines of a file, or rows of a table.
Unit: TypeAlias = Literal["text", "line", "row"]


@dataclass(frozen=True, slots=True)
class Findings:
    """The diagnostics of one record, in the order of their places, and the text that they point into."""

    path: str
    number: int | None
    unit: Unit
    text: str
    diagnostics: tuple[Diagnostic, ...]

    def with_diagnostics(self, diagnostics: tuple[Diagnostic, ...]) -> "Findings":
        """Return the same record with other diagnostics."""
        return replace(self, diagnostics=diagnostics)


@dataclass(frozen=True, slots=True)
class Place:
    """Lines and columns of a span, counted from 1; the end is the first place behind it."""

    line: int
    column: int
    end_line: int
    end_column: int


def place_of(source: Source, span: Span) -> Place:
    r"""Turn a span into lines and columns.

    >>> place_of(Source("one\ntwo"), Span(4, 7))
    Place(line=2, column=1, end_line=2, end_column=4)
    """
    start, end = source.position(span.start), source.position(span.end)
    return Place(start.line, start.column, end.line, end.column)


@dataclass(frozen=True, slots=True)
class RuleCount:
    """How often one rule was broken, and in how many records."""

    code: str
    rule: str
    severity: Severity
    num_diagnostics: int
    num_records: int


@dataclass(frozen=True, slots=True)
class Summary:
    """What was found in all records together; `rules` is sorted by the number of diagnostics, the largest first."""

    num_records: int
    num_records_with_findings: int
    num_safe_fixes: int
    num_unsafe_fixes: int
    num_fixed: int
    rules: tuple[RuleCount, ...]

    def count(self, severity: Severity) -> int:
        """Return how many diagnostics have a severity."""
        return sum(rule.num_diagnostics for rule in self.rules if rule.severity == severity)

    @property
    def is_clean(self) -> bool:
        """Whether there is nothing worse than a note."""
        return all(rule.severity == Severity.NOTE for rule in self.rules)

    def num_fixable(self, safety: Safety) -> int:
        """Return how many diagnostics have a fix of that safety."""
        return self.num_safe_fixes if safety == Safety.SAFE else self.num_unsafe_fixes


class Renderer(Protocol):
    """Writes a report piece by piece, so that a report of any length needs no memory."""

    def begin(self) -> str:
        """Return what stands before the first finding."""

    def render(self, findings: Findings) -> Iterator[str]:
        """Yield what is said of one record, diagnostic by diagnostic."""

    def end(self, summary: Summary) -> str:
        """Return what stands behind the last finding."""
