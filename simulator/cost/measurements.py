"""Reads tables of measured kernels and steps from CSV files into rows. Knows no formula."""

import csv
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from simulator.cost.errors import CostError

__all__ = [
    "AttentionRow",
    "MatmulRow",
    "StepRow",
    "read_attention_rows",
    "read_matmul_rows",
    "read_rows",
    "read_step_rows",
]

Row = TypeVar("Row")
SECONDS_PER_MICROSECOND = 1e-6
SECONDS_PER_MILLISECOND = 1e-3


@dataclass(frozen=True, slots=True)
class MatmulRow:
    """One measured product (rows, inner) @ (inner, outer) on a device."""

    device: str
    rows: int
    outer: int
    inner: int
    seconds: float


@dataclass(frozen=True, slots=True)
class AttentionRow:
    """One measured decode attention of one layer: lanes of equal context on a device."""

    device: str
    num_query_heads: int
    num_kv_heads: int
    head_size: int
    num_lanes: int
    context: int
    seconds: float


@dataclass(frozen=True, slots=True)
class StepRow:
    """One measured decode step of a model: lanes of equal context on a device."""

    device: str
    model: str
    tensor_parallel: int
    num_lanes: int
    context: int
    seconds: float


def read_rows(path: Path, make: Callable[[dict[str, str]], Row]) -> tuple[Row, ...]:
    """Read a CSV file row by row.

    Raises:
        CostError: the file cannot be read, has no rows, or a row lacks a column or holds no number.
    """
    try:
        with path.open(encoding="utf-8", newline="") as file:
            rows = tuple(_made(path, csv.DictReader(file), make))
    except OSError as error:
        raise CostError(f"cannot read the table {str(path)!r}: {error}") from error
    if not rows:
        raise CostError(f"the table {str(path)!r} has no rows")
    return rows


def _made(path: Path, reader: "csv.DictReader[str]", make: Callable[[dict[str, str]], Row]) -> Iterator[Row]:
    for row in reader:
        try:
            yield make(row)
        except (KeyError, ValueError, TypeError) as error:
            raise CostError(f"{path}, line {reader.line_num}: {error} is no number or no column") from error


def read_matmul_rows(path: Path) -> tuple[MatmulRow, ...]:
    """Read `system,m,n,k,latency_us`."""
    return read_rows(path, _matmul_row)


def read_attention_rows(path: Path) -> tuple[AttentionRow, ...]:
    """Read `system,q_heads,kv_heads,head_dim,batch,context,latency_us`."""
    return read_rows(path, _attention_row)


def read_step_rows(path: Path) -> tuple[StepRow, ...]:
    """Read `system,backend,model,tp,batch,ctx,step_ms`."""
    return read_rows(path, _step_row)


def _matmul_row(row: dict[str, str]) -> MatmulRow:
    seconds = float(row["latency_us"]) * SECONDS_PER_MICROSECOND
    return MatmulRow(row["system"], int(row["m"]), int(row["n"]), int(row["k"]), seconds)


def _attention_row(row: dict[str, str]) -> AttentionRow:
    heads = (int(row["q_heads"]), int(row["kv_heads"]), int(row["head_dim"]))
    seconds = float(row["latency_us"]) * SECONDS_PER_MICROSECOND
    return AttentionRow(row["system"], *heads, int(row["batch"]), int(row["context"]), seconds)


def _step_row(row: dict[str, str]) -> StepRow:
    seconds = float(row["step_ms"]) * SECONDS_PER_MILLISECOND
    return StepRow(row["system"], row["model"], int(row["tp"]), int(row["batch"]), int(row["ctx"]), seconds)
