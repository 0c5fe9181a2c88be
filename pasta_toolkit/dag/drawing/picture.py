"""Composes the picture of a DAG: time runs from left to right in tokens, one lane a thread, the main thread on top."""

import string

from grammar import PastaError
from pasta_toolkit.dag.drawing.fonts import STAND_IN, choose_fonts
from pasta_toolkit.dag.drawing.frame import TIMES, draw_frame
from pasta_toolkit.dag.drawing.geometry import fitting
from pasta_toolkit.dag.drawing.lanes import paint_lanes
from pasta_toolkit.dag.drawing.page import ImageFormat, Page, plain_matplotlib
from pasta_toolkit.dag.graph import Dag
from pasta_toolkit.dag.timeline import Timeline, timeline

__all__ = ["MOST_BRANCHES", "DrawingError", "draw"]

MOST_BRANCHES = 400  # at the densest lanes, a page of more than two metres
OWN_WORDS = string.printable.strip() + f" …·{TIMES}{STAND_IN}"


class DrawingError(PastaError):
    """Report a DAG that no page has room for."""


def draw(dag: Dag, *, image_format: ImageFormat = "png", title: str = "") -> bytes:
    """Draw a DAG and return the image file; `title` names the document.

    Raises:
        DrawingError: more branches than a page has room for.
        MissingMatplotlibError: matplotlib is not installed.
    """
    if dag.num_branches > MOST_BRANCHES:
        raise DrawingError(
            f"a drawing has room for {MOST_BRANCHES} branches and this document has {dag.num_branches:,}; "
            "choose the format json, graphml or text instead"
        )
    with plain_matplotlib():
        return _page(timeline(dag), image_format, title).image()


def _page(view: Timeline, image_format: ImageFormat, title: str) -> Page:
    geometry = fitting(view)
    written = "".join([OWN_WORDS, title, view.dag.tokenizer, *(lane.topic or "" for lane in view.lanes)])
    fonts = choose_fonts(written)
    page = Page.blank(geometry.page_width, geometry.page_height, fonts=fonts, image_format=image_format)
    paint_lanes(page, geometry, view)
    draw_frame(page, geometry, view, title=title)
    return page
