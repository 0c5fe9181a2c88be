"""A replay as text, Markdown, CSV and data, and as a plot. Layout only."""

import csv
import io
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pasta_toolkit.dag.export.colours import QUIET_LINE
from pasta_toolkit.dag.statistics import Grid, markdown_grid, plain_grid
from pasta_toolkit.report.cells import NOTHING, share, signed
from pasta_toolkit.report.figures import drawn, write_files
from pasta_toolkit.report.replay import (
    TIMES_NS,
    ReplayedRequest,
    ReplayPart,
    ReplayReport,
    Span,
    TimeAgreement,
    agreements,
)

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["replay_csv", "replay_data", "replay_markdown", "replay_text", "write_replay_plot"]

NANOSECONDS_PER_SECOND = 1e9
COLUMNS = ("time", "predicted mean", "measured mean", "error", "requests, median", "p95")
MEASURED_COLOUR, PREDICTED_COLOUR = "#c1513f", "#3b7ea1"
POINT_AREA = 14
MILLISECONDS_BELOW_S = 1.0


def replay_text(report: ReplayReport) -> str:
    """Return a replay for a terminal."""
    width = max(len(name) for name, _ in report.about)
    about = "".join(f"{name.ljust(width)}  {value}\n" for name, value in report.about)
    return "\n".join((about, *(plain_grid(_grid(part)) for part in report.parts)))


def replay_markdown(report: ReplayReport) -> str:
    """Return a replay as a part of a Markdown page, without a title."""
    about = "".join(f"- {name}: {value}\n" for name, value in report.about)
    return "\n".join((about, *(markdown_grid(_grid(part)) for part in report.parts)))


def replay_data(report: ReplayReport) -> dict[str, Any]:
    """Return the content of the document `pasta.replay/1`."""
    return {
        "about": dict(report.about),
        "parts": [
            {
                "title": part.title,
                "num_requests": len(part.requests),
                "times": {
                    name: {**asdict(found), "mean_error": found.mean_error}
                    for name, found in agreements(part.requests).items()
                },
                "rows": [_row(request) for request in part.requests],
            }
            for part in report.parts
        ],
    }


def replay_csv(report: ReplayReport) -> str:
    """Return the requests of the last part as CSV, numbers unrounded."""
    stream = io.StringIO()
    rows = [_row(request) for request in report.parts[-1].requests]
    writer = csv.DictWriter(stream, fieldnames=list(rows[0]), lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return stream.getvalue()


def write_replay_plot(report: ReplayReport, folder: Path) -> list[Path]:
    """Draw the last part's latencies, over their arrivals and against each other, into a folder; return the path.

    Raises:
        MissingMatplotlibError: matplotlib is not installed.
    """
    return write_files({"replay.svg": drawn(partial(_draw, requests=report.parts[-1].requests), "svg")}, folder)


def _grid(part: ReplayPart) -> Grid:
    rows = tuple((name, *_cells(found)) for name, found in agreements(part.requests).items())
    return Grid(f"{part.title}: {_requests(len(part.requests))}", COLUMNS, rows)


def _requests(number: int) -> str:
    return f"{number:,} requests" if number > 1 else "1 request"


def _cells(found: TimeAgreement) -> tuple[str, ...]:
    means = (_seconds(found.predicted_s), _seconds(found.measured_s))
    return (*means, signed(found.mean_error), share(found.median_error), share(found.p95_error))


def _seconds(seconds: float | None) -> str:
    if seconds is None:
        return NOTHING
    return f"{seconds * 1e3:.1f} ms" if seconds < MILLISECONDS_BELOW_S else f"{seconds:.2f} s"


def _row(request: ReplayedRequest) -> dict[str, Any]:
    return {
        "request": request.name,
        "arrival_s": request.arrival_ns / NANOSECONDS_PER_SECOND,
        "prompt_tokens": request.prompt_tokens,
        "output_tokens": request.predicted.num_tokens,
        **_times("predicted", request.predicted),
        **_times("measured", request.measured),
    }


def _times(name: str, span: Span | None) -> dict[str, float | None]:
    """Return a span's times in seconds."""
    found = {what.lower(): time_ns(span) for what, time_ns in TIMES_NS.items()}
    return {f"{name}_{what}_s": None if ns is None else ns / NANOSECONDS_PER_SECOND for what, ns in found.items()}


def _draw(figure: "Figure", *, requests: tuple[ReplayedRequest, ...]) -> None:
    left, right = figure.subplots(1, 2)
    arrivals = [request.arrival_ns / NANOSECONDS_PER_SECOND for request in requests]
    predicted = [request.predicted.latency_ns / NANOSECONDS_PER_SECOND for request in requests]
    measured = [request.measured.latency_ns / NANOSECONDS_PER_SECOND for request in requests if request.measured]
    if len(measured) == len(requests):
        left.scatter(arrivals, measured, s=POINT_AREA, color=MEASURED_COLOUR, linewidth=0, label="measured")
        right.scatter(measured, predicted, s=POINT_AREA, color=PREDICTED_COLOUR, alpha=0.7, linewidth=0)
        most = max(*measured, *predicted)
        right.plot([0, most], [0, most], color=QUIET_LINE, linewidth=1, zorder=0)
        right.set(xlabel="measured latency, s", ylabel="predicted latency, s")
    else:
        right.hist(predicted, bins="auto", color=PREDICTED_COLOUR)
        right.set(xlabel="predicted latency, s", ylabel="requests")
    left.scatter(arrivals, predicted, s=POINT_AREA / 2, color=PREDICTED_COLOUR, linewidth=0, label="predicted")
    left.set(xlabel="arrival, s", ylabel="latency, s", ylim=(0, None))
    left.legend(frameon=False)
