"""Reports as text for a terminal, and as Markdown. Layout only."""

from collections.abc import Iterator

from pasta_toolkit.report.rows import Cell, Table, load_table, shown, summary_table, waterfall_table
from pasta_toolkit.report.simulation import SimulationReport

__all__ = ["break_even_sentences", "markdown", "text"]


def text(report: SimulationReport) -> str:
    """Return a report for a terminal."""
    about = "\n".join(f"{name}: {value}" for name, value in report.about)
    return "\n\n".join((about, *map(_plain, _tables(report)), *break_even_sentences(report))) + "\n"


def markdown(report: SimulationReport) -> str:
    """Return a report as Markdown."""
    about = "\n".join(f"- {name}: {value}" for name, value in report.about)
    parts = ("# Simulation", about, *map(_markdown_table, _tables(report)), *break_even_sentences(report))
    return "\n\n".join(parts) + "\n"


def break_even_sentences(report: SimulationReport) -> Iterator[str]:
    """Say for each strategy at which load it stops paying."""
    for found in report.break_evens:
        if found.low_per_s is None:
            yield f"{found.strategy} pays at none of these rates."
        elif found.high_per_s is None:
            yield f"{found.strategy} pays at every simulated rate, up to {shown(found.low_per_s)} requests/s."
        else:
            low, high = shown(found.low_per_s), shown(found.high_per_s)
            yield f"{found.strategy} pays up to {low} requests/s, and no longer at {high}."


def _tables(report: SimulationReport) -> Iterator[Table]:
    yield summary_table(report)
    yield from (waterfall_table(summary) for summary in report.summaries if summary.waterfall)
    if report.load:
        yield load_table(report.load)


def _plain(table: Table) -> str:
    cells = [list(table.columns), *([shown(cell) for cell in row] for row in table.rows)]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    kinds = [_is_number(column) for column in zip(*table.rows, strict=True)] if table.rows else [False] * len(widths)
    lines = (
        "  ".join(
            cell.rjust(width) if is_number else cell.ljust(width)
            for cell, width, is_number in zip(row, widths, kinds, strict=True)
        ).rstrip()
        for row in cells
    )
    return "\n".join((table.title, *lines))


def _is_number(column: tuple[Cell, ...]) -> bool:
    return all(cell is None or isinstance(cell, int | float) or cell.endswith("%") for cell in column)


def _markdown_table(table: Table) -> str:
    head = "| " + " | ".join(table.columns) + " |"
    rule = "|" + "---|" * len(table.columns)
    rows = ("| " + " | ".join(shown(cell).replace("|", "\\|") for cell in row) + " |" for row in table.rows)
    return "\n".join((f"## {table.title}", "", head, rule, *rows))
