"""Counts findings over all records of a run, for the summary, the statistics and the exit code."""

from collections import Counter
from dataclasses import dataclass, field

from pasta_toolkit.cli.processing import Processed
from pasta_toolkit.diagnostics import Safety, Severity
from pasta_toolkit.diagnostics.render import Findings, RuleCount, Summary

__all__ = ["Tally"]


@dataclass(slots=True)
class Tally:
    """Running counts; they are all that is kept of findings that have been shown."""

    num_records: int = 0
    num_records_with_findings: int = 0
    num_fixed: int = 0
    num_changes: int = 0
    rules: dict[str, tuple[str, Severity]] = field(default_factory=dict)
    num_diagnostics: Counter[str] = field(default_factory=Counter)
    num_records_by_rule: Counter[str] = field(default_factory=Counter)
    num_fixes: Counter[Safety] = field(default_factory=Counter)

    def add(self, processed: Processed) -> None:
        """Count what came of one chunk."""
        self.num_records += processed.num_records
        self.num_fixed += processed.num_fixed
        self.num_changes += len(processed.changes)
        self.num_records_with_findings += len(processed.findings)
        for findings in processed.findings:
            self._add_findings(findings)

    def _add_findings(self, findings: Findings) -> None:
        for diagnostic in findings.diagnostics:
            self.rules.setdefault(diagnostic.code, (diagnostic.rule, diagnostic.severity))
            self.num_diagnostics[diagnostic.code] += 1
            if diagnostic.fix is not None:
                self.num_fixes[diagnostic.fix.safety] += 1
        self.num_records_by_rule.update({diagnostic.code for diagnostic in findings.diagnostics})

    def summary(self) -> Summary:
        """Return what has been counted; rules with many diagnostics come first, then by code."""
        by_frequency = sorted(self.num_diagnostics.items(), key=lambda item: (-item[1], item[0]))
        rules = tuple(
            RuleCount(code, *self.rules[code], number, self.num_records_by_rule[code]) for code, number in by_frequency
        )
        return Summary(
            num_records=self.num_records,
            num_records_with_findings=self.num_records_with_findings,
            num_safe_fixes=self.num_fixes[Safety.SAFE],
            num_unsafe_fixes=self.num_fixes[Safety.UNSAFE],
            num_fixed=self.num_fixed,
            rules=rules,
        )
