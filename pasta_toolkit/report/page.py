"""One HTML file that needs no network: a template, and plots as SVG inside. Knows no report."""

from collections.abc import Callable, Mapping
from importlib.resources import files
from typing import Any

from grammar import PastaError
from pasta_toolkit.dag.drawing.page import MissingMatplotlibError

__all__ = ["HtmlError", "pictures", "render_page"]


class HtmlError(PastaError):
    """Report that HTML cannot be written: jinja2 is missing."""


def render_page(template: str, content: Mapping[str, Any]) -> str:
    """Return the page that a template of this package makes of its content.

    Raises:
        HtmlError: jinja2 is not installed.
    """
    try:
        from jinja2 import Environment  # noqa: PLC0415
    except ImportError as error:
        raise HtmlError("HTML reports need jinja2: pip install 'pasta-toolkit[report]'") from error
    environment = Environment(autoescape=True, trim_blocks=True, lstrip_blocks=True)
    source = files("pasta_toolkit.report").joinpath("templates", template).read_text(encoding="utf-8")
    return environment.from_string(source).render(content)


def pictures(draw: Callable[[], Mapping[str, bytes]], captions: Mapping[str, str]) -> tuple[list[tuple[str, str]], str]:
    """Return captions and SVG elements without their XML headers, or the reason why there are none.

    A plot's caption is that of its name, up to an underscore.
    """
    try:
        plots = draw()
    except MissingMatplotlibError as error:
        return [], str(error)
    return [
        (captions[name.removesuffix(".svg").partition("_")[0]], content.decode("utf-8").partition("<svg")[2])
        for name, content in plots.items()
    ], ""
