"""Turns the faults of the input itself (bytes, JSON, fields) into diagnostics, so that all findings read alike."""

from collections.abc import Iterable, Iterator

from grammar import Span
from pasta_toolkit.diagnostics.diagnostic import Diagnostic, Severity
from pasta_toolkit.diagnostics.input_rules import INPUT_RULES
from pasta_toolkit.diagnostics.render.findings import Findings
from pasta_toolkit.records import RecordFault

__all__ = ["diagnostic_of_fault", "input_faults"]


def diagnostic_of_fault(fault: RecordFault) -> Diagnostic:
    """Turn a fault into a diagnostic that points into `fault.text`."""
    rule = next(rule for rule in INPUT_RULES if rule.name == fault.kind)
    end = min(fault.offset + 1, len(fault.text))
    return Diagnostic(rule.code, rule.name, rule.severity, fault.message, Span(fault.offset, max(fault.offset, end)))


def input_faults(findings: Iterable[Findings]) -> Iterator[Findings]:
    """Return the records among these with faults of the input worse than a warning, and those faults alone."""
    codes = {rule.code for rule in INPUT_RULES if rule.severity == Severity.ERROR}
    for item in findings:
        faults = tuple(diagnostic for diagnostic in item.diagnostics if diagnostic.code in codes)
        if faults:
            yield item.with_diagnostics(faults)
