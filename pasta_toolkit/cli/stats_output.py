"""Writes what `pasta stats` has found to stdout: tables on a terminal, plain text, Markdown, CSV or JSON."""

import sys
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

import click

from pasta_toolkit.cli.shared import write_json
from pasta_toolkit.dag.statistics import (
    DataSet,
    Grid,
    csv_of_documents,
    csv_of_summaries,
    detail_grid,
    distribution_grid,
    group_grid,
    markdown_grid,
    plain_grid,
    summary_document,
    totals_grid,
)
from pasta_toolkit.dag.wording import counted_with
from pasta_toolkit.tokens import TokenCounter

__all__ = ["StatsFormat", "StatsReport", "show"]

StatsFormat: TypeAlias = Literal["text", "json", "csv", "markdown"]

ALL = "(all)"


@dataclass(frozen=True, slots=True)
class StatsReport:
    """What was measured, with what, and what could not be; `faults` are numbers of records by kind."""

    data_set: DataSet
    counter: TokenCounter
    by: str | None
    faults: Mapping[str, int]


def show(report: StatsReport, stats_format: StatsFormat, *, has_details: bool) -> None:
    """Write a report in a format."""
    if stats_format == "json":
        write_json("stats", _document(report, has_details=has_details))
    elif stats_format == "csv":
        click.echo(_csv(report, has_details=has_details), nl=False)
    elif stats_format == "text" and sys.stdout.isatty():
        _show_on_terminal(report, has_details=has_details)
    else:
        writer = markdown_grid if stats_format == "markdown" else plain_grid
        tables = [writer(grid) for grid in _grids(report, has_details=has_details)]
        click.echo("\n".join([_counting(report) + "\n", *tables]), nl=False)


def _document(report: StatsReport, *, has_details: bool) -> dict[str, Any]:
    content: dict[str, Any] = {
        "tokenizer": {"name": report.counter.name, "is_exact": report.counter.is_exact},
        **summary_document(report.data_set.summary()),
        "faults": dict(report.faults),
    }
    if report.by is not None:
        summaries = report.data_set.summaries().items()
        content["by"] = report.by
        content["groups"] = [{"value": value, **summary_document(summary)} for value, summary in summaries]
    if has_details:
        content["documents_detail"] = report.data_set.details
    return content


def _csv(report: StatsReport, *, has_details: bool) -> str:
    if has_details:
        return csv_of_documents(report.data_set.details)
    return csv_of_summaries([(ALL, report.data_set.summary()), *report.data_set.summaries().items()])


def _grids(report: StatsReport, *, has_details: bool) -> list[Grid]:
    summary = report.data_set.summary()
    grids = [totals_grid(summary)]
    if summary.distributions:
        grids.append(distribution_grid(summary))
    if report.by is not None:
        grids.append(group_grid(report.data_set.summaries(), field=report.by))
    if has_details:
        grids.append(detail_grid(report.data_set.details))
    return grids


def _counting(report: StatsReport) -> str:
    return f"Tokens counted with {counted_with(report.counter.name, is_exact=report.counter.is_exact)}."


def _show_on_terminal(report: StatsReport, *, has_details: bool) -> None:
    from rich.box import SIMPLE_HEAD  # noqa: PLC0415 (only on a terminal)
    from rich.console import Console  # noqa: PLC0415
    from rich.table import Table  # noqa: PLC0415
    from rich.text import Text  # noqa: PLC0415

    console = Console(highlight=False)
    console.print(Text(_counting(report)))
    for grid in _grids(report, has_details=has_details):
        title = Text(grid.title, style="bold")
        table = Table(title=title, title_justify="left", header_style="bold", box=SIMPLE_HEAD, padding=(0, 1, 0, 0))
        for name, is_number in zip(grid.columns, grid.numeric_columns, strict=True):
            table.add_column(Text(name), justify="right" if is_number else "left", overflow="fold")
        for row in grid.rows:
            table.add_row(*map(Text, row))
        console.print()
        console.print(table)
