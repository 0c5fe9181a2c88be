"""Summaries as JSON values and as tables of text cells: what all formats of `pasta stats` show."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from pasta_toolkit.dag.statistics.summary import QUANTILES, Summary

__all__ = ["Grid", "detail_grid", "distribution_grid", "group_grid", "summary_document", "totals_grid"]

SHOWN_NAMES = {
    "ideal_speedup": "ideal speed-up",
    "parallelism": "parallelism",
    "width": "width (threads)",
    "promises": "promises a document",
    "tag_overhead": "tag overhead",
}
NOTHING = "-"
NUMBER = re.compile(r"-|[-+0-9.,]+%?")


@dataclass(frozen=True, slots=True)
class Grid:
    """A table: a title, the names of its columns, and rows of text cells."""

    title: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]

    @property
    def numeric_columns(self) -> tuple[bool, ...]:
        """Which columns hold numbers alone, and so are aligned to the right; the first one names its row."""
        columns = list(zip(*self.rows, strict=True)) or [() for _ in self.columns]
        return tuple(place > 0 and all(map(NUMBER.fullmatch, cells)) for place, cells in enumerate(columns))


def summary_document(summary: Summary) -> dict[str, Any]:
    """Return a summary as a JSON value; `quantiles` and `means` have a key a measure."""
    content = asdict(summary)
    distributions = content.pop("distributions")
    return {
        **content,
        "tag_overhead": summary.tag_overhead,
        "sequential_share": summary.sequential_share,
        "means": {name: value["mean"] for name, value in distributions.items()},
        "quantiles": {name: value["quantiles"] for name, value in distributions.items()},
    }


def totals_grid(summary: Summary) -> Grid:
    """Return the numbers that hold for the data set as a whole."""
    full = summary.documents - summary.empty_documents
    rows = [
        ("documents", f"{summary.documents:,}", f"{summary.empty_documents:,} empty, left out of averages"),
        ("ideal speed-up", _number(summary.geomean_ideal_speedup), "geometric mean, sequential / critical-path tokens"),
        ("  with promises", _number(summary.geomean_ideal_speedup_with_promises), "geometric mean, others left out"),
        ("parallelism", _number(summary.geomean_parallelism), "geometric mean, decoded / critical-path tokens"),
        ("tag overhead", f"{summary.tag_overhead:.1%}", "all tag tokens / all decoded tokens"),
        (
            "sequential",
            _share(summary.sequential_share),
            f"{summary.sequential_documents:,} of {full:,} promise nothing",
        ),
        ("slowed down", _share(summary.slower_documents / full if full else None), "ideal speed-up below 1"),
        ("sequential tokens", f"{summary.sequential_tokens:,}", "of the rendered answers"),
        ("decoded tokens", f"{summary.decoded_tokens:,}", f"{summary.tag_tokens:,} of them in tags"),
        ("promises", f"{summary.promises:,}", f"{summary.promise_groups:,} groups, {summary.syncs:,} syncs"),
    ]
    if summary.documents_with_baseline or summary.empty_baselines:
        rows.insert(3, ("theoretical speed-up", _number(summary.geomean_theoretical_speedup), _baseline(summary)))
    return Grid("Data set", ("measure", "value", "meaning"), tuple(rows))


def distribution_grid(summary: Summary) -> Grid:
    """Return mean and quantiles of each measure."""
    rows = [
        (
            SHOWN_NAMES[name],
            _number(distribution.mean),
            *(_number(value) for value in distribution.quantiles.values()),
        )
        for name, distribution in summary.distributions.items()
    ]
    return Grid("Distribution over documents", ("measure", "mean", *QUANTILES), tuple(rows))


def group_grid(groups: Mapping[str, Summary], *, field: str) -> Grid:
    """Return a row for each value of a field."""
    columns = (
        field,
        "documents",
        "empty",
        "ideal speed-up",
        "with promises",
        "parallelism",
        "tag overhead",
        "median width",
        "mean promises",
        "sequential",
    )
    has_baseline = any(summary.documents_with_baseline for summary in groups.values())
    rows = [_group_row(value, summary, has_baseline=has_baseline) for value, summary in groups.items()]
    return Grid(f"By {field}", (*columns, *(["theoretical"] if has_baseline else [])), tuple(rows))


def _group_row(value: str, summary: Summary, *, has_baseline: bool) -> tuple[str, ...]:
    width, promises = summary.distributions.get("width"), summary.distributions.get("promises")
    return (
        value,
        f"{summary.documents:,}",
        f"{summary.empty_documents:,}",
        _number(summary.geomean_ideal_speedup),
        _number(summary.geomean_ideal_speedup_with_promises),
        _number(summary.geomean_parallelism),
        f"{summary.tag_overhead:.1%}",
        _number(width.quantiles["median"] if width else None),
        _number(promises.mean if promises else None),
        _share(summary.sequential_share),
        *([_number(summary.geomean_theoretical_speedup)] if has_baseline else []),
    )


def _baseline(summary: Summary) -> str:
    empty = f", {summary.empty_baselines:,} empty baselines left out" if summary.empty_baselines else ""
    return f"geometric mean, baseline / critical-path tokens, {summary.documents_with_baseline:,} documents{empty}"


def _number(value: float | None) -> str:
    return NOTHING if value is None else f"{value:,.2f}"


def _share(value: float | None) -> str:
    return NOTHING if value is None else f"{value:.1%}"


def detail_grid(details: Sequence[Mapping[str, Any]]) -> Grid:
    """Return a row for each document."""
    columns = ("document", "ideal speed-up", "parallelism", "width", "promises", "tag overhead", "tokens")
    return Grid("Documents", columns, tuple(map(_detail_row, details)))


def _detail_row(detail: Mapping[str, Any]) -> tuple[str, ...]:
    record = detail["record"]
    return (
        detail["path"] if record is None else f"{detail['path']}:{record}",
        NOTHING if detail["is_empty"] else _number(detail["ideal_speedup"]),
        NOTHING if detail["is_empty"] else _number(detail["parallelism"]),
        f"{detail['width']:,}",
        f"{detail['num_promises']:,}",
        f"{detail['tag_overhead']:.1%}",
        f"{detail['decoded_tokens']:,}",
    )
