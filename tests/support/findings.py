"""Hand-made findings for the tests of renderers, and strategies for any findings."""

from hypothesis import strategies as st

from grammar import Span
from pasta_toolkit.diagnostics import Diagnostic, Edit, Fix, Label, Safety, Severity
from pasta_toolkit.diagnostics.render import Findings, RuleCount, Summary

__all__ = ["SUMMARY", "finding_at", "findings_of", "sets_of_findings"]

SUMMARY = Summary(12, 2, 2, 1, 0, (RuleCount("PA301", "x-y", Severity.ERROR, 3, 2),))
TEXTS = st.text(st.characters(exclude_categories=["Cs"]) | st.sampled_from("\n\r\t\x00\x1b中🙂\u202e"), max_size=80)


def finding_at(start: int, end: int, *, message: str = "it is wrong", **parts: object) -> Diagnostic:
    """Make an error at a place."""
    return Diagnostic("PA301", "x-y", Severity.ERROR, message, Span(start, end), **parts)  # type: ignore[arg-type]


def findings_of(text: str, *diagnostics: Diagnostic, number: int | None = None, path: str = "a.txt") -> Findings:
    """Make the findings of a text file, or of a line of JSON Lines if it has a number."""
    return Findings(path, number, "text" if number is None else "line", text, diagnostics)


@st.composite
def _spans(draw: st.DrawFn, text: str) -> Span:
    start = draw(st.integers(0, len(text)))
    return Span(start, draw(st.integers(start, len(text))))


@st.composite
def sets_of_findings(draw: st.DrawFn) -> Findings:
    """Draw findings with labels and fixes at any places of any text."""
    text = draw(TEXTS)
    spans = _spans(text)
    labels = st.lists(st.builds(Label, spans, TEXTS), max_size=2).map(tuple)
    edits = st.lists(st.builds(Edit, spans, TEXTS), max_size=2).map(tuple)
    fixes = st.none() | st.builds(Fix, TEXTS, edits, st.sampled_from(Safety))
    severities = st.sampled_from(Severity)
    diagnostics = st.builds(Diagnostic, st.just("PA1"), st.just("x-y"), severities, TEXTS, spans, labels, fixes)
    unit = draw(st.sampled_from(["text", "line", "row"]))
    number = None if unit == "text" else draw(st.integers(1, 99))
    path = draw(st.sampled_from(["a.txt", "/b c/%,:.jsonl", "<stdin>", "ü.parquet"]))
    return Findings(path, number, unit, text, tuple(draw(st.lists(diagnostics, max_size=3))))  # type: ignore[arg-type]
