"""Writes summaries as plain text, Markdown and CSV. Computes nothing."""

import csv
import io
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from pasta_toolkit.dag.statistics.documents import Grid, summary_document
from pasta_toolkit.dag.statistics.summary import Summary
from pasta_toolkit.dag.terminal import display_width

__all__ = ["csv_of_documents", "csv_of_summaries", "markdown_grid", "plain_grid"]

GAP = "  "


def plain_grid(grid: Grid) -> str:
    """Write a table with aligned columns: numbers to the right, all else to the left."""
    widths = [max(map(display_width, column)) for column in zip(grid.columns, *grid.rows, strict=True)]
    lines = [_plain_row(row, widths, grid.numeric_columns) for row in (grid.columns, *grid.rows)]
    return "\n".join([grid.title, *lines]) + "\n"


def _plain_row(cells: Sequence[str], widths: Sequence[int], numeric: Sequence[bool]) -> str:
    padded = []
    for cell, width, is_number in zip(cells, widths, numeric, strict=True):
        blank = " " * (width - display_width(cell))
        padded.append(blank + cell if is_number else cell + blank)
    return GAP.join(padded).rstrip()


def markdown_grid(grid: Grid) -> str:
    """Write a table as Markdown, as GitHub reads it."""
    rules = ["--:" if is_number else ":--" for is_number in grid.numeric_columns]
    rows = (map(_markdown_cell, grid.columns), rules, *(map(_markdown_cell, row) for row in grid.rows))
    return f"**{_markdown_cell(grid.title)}**\n\n" + "".join(f"| {' | '.join(row)} |\n" for row in rows)


def _markdown_cell(text: str) -> str:
    one_line = " ".join(text.split())
    return re.sub(r"([\\|`*_<>\[\]])", r"\\\1", one_line)


def csv_of_summaries(summaries: Iterable[tuple[str, Summary]]) -> str:
    """Write one row a summary; the first column, `value`, is the one that it is given with."""
    return _csv({"value": value, **_flat(summary_document(summary))} for value, summary in summaries)


def csv_of_documents(details: Iterable[Mapping[str, Any]]) -> str:
    """Write one row a document."""
    return _csv(details)


def _flat(content: Mapping[str, Any]) -> dict[str, Any]:
    """Join the keys of nested mappings by an underscore: `means.width` becomes `means_width`."""
    flat: dict[str, Any] = {}
    for name, value in content.items():
        if isinstance(value, Mapping):
            flat.update({f"{name}_{key}": part for key, part in _flat(value).items()})
        else:
            flat[name] = value
    return flat


def _csv(rows: Iterable[Mapping[str, Any]]) -> str:
    """Write rows under the union of their keys, in the order in which they are met; None is an empty cell."""
    kept = list(rows)
    names = dict.fromkeys(name for row in kept for name in row)
    buffer = io.StringIO()
    writer = csv.DictWriter(buffer, list(names), lineterminator="\n")
    writer.writeheader()
    writer.writerows(kept)
    return buffer.getvalue()
