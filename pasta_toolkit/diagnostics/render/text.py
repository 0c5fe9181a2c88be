"""Renders findings for people: a header that editors can jump to, the lines with carets under them, and a hint."""

from collections.abc import Iterator
from dataclasses import dataclass

from grammar import Source, Span
from pasta_toolkit.diagnostics.diagnostic import Diagnostic, Fix, Safety, Severity
from pasta_toolkit.diagnostics.render.findings import Findings, Place, Summary, place_of
from pasta_toolkit.diagnostics.render.snippet import Snippet, printable, snippet_at

__all__ = ["TextRenderer", "summary_line"]

PRIMARY_MARK, LABEL_MARK = "^", "-"
RESET = "\x1b[0m"
BOLD, BLUE, GREEN = "\x1b[1m", "\x1b[1;34m", "\x1b[1;32m"
SEVERITY_COLOURS = {Severity.ERROR: "\x1b[1;31m", Severity.WARNING: "\x1b[1;33m", Severity.NOTE: "\x1b[1;36m"}
HOW_TO_FIX = {Safety.SAFE: "--fix", Safety.UNSAFE: "--fix --unsafe-fixes"}


@dataclass(frozen=True, slots=True)
class _Mark:
    """One row of marks: the place of the finding itself, or a label."""

    span: Span
    mark: str
    message: str
    colour: str


@dataclass(frozen=True, slots=True)
class TextRenderer:
    """Renders text for a terminal or a file."""

    has_colour: bool = False

    def begin(self) -> str:
        """Begin with nothing."""
        return ""

    def render(self, findings: Findings) -> Iterator[str]:
        """Show each diagnostic of a record, followed by an empty line."""
        source = Source(findings.text)
        return (f"{self._diagnostic(findings, source, diagnostic)}\n\n" for diagnostic in findings.diagnostics)

    def end(self, summary: Summary) -> str:
        """Say in one line what was found."""
        return f"{summary_line(summary)}\n"

    def _diagnostic(self, findings: Findings, source: Source, diagnostic: Diagnostic) -> str:
        place = place_of(source, diagnostic.span)
        lines = [self._header(findings, place, diagnostic)]
        if findings.text:
            lines += self._excerpt(source, _marks(diagnostic))
        if diagnostic.fix is not None:
            lines.append(self._help(diagnostic.fix))
        return "\n".join(lines)

    def _header(self, findings: Findings, place: Place, diagnostic: Diagnostic) -> str:
        record = "" if findings.number is None else f":{findings.number}"
        where = f"{printable(findings.path)}{record}:{place.line}:{place.column}:"
        kind = self._paint(SEVERITY_COLOURS[diagnostic.severity], f"{diagnostic.severity}[{diagnostic.code}]")
        return f"{self._paint(BOLD, where)} {kind} {printable(diagnostic.message)} ({diagnostic.rule})"

    def _help(self, fix: Fix) -> str:
        return f"  {self._paint(GREEN, 'help:')} {printable(fix.message)} ({HOW_TO_FIX[fix.safety]})"

    def _excerpt(self, source: Source, marks: list[_Mark]) -> Iterator[str]:
        """Show the marked lines in their order; marks in the same piece of a line share it."""
        pieces = _pieces(source, marks)
        gutter_width = max(len(str(snippet.line_number)) for snippet, _ in pieces)
        previous_line = pieces[0][0].line_number
        for snippet, rows in pieces:
            if snippet.line_number > previous_line + 1:
                yield f"  {self._gutter('', gutter_width, '⋮')}"
            previous_line = snippet.line_number
            yield f"  {self._gutter(str(snippet.line_number), gutter_width)} {snippet.shown}".rstrip()
            for row in rows:
                indent, drawn = snippet.marks(row.span, row.mark)
                painted = self._paint(row.colour, f"{drawn} {printable(row.message)}".rstrip())
                yield f"  {self._gutter('', gutter_width)} {indent}{painted}"

    def _gutter(self, number: str, width: int, bar: str = "|") -> str:
        return self._paint(BLUE, f"{number:>{width}} {bar}")

    def _paint(self, colour: str, text: str) -> str:
        return f"{colour}{text}{RESET}" if self.has_colour else text


def _marks(diagnostic: Diagnostic) -> list[_Mark]:
    primary = _Mark(diagnostic.span, PRIMARY_MARK, "", SEVERITY_COLOURS[diagnostic.severity])
    labels = [_Mark(label.span, LABEL_MARK, label.message, BLUE) for label in diagnostic.labels]
    return sorted([primary, *labels], key=lambda mark: mark.span.start)


def _pieces(source: Source, marks: list[_Mark]) -> list[tuple[Snippet, list[_Mark]]]:
    pieces: list[tuple[Snippet, list[_Mark]]] = []
    for mark in marks:
        if not pieces or not pieces[-1][0].shows(mark.span.start):
            pieces.append((snippet_at(source, mark.span.start), []))
        pieces[-1][1].append(mark)
    return pieces


def summary_line(summary: Summary) -> str:
    """Say what was found, in one sentence.

    >>> summary_line(Summary(2, 0, 0, 0, 0, ()))
    'Nothing to report in 2 records.'
    """
    counts = [_counted(summary.count(severity), severity) for severity in Severity if summary.count(severity)]
    records = _counted(summary.num_records, "record")
    fixed = f"Fixed {summary.num_fixed:,}. " if summary.num_fixed else ""
    if not counts:
        return f"{fixed}Nothing to report in {records}."
    return f"{fixed}Found {', '.join(counts)} in {summary.num_records_with_findings:,} of {records}{_fixable(summary)}."


def _fixable(summary: Summary) -> str:
    unsafe = f"{summary.num_unsafe_fixes:,} with {HOW_TO_FIX[Safety.UNSAFE]}" if summary.num_unsafe_fixes else ""
    if summary.num_safe_fixes:
        more = f" ({unsafe.replace(' with', ' more with')})" if unsafe else ""
        return f"; {summary.num_safe_fixes:,} fixable with {HOW_TO_FIX[Safety.SAFE]}{more}"
    return f"; {unsafe.replace(' with', ' fixable with')}" if unsafe else ""


def _counted(number: int, noun: str) -> str:
    return f"{number:,} {noun}{'' if number == 1 else 's'}"
