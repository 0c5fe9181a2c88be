"""Tables of a comparison, for people. Cells are text; nothing is computed but percentages of what was found."""

from collections.abc import Iterator

from pasta_toolkit.dag.statistics import Grid, quantile
from pasta_toolkit.report.agreement import Errors
from pasta_toolkit.report.cells import NOTHING, number, share, signed
from pasta_toolkit.report.comparison import Comparison
from pasta_toolkit.report.comparison_row import ComparisonRow

__all__ = ["document_grid", "grids", "sentences"]

NANOSECONDS_PER_SECOND = 1e9
# What is asked of a calibrated profile on a quiet machine: (median, 95th percentile).
ASKED = {"latency": (0.05, 0.10), "speed-up": (0.03, 0.08)}
ASKED_SIGNS, ASKED_RANKS, ASKED_COVERAGE = 0.99, 0.95, (0.85, 0.95)
VISIBLE = 5e-4
AT_PROFILE_SPEED = "at the profile's speed"
P5, P95 = 0.05, 0.95


def sentences(comparison: Comparison) -> Iterator[str]:
    """Say what matters: what was found wrong, and whether noise hides the rest."""
    documents = f"all {len(comparison.rows)} documents" if len(comparison.rows) > 1 else "the one document"
    yield f"Structure: equal, event by event, in {documents}."
    yield from (finding.sentence[:1].upper() + finding.sentence[1:] + "." for finding in comparison.findings)
    slowdowns = sorted(comparison.slowdowns)
    if slowdowns:
        low, middle, high = (quantile(slowdowns, rank) for rank in (P5, 0.5, P95))
        spread = f" ({low:.2f} to {high:.2f} in 90 % of the documents)" if len(slowdowns) > 1 else ""
        yield f"The machine: a probe's step took {middle:.2f} times what the profile says{spread}."
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
        signed(row.latency_error),
        signed(row.latency_noise),
        f"{row.measured_speedup:.2f}",
        f"{row.predicted_speedup:.2f}",
        signed(row.speedup_error),
        f"{row.ideal_speedup:.2f}",
        covered,
    )


def _agreement_grid(comparison: Comparison) -> Grid:
    """Return what was found and what was asked; beside it the same at the profile's speed, where a probe told it."""
    columns = ["found", "noise floor"]
    cells: list[tuple[str, ...]] = list(_agreement_cells(comparison))
    if comparison.steady is not None:
        columns += [AT_PROFILE_SPEED, "noise floor"]
        cells = [one + other for one, other in zip(cells, _agreement_cells(comparison.steady), strict=True)]
    rows = tuple(
        (name, *found, asked) for (name, asked), found in zip(_agreement_names(comparison), cells, strict=True)
    )
    return Grid("Predicted against measured", ("measure", *columns, "asked"), rows)


def _agreement_names(comparison: Comparison) -> Iterator[tuple[str, str]]:
    """Yield what each row is of, and what is asked of it."""
    for name, (median, p95) in ASKED.items():
        yield f"{name} error, median", f"<= {median:.0%}"
        yield f"{name} error, p95", f"<= {p95:.0%}"
    yield f"sign right (of {comparison.num_signs} beyond 5 %)", f">= {ASKED_SIGNS:.0%}"
    yield "rank correlation of speed-ups", f">= {ASKED_RANKS}"
    yield "rank correlation of latencies", f">= {ASKED_RANKS}"
    yield "90 % intervals cover", "{:.0%} to {:.0%}".format(*ASKED_COVERAGE)
    for name in ("measured", "predicted", "ideal"):
        yield f"{name} speed-up, geometric mean", NOTHING


def _agreement_cells(comparison: Comparison) -> Iterator[tuple[str, str]]:
    """Yield what was found for each row, and the machine's own noise beside it."""
    noises = (comparison.latency_noise, comparison.speedup_noise)
    for name, noise in zip(ASKED, noises, strict=True):
        errors = comparison.times[name]
        yield share(errors.median), share(None if noise is None else noise.median)
        yield share(errors.p95), share(None if noise is None else noise.p95)
    yield share(comparison.sign_agreement), NOTHING
    yield number(comparison.speedup_rank_correlation), NOTHING
    yield number(comparison.latency_rank_correlation), NOTHING
    yield share(comparison.interval_coverage), NOTHING
    yield number(comparison.measured_geomean_speedup), NOTHING
    yield number(comparison.predicted_geomean_speedup), NOTHING
    yield number(comparison.geomean_ideal_speedup), NOTHING


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
    return f"{errors.count:,}", f"{errors.median:.1%}", f"{errors.p95:.1%}", signed(errors.bias)
