"""Drawings of a DAG as PNG and SVG, and plots of a data set. Need the extra `plot`."""

from pasta_toolkit.dag.drawing.distributions import PlotError, plot_data_set
from pasta_toolkit.dag.drawing.page import ImageFormat, MissingMatplotlibError
from pasta_toolkit.dag.drawing.picture import DrawingError, draw

__all__ = ["DrawingError", "ImageFormat", "MissingMatplotlibError", "PlotError", "draw", "plot_data_set"]
