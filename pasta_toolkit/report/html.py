"""A report as one HTML file that needs no network: styles and plots are inside. Layout only, by a jinja2 template."""

from importlib.resources import files

from grammar import PastaError
from pasta_toolkit.dag.drawing.page import MissingMatplotlibError
from pasta_toolkit.report.plots import plots
from pasta_toolkit.report.rows import answer_grid, grids
from pasta_toolkit.report.simulation import SimulationReport
from pasta_toolkit.report.text import break_even_sentences

__all__ = ["HtmlError", "html"]

MOST_ANSWERS_SHOWN = 200
CAPTIONS = {
    "speedups": "Speed-ups over all answers, as histogram and as cumulative shares.",
    "pareto": "What a strategy gains against what it decodes in addition: further up and left is better.",
    "waterfall": "From the perfect speed-up to the predicted one: what each term takes (red) or gives (green).",
    "timeline": "One answer: its threads over time, forks and joins as arrows, the critical path in red.",
    "load": "Latency and speed-up over the arrival rate.",
}


class HtmlError(PastaError):
    """Report that HTML cannot be written: jinja2 is missing."""


def html(report: SimulationReport) -> str:
    """Return the whole page. Without matplotlib it has no plots, and says so.

    Raises:
        HtmlError: jinja2 is not installed.
    """
    try:
        from jinja2 import Environment  # noqa: PLC0415
    except ImportError as error:
        raise HtmlError("HTML reports need jinja2: pip install 'pasta-toolkit[report]'") from error
    environment = Environment(autoescape=True, trim_blocks=True, lstrip_blocks=True)
    source = files("pasta_toolkit.report").joinpath("templates/simulation.html.j2").read_text(encoding="utf-8")
    pictures, missing = _pictures(report)
    return environment.from_string(source).render(
        about=report.about,
        tables=list(grids(report)),
        sentences=list(break_even_sentences(report)),
        pictures=pictures,
        missing=missing,
        answers=answer_grid(report.predictions[:MOST_ANSWERS_SHOWN]),
        num_left_out=max(0, len(report.predictions) - MOST_ANSWERS_SHOWN),
    )


def _pictures(report: SimulationReport) -> tuple[list[tuple[str, str]], str]:
    """Return the plots as SVG elements without their XML headers, or the reason why there are none."""
    try:
        drawn = plots(report)
    except MissingMatplotlibError as error:
        return [], str(error)
    return [
        (CAPTIONS[name.removesuffix(".svg").partition("_")[0]], content.decode("utf-8").partition("<svg")[2])
        for name, content in drawn.items()
    ], ""
