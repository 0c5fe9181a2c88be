"""A comparison as text for a terminal, as Markdown, and as one HTML file. Layout only."""

from collections.abc import Callable
from functools import partial

from pasta_toolkit.dag.statistics import Grid, markdown_grid, plain_grid
from pasta_toolkit.report.comparison import Comparison
from pasta_toolkit.report.comparison_grids import document_grid, grids, sentences
from pasta_toolkit.report.comparison_plots import comparison_plots
from pasta_toolkit.report.page import pictures, render_page

__all__ = ["comparison_html", "comparison_markdown", "comparison_text"]

MOST_DOCUMENTS_SHOWN = 200
CAPTIONS = {
    "scatter": "Predicted against measured: latency and speed-up. On the line they are equal.",
    "errors": "How many documents have at most which error; dotted, the noise floor: the same decode against itself; "
    "dashed, decodes at the profile's speed, as a probe told it.",
    "timelines": "One document: its threads as predicted, above, and as measured, below.",
    "residuals": "Errors of single steps over their rows and contexts.",
}


def comparison_text(comparison: Comparison) -> str:
    """Return a comparison for a terminal."""
    width = max((len(name) for name, _ in comparison.about), default=0)
    about = "".join(f"{name.ljust(width)}  {value}\n" for name, value in comparison.about)
    return _joined(comparison, about, plain_grid)


def comparison_markdown(comparison: Comparison) -> str:
    """Return a comparison as a part of a Markdown page, without a title."""
    about = "".join(f"- {name}: {value}\n" for name, value in comparison.about)
    return _joined(comparison, about, markdown_grid)


def comparison_html(comparison: Comparison) -> str:
    """Return the whole page, which needs no network. Without matplotlib it has no plots, and says so.

    Raises:
        HtmlError: jinja2 is not installed.
    """
    drawn, missing = pictures(partial(comparison_plots, comparison), CAPTIONS)
    documents = document_grid(comparison)
    shown = Grid(documents.title, documents.columns, documents.rows[:MOST_DOCUMENTS_SHOWN])
    content = {
        "about": comparison.about,
        "sentences": list(sentences(comparison)),
        "tables": [*grids(comparison), shown],
        "pictures": drawn,
        "missing": missing,
        "num_left_out": len(documents.rows) - len(shown.rows),
    }
    return render_page("comparison.html.j2", content)


def _joined(comparison: Comparison, about: str, renderer: Callable[[Grid], str]) -> str:
    said = "".join(f"- {sentence}\n" for sentence in sentences(comparison))
    return "\n".join((about, said, *map(renderer, grids(comparison))))
