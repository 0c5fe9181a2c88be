"""What `pasta decode` reports of a request: rows, their summary, and both as text. Measures nothing itself."""

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from pasta_toolkit.cli.shared import EXIT_FINDINGS, EXIT_USAGE

__all__ = ["Row", "exit_code", "report_text", "row_data", "summary"]

HEADINGS = ("document", "threads", "tokens", "latency", "first token", "tokens/s", "measured", "ideal")


@dataclass(frozen=True, slots=True)
class Row:
    """One request. Times count from its admission; speed-ups are against one thread that decodes the rendered answer.

    `agreement` is the share of a document's tokens that the model would have chosen; `text` is the rendered answer and
    `response` the annotated one, in free mode. A `fault` says why that is no valid document, an `error` why there is
    none.
    """

    document: str
    mode: str
    prompt_tokens: int | None = None
    threads: int | None = None
    tokens: int | None = None
    latency_s: float | None = None
    ttft_s: float | None = None
    tokens_per_s: float | None = None
    sequential_latency_s: float | None = None
    measured_speedup: float | None = None
    ideal_speedup: float | None = None
    agreement: float | None = None
    text: str | None = None
    response: str | None = None
    fault: str | None = None
    error: str | None = None


def summary(rows: Sequence[Row], *, decode_s: float) -> dict[str, Any]:
    """Return totals; `decode_s` are the seconds that parallel decoding took altogether."""
    done = [row for row in rows if row.error is None]
    tokens = sum(row.tokens or 0 for row in done)
    measured = _geomean(row.measured_speedup for row in done)
    ideal = _geomean(row.ideal_speedup for row in done if row.measured_speedup or measured is None)
    return {
        "requests": len(rows),
        "failed": len(rows) - len(done),
        "ill_formed": sum(row.fault is not None for row in done),
        "tokens": tokens,
        "decode_s": decode_s,
        "tokens_per_s": tokens / decode_s if decode_s else None,
        "geomean_measured_speedup": measured,
        "geomean_ideal_speedup": ideal,
        "share_of_ideal": measured / ideal if measured and ideal else None,
    }


def row_data(row: Row) -> dict[str, Any]:
    """Return a row for JSON: what has no meaning for it is left out."""
    return {name: value for name, value in asdict(row).items() if value is not None}


def report_text(rows: Sequence[Row], totals: dict[str, Any]) -> str:
    """Return a table of the rows and a line of totals."""
    lines = [HEADINGS, *map(_cells, rows)]
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    table = [_line(cells, widths) for cells in lines]
    failures = [f"{row.document}: {row.error or row.fault}" for row in rows if row.error or row.fault]
    return "\n".join([*table, "", _totals(totals), *failures]) + "\n"


def exit_code(rows: Sequence[Row], num_left_out: int) -> int:
    """Return how the command ends: 2 when all requests failed, 1 when some did, were left out or are ill-formed."""
    num_failed = sum(row.error is not None for row in rows)
    if num_failed == len(rows):
        return EXIT_USAGE
    return EXIT_FINDINGS if num_failed or num_left_out or any(row.fault is not None for row in rows) else 0


def _geomean(values: Iterable[float | None]) -> float | None:
    from pasta_toolkit.dag.statistics import geometric_mean  # noqa: PLC0415  # --help needs none of it

    return geometric_mean(value for value in values if value)


def _cells(row: Row) -> tuple[str, ...]:
    seconds = ["-" if value is None else f"{value:.3f} s" for value in (row.latency_s, row.ttft_s)]
    rate = "-" if row.tokens_per_s is None else f"{row.tokens_per_s:.1f}"
    speedups = ["-" if value is None else f"{value:.2f}" for value in (row.measured_speedup, row.ideal_speedup)]
    counts = ["-" if value is None else str(value) for value in (row.threads, row.tokens)]
    return (row.document, *counts, *seconds, rate, *speedups)


def _line(cells: Sequence[str], widths: Sequence[int]) -> str:
    first, *others = (
        cell.ljust(width) if place == 0 else cell.rjust(width)
        for place, (cell, width) in enumerate(zip(cells, widths, strict=True))
    )
    return "  ".join([first, *others]).rstrip()


def _totals(totals: dict[str, Any]) -> str:
    parts = [f"{totals['requests'] - totals['failed']} of {totals['requests']} requests, {totals['tokens']:,} tokens"]
    if totals["tokens_per_s"] is not None:
        parts.append(f"{totals['tokens_per_s']:.1f} tokens/s in {totals['decode_s']:.2f} s")
    if totals["geomean_measured_speedup"] is not None:
        parts.append(
            f"speed-up {totals['geomean_measured_speedup']:.2f} of an ideal {totals['geomean_ideal_speedup']:.2f} "
            "(geometric means)"
        )
    return "; ".join(parts)
