"""A report as one HTML file that needs no network: styles and plots are inside. Layout only, by a jinja2 template."""

from functools import partial

from pasta_toolkit.report.page import HtmlError, pictures, render_page
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


def html(report: SimulationReport) -> str:
    """Return the whole page. Without matplotlib it has no plots, and says so.

    Raises:
        HtmlError: jinja2 is not installed.
    """
    shown, missing = pictures(partial(plots, report), CAPTIONS)
    content = {
        "about": report.about,
        "tables": list(grids(report)),
        "sentences": list(break_even_sentences(report)),
        "pictures": shown,
        "missing": missing,
        "answers": answer_grid(report.predictions[:MOST_ANSWERS_SHOWN]),
        "num_left_out": max(0, len(report.predictions) - MOST_ANSWERS_SHOWN),
    }
    return render_page("simulation.html.j2", content)
