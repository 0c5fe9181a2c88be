"""Tables of a comparison, for people. Cells are text; nothing is computed but percentages of what was found."""

from collections.abc import Iterator

from pasta_toolkit.dag.statistics import Grid
from pasta_toolkit.report.agreement import Errors
from pasta_toolkit.report.comparison import Comparison
from pasta_toolkit.report.comparison_row import ComparisonRow

__all__ = ["document_grid", "grids", "sentences"]

NOTHING = "-"
NANOSECONDS_PER_SECOND = 1e9
# What is asked of a calibrated profile on a quiet machine: (median, 95th percentile).
ASKED = {"latency": (0.05, 0.10), "speed-up": (0.03, 0.08)}
ASKED_SIGNS, ASKED_RANKS, ASKED_COVERAGE = 0.99, 0.95, (0.85, 0.95)
VISIBLE = 5e-4


def sentences(comparison: Comparison) -> Iterator[str]:
    """Say what matters: what was found wrong, and whether noise hides the rest."""
    yield f"Structure: equal, event by event, in all {len(comparison.rows)} documents."
    yield from (finding.sentence[:1].upper() + finding.sentence[1:] + "." for finding in comparison.findings)
    if comparison.latency_noise is None:
        yield "Noise floor: unknown, since nothing was decoded twice (--repetitions 2)."


def grids(comparison: Comparison) -> Iterator[Grid]:
    """Return all tables but that of the single documents, in order of interest."""
    yield _agreement_grid(comparison)
    yield _times_grid(comparison)
    yield _levels_grid(comparison)
    if comparison.measured_factors:
        yield _loss_grid(comparison)


def document_grid(comparison: Comparison) -> Grid:
    """Return one row for each document."""
    columns = ("document", "tokens", "branches", "measured s", "predicted s", "error", "noise")
    more = ("measured speed-up", "predicted", "error", "ideal", "in interval")
    return Grid("Documents", (*columns, *more), tuple(map(_document_row, comparison.rows)))


def _document_row(row: ComparisonRow) -> tuple[str, ...]:
    covered = {None: NOTHING, True: "yes", False: "no"}[row.is_covered]
    return (
        row.document,
        f"{row.sequential_tokens:,}",
        f"{row.num_branches}",
        f"{row.measured_latency_ns / NANOSECONDS_PER_SECOND:.3f}",
        f"{row.predicted_latency_ns / NANOSECONDS_PER_SECOND:.3f}",
        _signed(row.latency_error),
        NOTHING if row.latency_noise is None else _signed(row.latency_noise),
        f"{row.measured_speedup:.2f}",
        f"{row.predicted_speedup:.2f}",
        _signed(row.speedup_error),
        f"{row.ideal_speedup:.2f}",
        covered,
    )


def _agreement_grid(comparison: Comparison) -> Grid:
    low, high = ASKED_COVERAGE
    rows = [
        *_error_rows("latency", comparison.times["latency"], comparison.latency_noise),
        *_error_rows("speed-up", comparison.times["speed-up"], comparison.speedup_noise),
        (
            f"sign right (of {comparison.num_signs} beyond 5 %)",
            _share(comparison.sign_agreement),
            f">= {ASKED_SIGNS:.0%}",
            NOTHING,
        ),
        _correlation_row("rank correlation of speed-ups", comparison.speedup_rank_correlation),
        _correlation_row("rank correlation of latencies", comparison.latency_rank_correlation),
        ("90 % intervals cover", _share(comparison.interval_coverage), f"{low:.0%} to {high:.0%}", NOTHING),
        _mean_row("measured speed-up", comparison.measured_geomean_speedup),
        _mean_row("predicted speed-up", comparison.predicted_geomean_speedup),
        _mean_row("ideal speed-up", comparison.geomean_ideal_speedup),
    ]
    return Grid("Predicted against measured", ("measure", "found", "asked", "noise floor"), tuple(rows))


def _error_rows(name: str, errors: Errors, noise: Errors | None) -> Iterator[tuple[str, ...]]:
    """Yield median and 95th percentile of an error beside what was asked and what the machine's noise is."""
    floors = (None, None) if noise is None else (noise.median, noise.p95)
    for kind, error, asked, floor in zip(
        ("median", "p95"), (errors.median, errors.p95), ASKED[name], floors, strict=True
    ):
        yield f"{name} error, {kind}", f"{error:.1%}", f"<= {asked:.0%}", NOTHING if floor is None else f"{floor:.1%}"


def _correlation_row(name: str, found: float | None) -> tuple[str, ...]:
    return name, NOTHING if found is None else f"{found:.3f}", f">= {ASKED_RANKS}", NOTHING


def _mean_row(name: str, found: float | None) -> tuple[str, ...]:
    return f"{name}, geometric mean", NOTHING if found is None else f"{found:.3f}", NOTHING, NOTHING


def _times_grid(comparison: Comparison) -> Grid:
    rows = tuple((name, *_cells(errors)) for name, errors in comparison.times.items())
    return Grid("Errors of a document's times", ("time", "documents", "median", "p95", "bias"), rows)


def _levels_grid(comparison: Comparison) -> Grid:
    rows = tuple((level, *_cells(errors)) for level, errors in comparison.levels.items())
    return Grid("Errors from step to request", ("level", "number", "median", "p95", "bias"), rows)


def _loss_grid(comparison: Comparison) -> Grid:
    rows = tuple(
        (name.replace("_", " "), f"{comparison.predicted_factors[name]:.3f}", f"{measured:.3f}")
        for name, measured in comparison.measured_factors.items()
        if max(abs(measured - 1), abs(comparison.predicted_factors[name] - 1)) >= VISIBLE
    )
    return Grid("Where the speed-up goes: factors", ("term", "predicted", "measured"), rows)


def _cells(errors: Errors) -> tuple[str, ...]:
    return f"{errors.count:,}", f"{errors.median:.1%}", f"{errors.p95:.1%}", _signed(errors.bias)


def _share(value: float | None) -> str:
    return NOTHING if value is None else f"{value:.1%}"


def _signed(error: float) -> str:
    return f"{error:+.1%}"
