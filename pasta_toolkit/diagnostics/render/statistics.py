"""Renders how often each rule was broken as a table for people."""

from pasta_toolkit.diagnostics.render.findings import Summary

__all__ = ["statistics_table"]


def statistics_table(summary: Summary) -> str:
    """Return a table with a line a rule: diagnostics, records, share of all records, rule."""
    if not summary.rules:
        return ""
    rows = [("findings", "records", "share", "rule")]
    for rule in summary.rules:
        share = f"{100 * rule.num_records / summary.num_records:.1f} %"
        name = f"{rule.severity}[{rule.code}] {rule.rule}"
        rows.append((f"{rule.num_diagnostics:,}", f"{rule.num_records:,}", share, name))
    widths = [max(len(row[column]) for row in rows) for column in range(3)]
    return "".join(
        f"{counted:>{widths[0]}}  {records:>{widths[1]}}  {share:>{widths[2]}}  {name}\n"
        for counted, records, share, name in rows
    )
