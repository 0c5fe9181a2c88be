"""Reports as data: the content of a JSON document, and CSV. Names and nothing else."""

import csv
import io
from dataclasses import asdict
from typing import Any

from pasta_toolkit.report.prediction import Prediction
from pasta_toolkit.report.rows import prediction_table
from pasta_toolkit.report.simulation import SimulationReport, StrategySummary

__all__ = ["csv_text", "json_content"]

NANOSECONDS_PER_SECOND = 1e9


def json_content(report: SimulationReport) -> dict[str, Any]:
    """Return the content of the document `pasta.simulate/1`."""
    return {
        "about": dict(report.about),
        "rows": [_row(prediction) for prediction in report.predictions],
        "summary": {summary.strategy: _summary(summary) for summary in report.summaries},
        "load": [{**asdict(point), "loss": dict(point.loss)} for point in report.load],
        "break_even": [asdict(found) for found in report.break_evens],
    }


def csv_text(report: SimulationReport) -> str:
    """Return the rows as CSV, numbers unrounded."""
    table, stream = prediction_table(report.predictions), io.StringIO()
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerow(table.columns)
    writer.writerows(table.rows)
    return stream.getvalue()


def _row(prediction: Prediction) -> dict[str, Any]:
    loss = prediction.loss
    seconds = {} if loss is None else {name: ns / NANOSECONDS_PER_SECOND for name, ns in loss.terms_ns.items()}
    return {
        "document": prediction.document,
        "strategy": prediction.strategy,
        "latency_s": prediction.latency_s,
        "latency_low_s": prediction.latency_low_s,
        "latency_high_s": prediction.latency_high_s,
        "ttft_s": prediction.ttft_s,
        "tpot_s": prediction.tpot_s,
        "speedup": prediction.speedup,
        "ideal_speedup": prediction.ideal_speedup,
        "perfect_s": None if loss is None else loss.perfect_ns / NANOSECONDS_PER_SECOND,
        "loss": seconds,
        "loss_factors": {} if loss is None else loss.factors,
        "sequential_s": prediction.sequential_ns / NANOSECONDS_PER_SECOND,
        "sequential_tokens": prediction.sequential_tokens,
        "decoded_tokens": prediction.decoded_tokens,
        "num_steps": prediction.num_steps,
    }


def _summary(summary: StrategySummary) -> dict[str, Any]:
    content = asdict(summary)
    del content["strategy"]
    return content
