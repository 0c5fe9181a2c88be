"""Reports as text for a terminal, and as Markdown. Layout only."""

from collections.abc import Iterator

from pasta_toolkit.dag.statistics import markdown_grid, plain_grid
from pasta_toolkit.report.rows import grids
from pasta_toolkit.report.simulation import SimulationReport

__all__ = ["break_even_sentences", "markdown", "text"]


def text(report: SimulationReport) -> str:
    """Return a report for a terminal."""
    width = max((len(name) for name, _ in report.about), default=0)
    about = "".join(f"{name.ljust(width)}  {value}\n" for name, value in report.about)
    return "\n".join((about, *map(plain_grid, grids(report)), *_sentences(report)))


def markdown(report: SimulationReport) -> str:
    """Return a report as Markdown."""
    about = "".join(f"- {name}: {value}\n" for name, value in report.about)
    return "\n".join(("# Simulation\n", about, *map(markdown_grid, grids(report)), *_sentences(report)))


def _sentences(report: SimulationReport) -> list[str]:
    sentences = "".join(f"- {sentence}\n" for sentence in break_even_sentences(report))
    return [sentences] if sentences else []


def break_even_sentences(report: SimulationReport) -> Iterator[str]:
    """Say for each strategy at which load it stops paying."""
    for found in report.break_evens:
        if found.low_per_s is None:
            yield f"{found.strategy} pays at none of these rates."
        elif found.high_per_s is None:
            yield f"{found.strategy} pays at every simulated rate, up to {found.low_per_s:,.4g} requests/s."
        else:
            low, high = found.low_per_s, found.high_per_s
            yield f"{found.strategy} pays up to {low:,.4g} requests/s, and no longer at {high:,.4g}."
