"""A comparison as data, for programs: the document `pasta.compare/1`. Names and nothing else."""

from dataclasses import asdict
from typing import Any

from pasta_toolkit.report.comparison import Comparison
from pasta_toolkit.report.comparison_row import ComparisonRow
from pasta_toolkit.report.prediction import LossAccount

__all__ = ["comparison_content", "row_content"]

NANOSECONDS_PER_SECOND = 1e9


def comparison_content(comparison: Comparison) -> dict[str, Any]:
    """Return the content of the document; null stands where nothing can be said."""
    return {
        **_sums(comparison),
        "rows": [row_content(row) for row in comparison.rows],
        "detail": _detail(comparison),
    }


def _sums(comparison: Comparison) -> dict[str, Any]:
    return {
        "latency_error_median": comparison.times["latency"].median,
        "latency_error_p95": comparison.times["latency"].p95,
        "speedup_error_median": comparison.times["speed-up"].median,
        "speedup_error_p95": comparison.times["speed-up"].p95,
        "sign_agreement": comparison.sign_agreement,
        "rank_correlation": comparison.speedup_rank_correlation,
        "interval_coverage": comparison.interval_coverage,
        "noise_floor_median": None if comparison.latency_noise is None else comparison.latency_noise.median,
        "noise_floor_p95": None if comparison.latency_noise is None else comparison.latency_noise.p95,
        "measured_geomean_speedup": comparison.measured_geomean_speedup,
        "geomean_ideal_speedup": comparison.geomean_ideal_speedup,
        "documents": len(comparison.rows),
    }


def _detail(comparison: Comparison) -> dict[str, Any]:
    return {
        "about": dict(comparison.about),
        "predicted_geomean_speedup": comparison.predicted_geomean_speedup,
        "latency_rank_correlation": comparison.latency_rank_correlation,
        "num_signs": comparison.num_signs,
        "noise_floor": {
            "latency": None if comparison.latency_noise is None else asdict(comparison.latency_noise),
            "speedup": None if comparison.speedup_noise is None else asdict(comparison.speedup_noise),
        },
        "levels": {level: asdict(errors) for level, errors in comparison.levels.items()},
        "times": {name: asdict(errors) for name, errors in comparison.times.items()},
        "loss_factors": {
            "predicted": dict(comparison.predicted_factors),
            "measured": dict(comparison.measured_factors),
        },
        "findings": [{**asdict(finding), "sentence": finding.sentence} for finding in comparison.findings],
        "slowdowns": list(comparison.slowdowns),
        "at_profile_speed": None if comparison.steady is None else _sums(comparison.steady),
    }


def row_content(row: ComparisonRow) -> dict[str, Any]:
    """Return what the document says of one answer."""
    return {
        "document": row.document,
        "prompt_tokens": row.prompt_tokens,
        "sequential_tokens": row.sequential_tokens,
        "decoded_tokens": row.decoded_tokens,
        "branches": row.num_branches,
        "steps": len(row.steps),
        "repetitions": row.num_repetitions,
        "measured_latency_s": row.measured_latency_ns / NANOSECONDS_PER_SECOND,
        "predicted_latency_s": row.predicted_latency_ns / NANOSECONDS_PER_SECOND,
        "latency_error": row.latency_error,
        "measured_ttft_s": row.measured_ttft_ns / NANOSECONDS_PER_SECOND,
        "predicted_ttft_s": row.predicted_ttft_ns / NANOSECONDS_PER_SECOND,
        "ttft_error": row.ttft_error,
        "tpot_error": row.tpot_error,
        "measured_sequential_s": row.measured_sequential_ns / NANOSECONDS_PER_SECOND,
        "predicted_sequential_s": row.predicted_sequential_ns / NANOSECONDS_PER_SECOND,
        "sequential_error": row.sequential_error,
        "measured_speedup": row.measured_speedup,
        "predicted_speedup": row.predicted_speedup,
        "speedup_error": row.speedup_error,
        "ideal_speedup": row.ideal_speedup,
        "low_factor": row.low_factor,
        "high_factor": row.high_factor,
        "in_interval": row.is_covered,
        "latency_noise": row.latency_noise,
        "speedup_noise": row.speedup_noise,
        "slowdown": row.slowdown,
        "steady_latency_error": None if row.steady is None else row.steady.latency_error,
        "steady_speedup_error": None if row.steady is None else row.steady.speedup_error,
        "predicted_loss_s": _loss(row.predicted_loss),
        "measured_loss_s": _loss(row.measured_loss),
    }


def _loss(account: LossAccount | None) -> dict[str, float] | None:
    if account is None:
        return None
    return {name: cost_ns / NANOSECONDS_PER_SECOND for name, cost_ns in account.terms_ns.items()}
