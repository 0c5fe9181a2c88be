"""Reports: values that say what was found, and one renderer a file. No arithmetic in renderers."""

from pasta_toolkit.report.chrome_trace import chrome_trace
from pasta_toolkit.report.data import csv_text, json_content
from pasta_toolkit.report.html import html
from pasta_toolkit.report.load import BreakEven, LoadPoint, Objective, Quantiles, quantiles
from pasta_toolkit.report.plots import plots, timeline_plot, write_plots
from pasta_toolkit.report.prediction import LOSS_TERMS, LossAccount, Prediction
from pasta_toolkit.report.simulation import SimulationReport, StrategySummary, WaterfallStep, summarise
from pasta_toolkit.report.text import markdown, text
from pasta_toolkit.report.timeline import Timeline, timeline_of

__all__ = [
    "LOSS_TERMS",
    "BreakEven",
    "LoadPoint",
    "LossAccount",
    "Objective",
    "Prediction",
    "Quantiles",
    "SimulationReport",
    "StrategySummary",
    "Timeline",
    "WaterfallStep",
    "chrome_trace",
    "csv_text",
    "html",
    "json_content",
    "markdown",
    "plots",
    "quantiles",
    "summarise",
    "text",
    "timeline_of",
    "timeline_plot",
    "write_plots",
]
