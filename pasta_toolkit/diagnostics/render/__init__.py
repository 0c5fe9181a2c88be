"""Renderers of findings: text, JSON, SARIF 2.1.0 and GitHub annotations, one a file."""

from pasta_toolkit.diagnostics.render.findings import Findings, Renderer, RuleCount, Summary, Unit
from pasta_toolkit.diagnostics.render.github import GithubRenderer
from pasta_toolkit.diagnostics.render.input_faults import diagnostic_of_fault, input_faults
from pasta_toolkit.diagnostics.render.json_document import JsonRenderer
from pasta_toolkit.diagnostics.render.sarif import SarifRenderer
from pasta_toolkit.diagnostics.render.statistics import statistics_table
from pasta_toolkit.diagnostics.render.text import TextRenderer, summary_line

__all__ = [
    "Findings",
    "GithubRenderer",
    "JsonRenderer",
    "Renderer",
    "RuleCount",
    "SarifRenderer",
    "Summary",
    "TextRenderer",
    "Unit",
    "diagnostic_of_fault",
    "input_faults",
    "statistics_table",
    "summary_line",
]
