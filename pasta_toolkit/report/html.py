"""A report as one HTML file that needs no network: styles and plots are inside. Layout only, by a jinja2 template."""

from importlib.resources import files

from grammar import PastaError
from pasta_toolkit.report.plots import PlotError, plots
from pasta_toolkit.report.rows import load_table, prediction_table, shown, summary_table, waterfall_table
from pasta_toolkit.report.simulation import SimulationReport
from pasta_toolkit.report.text import break_even_sentences

__all__ = ["HtmlError", "html"]

MOST_ANSWERS_SHOWN = 200


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
    environment.filters["shown"] = shown
    source = files("pasta_toolkit.report").joinpath("templates/simulation.html.j2").read_text(encoding="utf-8")
    waterfalls = [waterfall_table(summary) for summary in report.summaries if summary.waterfall]
    load = [load_table(report.load)] if report.load else []
    pictures, missing = _pictures(report)
    return environment.from_string(source).render(
        about=report.about,
        tables=[summary_table(report), *waterfalls, *load],
        sentences=list(break_even_sentences(report)),
        pictures=pictures,
        missing=missing,
        answers=prediction_table(report.predictions[:MOST_ANSWERS_SHOWN]),
        num_left_out=max(0, len(report.predictions) - MOST_ANSWERS_SHOWN),
    )


def _pictures(report: SimulationReport) -> tuple[list[tuple[str, str]], str]:
    """Return the plots as SVG elements without their XML headers, or the reason why there are none."""
    try:
        drawn = plots(report)
    except PlotError as error:
        return [], str(error)
    return [
        (name.removesuffix(".svg").replace("_", " "), content.decode("utf-8").partition("<svg")[2])
        for name, content in drawn.items()
    ], ""
