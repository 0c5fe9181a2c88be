"""The measures of a data set: collected, summed up, and written as tables."""

from pasta_toolkit.dag.statistics.data_set import DataSet
from pasta_toolkit.dag.statistics.documents import (
    Grid,
    detail_grid,
    distribution_grid,
    group_grid,
    summary_document,
    totals_grid,
)
from pasta_toolkit.dag.statistics.renderers import csv_of_documents, csv_of_summaries, markdown_grid, plain_grid
from pasta_toolkit.dag.statistics.summary import (
    QUANTILES,
    Distribution,
    Summary,
    geometric_mean,
    quantile,
    summarise,
    values_by_measure,
)
from pasta_toolkit.dag.statistics.table import MeasureTable

__all__ = [
    "QUANTILES",
    "DataSet",
    "Distribution",
    "Grid",
    "MeasureTable",
    "Summary",
    "csv_of_documents",
    "csv_of_summaries",
    "detail_grid",
    "distribution_grid",
    "geometric_mean",
    "group_grid",
    "markdown_grid",
    "plain_grid",
    "quantile",
    "summarise",
    "summary_document",
    "totals_grid",
    "values_by_measure",
]
