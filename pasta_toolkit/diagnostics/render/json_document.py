"""Renders findings as one JSON document, `pasta.validate/1`, with a diagnostic a line. Its keys are an interface."""

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from grammar import Source, Span
from pasta_toolkit.diagnostics.diagnostic import Diagnostic, Fix, Severity
from pasta_toolkit.diagnostics.render.findings import Findings, RuleCount, Summary, place_of

__all__ = ["JsonRenderer"]

SCHEMA = "pasta.validate/1"


@dataclass(slots=True)
class JsonRenderer:
    """Renders JSON as it comes; what is kept is whether a comma is due."""

    has_statistics: bool = False
    _separator: str = field(default="\n", init=False)

    def begin(self) -> str:
        """Open the document and its list of diagnostics."""
        return f'{{\n  "schema": {json.dumps(SCHEMA)},\n  "diagnostics": ['

    def render(self, findings: Findings) -> Iterator[str]:
        """Write each diagnostic of a record as an object on a line of its own."""
        source = Source(findings.text)
        for diagnostic in findings.diagnostics:
            yield f"{self._separator}    {_dump(_diagnostic(findings, source, diagnostic))}"
            self._separator = ",\n"

    def end(self, summary: Summary) -> str:
        """Close the list and add the summary, and the statistics if they were asked for."""
        closing = "]" if self._separator == "\n" else "\n  ]"
        statistics = ""
        if self.has_statistics:
            statistics = f'  "statistics": {_dump([_rule_count(rule, summary) for rule in summary.rules])},\n'
        return f'{closing},\n{statistics}  "summary": {_dump(_summary(summary))}\n}}\n'


def _dump(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)


def _diagnostic(findings: Findings, source: Source, diagnostic: Diagnostic) -> dict[str, Any]:
    return {
        "code": diagnostic.code,
        "rule": diagnostic.rule,
        "severity": diagnostic.severity,
        "message": diagnostic.message,
        "path": findings.path,
        "record": findings.number,
        **_place(source, diagnostic.span),
        "labels": [{"message": label.message, **_place(source, label.span)} for label in diagnostic.labels],
        "fix": _fix(diagnostic.fix),
    }


def _place(source: Source, span: Span) -> dict[str, int]:
    place = place_of(source, span)
    return {
        "line": place.line,
        "column": place.column,
        "end_line": place.end_line,
        "end_column": place.end_column,
        "offset": span.start,
        "end_offset": span.end,
    }


def _fix(fix: Fix | None) -> dict[str, Any] | None:
    if fix is None:
        return None
    edits = [
        {"offset": edit.span.start, "end_offset": edit.span.end, "replacement": edit.replacement} for edit in fix.edits
    ]
    return {"message": fix.message, "safety": fix.safety, "edits": edits}


def _rule_count(rule: RuleCount, summary: Summary) -> dict[str, Any]:
    return {
        "code": rule.code,
        "rule": rule.rule,
        "severity": rule.severity,
        "diagnostics": rule.num_diagnostics,
        "records": rule.num_records,
        "share_of_records": rule.num_records / summary.num_records,
    }


def _summary(summary: Summary) -> dict[str, int]:
    return {
        "records": summary.num_records,
        "records_with_findings": summary.num_records_with_findings,
        "errors": summary.count(Severity.ERROR),
        "warnings": summary.count(Severity.WARNING),
        "notes": summary.count(Severity.NOTE),
        "fixable": summary.num_safe_fixes,
        "fixable_unsafe": summary.num_unsafe_fixes,
        "fixed": summary.num_fixed,
    }
