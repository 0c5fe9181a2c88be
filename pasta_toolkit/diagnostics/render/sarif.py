"""Renders findings as SARIF 2.1.0, the format of code scanning services.

Source: OASIS Standard, Static Analysis Results Interchange Format (SARIF) Version 2.1.0.
"""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import PurePath
from typing import Any, Protocol
from urllib.parse import quote

from grammar import Source, Span
from pasta_toolkit.diagnostics.diagnostic import Diagnostic, Fix, Severity
from pasta_toolkit.diagnostics.render.findings import Findings, Summary, place_of

__all__ = ["DescribedRule", "SarifRenderer"]

SCHEMA = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/os/schemas/sarif-schema-2.1.0.json"


class DescribedRule(Protocol):
    """What SARIF says of a rule beside its diagnostics."""

    @property
    def code(self) -> str:
        """The stable code."""

    @property
    def name(self) -> str:
        """The fault, in words with hyphens."""

    @property
    def severity(self) -> Severity:
        """How bad it is."""

    @property
    def summary(self) -> str:
        """What it means, in a sentence."""


@dataclass(slots=True)
class SarifRenderer:
    """Renders one run as it comes; what is kept is whether a comma is due."""

    version: str
    rules: Sequence[DescribedRule] = ()
    _separator: str = field(default="\n", init=False)

    def begin(self) -> str:
        """Open the log, describe the tool and open the list of results."""
        driver = {"name": "pasta", "version": self.version, "rules": [_rule(rule) for rule in self.rules]}
        opening = f'{{\n  "$schema": {_dump(SCHEMA)},\n  "version": "2.1.0",\n  "runs": [{{\n'
        tool = f'    "tool": {_dump({"driver": driver})},\n    "columnKind": "unicodeCodePoints",\n'
        return f'{opening}{tool}    "results": ['

    def render(self, findings: Findings) -> Iterator[str]:
        """Write each diagnostic of a record as a result on a line of its own."""
        source = Source(findings.text)
        for diagnostic in findings.diagnostics:
            yield f"{self._separator}      {_dump(_result(findings, source, diagnostic))}"
            self._separator = ",\n"

    def end(self, summary: Summary) -> str:
        """Close the list, the run and the log; the number of records stands in the run's properties."""
        properties = _dump({"records": summary.num_records, "recordsWithFindings": summary.num_records_with_findings})
        return f'\n    ],\n    "properties": {properties}\n  }}]\n}}\n'


def _dump(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)


def _rule(rule: DescribedRule) -> dict[str, Any]:
    return {
        "id": rule.code,
        "name": rule.name,
        "shortDescription": {"text": rule.summary},
        "defaultConfiguration": {"level": rule.severity},
    }


def _result(findings: Findings, source: Source, diagnostic: Diagnostic) -> dict[str, Any]:
    place = place_of(source, diagnostic.span)
    inside = "" if findings.unit == "text" else f" (record {findings.number}, line {place.line}, column {place.column})"
    result: dict[str, Any] = {
        "ruleId": diagnostic.code,
        "level": diagnostic.severity,
        "message": {"text": f"{diagnostic.message}{inside}"},
        "locations": [_location(findings, source, diagnostic.span)],
        "properties": {
            "rule": diagnostic.rule,
            "record": findings.number,
            "line": place.line,
            "column": place.column,
            "offset": diagnostic.span.start,
            "endOffset": diagnostic.span.end,
        },
    }
    if diagnostic.labels:
        result["relatedLocations"] = _related_locations(findings, source, diagnostic)
    if diagnostic.fix is not None and diagnostic.fix.edits and findings.unit == "text":
        result["fixes"] = [_fix(findings, source, diagnostic.fix)]
    return result


def _related_locations(findings: Findings, source: Source, diagnostic: Diagnostic) -> list[dict[str, Any]]:
    """Locate the labels; the standard wants no two alike, which labels of one record of JSON Lines can be."""
    unique: list[dict[str, Any]] = []
    for label in diagnostic.labels:
        location = {**_location(findings, source, label.span), "message": {"text": label.message}}
        if location not in unique:
            unique.append(location)
    return unique


def _location(findings: Findings, source: Source, span: Span) -> dict[str, Any]:
    """Locate a span in the file: exactly in a text, by the record's line in JSON Lines, not at all in a table."""
    physical: dict[str, Any] = {"artifactLocation": {"uri": _uri(findings.path)}}
    if findings.unit == "text":
        physical["region"] = _region(source, span)
    elif findings.unit == "line" and findings.number is not None:
        physical["region"] = {"startLine": findings.number}
    return {"physicalLocation": physical}


def _region(source: Source, span: Span) -> dict[str, int]:
    place = place_of(source, span)
    return {
        "startLine": place.line,
        "startColumn": place.column,
        "endLine": place.end_line,
        "endColumn": place.end_column,
    }


def _fix(findings: Findings, source: Source, fix: Fix) -> dict[str, Any]:
    replacements = [
        {"deletedRegion": _region(source, edit.span), "insertedContent": {"text": edit.replacement}}
        for edit in fix.edits
    ]
    change = {"artifactLocation": {"uri": _uri(findings.path)}, "replacements": replacements}
    return {"description": {"text": fix.message}, "artifactChanges": [change]}


def _uri(path: str) -> str:
    pure = PurePath(path)
    return pure.as_uri() if pure.is_absolute() else quote(pure.as_posix())
