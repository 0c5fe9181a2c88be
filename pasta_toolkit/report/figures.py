"""The common frame of a report's plots: style, size, kinds of files. Knows nothing that is drawn.

matplotlib is imported when something is drawn.
"""

from collections.abc import Callable, Mapping
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any

from grammar import PastaError
from pasta_toolkit.dag.drawing.page import DOTS_PER_INCH, METADATA, plain_matplotlib

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["NO_LEGEND", "PlotError", "check_suffix", "drawn", "write_files"]

STYLE: dict[Any, Any] = {"axes.spines.top": False, "axes.spines.right": False, "font.size": 9}
FIGURE_INCHES = (8.4, 4.4)
NO_LEGEND = "_"  # matplotlib leaves labels that begin so out of legends


class PlotError(PastaError):
    """Report plots of a kind of file that is unknown."""


def check_suffix(suffix: str) -> None:
    """Refuse kinds of files that plots are not written as.

    Raises:
        PlotError: it is neither svg nor png.
    """
    if suffix not in METADATA:
        raise PlotError(f"plots are written as svg or png, not as {suffix!r}")


def drawn(draw: "Callable[[Figure], None]", suffix: str) -> bytes:
    """Return a file's content: a figure that `draw` fills, the same bytes for the same drawing.

    Raises:
        MissingMatplotlibError: matplotlib is not installed.
    """
    stream = BytesIO()
    with plain_matplotlib():
        from matplotlib import rcParams  # noqa: PLC0415
        from matplotlib.figure import Figure  # noqa: PLC0415

        rcParams.update(STYLE)
        figure = Figure(figsize=FIGURE_INCHES, layout="constrained")
        draw(figure)
        figure.savefig(stream, format=suffix, metadata=METADATA[suffix], dpi=DOTS_PER_INCH)
    return stream.getvalue()


def write_files(contents: Mapping[str, bytes], folder: Path) -> list[Path]:
    """Write files of these names into a folder, which is made if need be; return their paths."""
    folder.mkdir(parents=True, exist_ok=True)
    paths = [folder / name for name in contents]
    for path, content in zip(paths, contents.values(), strict=True):
        path.write_bytes(content)
    return paths
