"""One thing changed at a time: rows as data, and the table of such rows. Knows no engine and no files."""

from collections.abc import Mapping, Sequence
from typing import Any

from pasta_toolkit.dag.statistics import Grid
from pasta_toolkit.report.cells import signed
from pasta_toolkit.report.comparison_data import row_content
from pasta_toolkit.report.comparison_row import ComparisonRow

__all__ = ["ablation_content", "ablation_grid"]

KEYS = (
    "branches",
    "prompt_tokens",
    "sequential_tokens",
    "measured_latency_s",
    "predicted_latency_s",
    "latency_error",
    "measured_speedup",
    "predicted_speedup",
    "speedup_error",
    "ideal_speedup",
    "latency_noise",
    "slowdown",
    "steady_latency_error",
    "steady_speedup_error",
)
TIMES = ("measured s", "predicted s", "error")
SPEEDUPS = ("measured speed-up", "predicted", "error", "ideal")
STEADY = ("steady error", "steady error of speed-up")  # at the profile's speed


def ablation_content(changed: str, setting: str, *, row: ComparisonRow) -> dict[str, Any]:
    """Return one row as data: what was changed, to what, and what came of it."""
    content = row_content(row)
    return {"changed": changed, "to": setting, **{key: content[key] for key in KEYS}}


def ablation_grid(rows: Sequence[Mapping[str, Any]]) -> Grid:
    """Return the table of rows as `ablation_content` makes them."""
    columns = ("changed", "to", "tokens", *TIMES, *SPEEDUPS, "noise", *STEADY)
    return Grid("One thing changed at a time", columns, tuple(map(_cells, rows)))


def _cells(row: Mapping[str, Any]) -> tuple[str, ...]:
    return (
        row["changed"],
        row["to"],
        f"{row['sequential_tokens']}",
        f"{row['measured_latency_s']:.3f}",
        f"{row['predicted_latency_s']:.3f}",
        signed(row["latency_error"]),
        f"{row['measured_speedup']:.2f}",
        f"{row['predicted_speedup']:.2f}",
        signed(row["speedup_error"]),
        f"{row['ideal_speedup']:.2f}",
        *(signed(row[key]) for key in ("latency_noise", "steady_latency_error", "steady_speedup_error")),
    )
