"""A page to draw on, measured in inches with y downwards: the only place that speaks to matplotlib's figures."""

import io
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Literal, TypeAlias

from grammar import PastaError
from pasta_toolkit.dag.drawing.fonts import Fonts
from pasta_toolkit.dag.xml_text import xml_text

__all__ = ["DOTS_PER_INCH", "METADATA", "ImageFormat", "MissingMatplotlibError", "Page", "plain_matplotlib"]

ImageFormat: TypeAlias = Literal["png", "svg"]

DOTS_PER_INCH = 150
CREATOR = "pasta-toolkit"
MISSING_GLYPH = "Glyph .* missing from font"  # the beginning of matplotlib's warning
SIZE_TO_TRY = 10.0
METADATA: dict[str, dict[str, Any]] = {"png": {"Software": CREATOR}, "svg": {"Creator": CREATOR, "Date": None}}
SETTINGS: dict[Any, Any] = {"svg.hashsalt": CREATOR, "svg.fonttype": "none", "hatch.linewidth": 0.6}


class MissingMatplotlibError(PastaError):
    """Report that matplotlib is not installed."""

    def __str__(self) -> str:
        """Name the extra that brings it."""
        return "matplotlib is not installed; drawings need it: pip install 'pasta-toolkit[plot]'"


@contextmanager
def plain_matplotlib() -> Iterator[None]:
    """Draw with matplotlib's own defaults and ours, whatever the user's settings are.

    Raises:
        MissingMatplotlibError: matplotlib cannot be imported.
    """
    try:
        import matplotlib  # noqa: PLC0415 (heavy)
    except ImportError:
        raise MissingMatplotlibError from None
    with matplotlib.rc_context():
        matplotlib.rcdefaults()
        matplotlib.rcParams.update(SETTINGS)
        yield


@dataclass(frozen=True, slots=True)
class Page:
    """A figure whose only axes are the page itself. Colours and line styles are matplotlib's.

    State: what is drawn, and `drawable_texts`, which remembers how each text has to be written.
    """

    figure: Any
    axes: Any
    renderer: Any
    fonts: Fonts
    image_format: ImageFormat
    drawable_texts: dict[str, str] = field(default_factory=dict)

    @classmethod
    def blank(cls, width: float, height: float, *, fonts: Fonts, image_format: ImageFormat) -> "Page":
        """Make an empty page of a size in inches."""
        from matplotlib.backends.backend_agg import FigureCanvasAgg  # noqa: PLC0415 (heavy)
        from matplotlib.figure import Figure  # noqa: PLC0415 (heavy)

        figure = Figure(figsize=(width, height), dpi=DOTS_PER_INCH, facecolor="white")
        canvas = FigureCanvasAgg(figure)
        axes = figure.add_axes((0, 0, 1, 1))
        axes.set(xlim=(0, width), ylim=(height, 0))
        axes.axis("off")
        renderer: Any = canvas.get_renderer()  # type: ignore[no-untyped-call]
        return cls(figure, axes, renderer, fonts, image_format)

    def bar(self, x: float, y: float, width: float, height: float, *, radius: float = 0.0, **style: Any) -> Any:
        """Draw a rectangle with rounded corners; return it, to clip others by it."""
        from matplotlib.patches import FancyBboxPatch  # noqa: PLC0415 (heavy)

        shape = f"round,pad=0,rounding_size={min(radius, width / 2, height / 2)}"
        patch = FancyBboxPatch((x, y), width, height, boxstyle=shape, mutation_aspect=1, **style)
        return self.axes.add_patch(patch)

    def line(self, points: list[tuple[float, float]], **style: Any) -> None:
        """Draw a line through points."""
        xs, ys = zip(*points, strict=True)
        self.axes.plot(xs, ys, solid_capstyle="butt", solid_joinstyle="round", **style)

    def arrow_head(self, tip: tuple[float, float], towards: tuple[float, float], *, size: float, **style: Any) -> None:
        """Draw a filled arrow head whose tip lies at a point; `towards` is its direction, of length 1."""
        from matplotlib.patches import Polygon  # noqa: PLC0415 (heavy)

        (x, y), (dx, dy) = tip, towards
        base_x, base_y = x - dx * size, y - dy * size
        side_x, side_y = -dy * size / 2, dx * size / 2
        corners = [tip, (base_x + side_x, base_y + side_y), (base_x - side_x, base_y - side_y)]
        self.axes.add_patch(Polygon(corners, closed=True, linewidth=0, **style))

    def text(self, x: float, y: float, text: str, *, size: float, is_bold: bool = False, **style: Any) -> None:
        """Write text as it stands, without any markup. An SVG keeps its characters for the fonts of its reader.

        Bold text is written in the first family alone, since not every font has a bold face.
        """
        shown = xml_text(text) if self.image_format == "svg" else self._drawable(text)
        font = self._font(size, is_bold=is_bold)
        self.axes.text(x, y, shown, fontproperties=font, parse_math=False, **style)

    def text_width(self, text: str, *, size: float, is_bold: bool = False) -> float:
        """Return the width that a text will take, in inches."""
        return self._measured(self._drawable(text), self._font(size, is_bold=is_bold))

    @property
    def has_stand_ins(self) -> bool:
        """Whether any text so far could not be drawn as it stands."""
        return self.image_format == "png" and any(shown != text for text, shown in self.drawable_texts.items())

    def _drawable(self, text: str) -> str:
        if text not in self.drawable_texts:
            self.drawable_texts[text] = self._tried(text)
        return self.drawable_texts[text]

    def _tried(self, text: str) -> str:
        """Replace what no font has; and all foreign characters where they cannot be set side by side.

        A font has to have a character together with its combining marks, which only the attempt shows.
        """
        drawable = self.fonts.drawable(text)
        with warnings.catch_warnings():
            warnings.filterwarnings("error", message=MISSING_GLYPH)
            try:
                self._measured(drawable, self._font(SIZE_TO_TRY, is_bold=False))
            except UserWarning:
                return self.fonts.first_alone(text)
        return drawable

    def _measured(self, text: str, font: Any) -> float:
        width, _, _ = self.renderer.get_text_width_height_descent(text, font, ismath=False)
        return float(width) / DOTS_PER_INCH

    def _font(self, size: float, *, is_bold: bool) -> Any:
        from matplotlib.font_manager import FontProperties  # noqa: PLC0415 (heavy)

        families = [*self.fonts.families[: 1 if is_bold else None]]
        generic = ["sans-serif"] if self.image_format == "svg" else []
        return FontProperties(family=[*families, *generic], size=size, weight="bold" if is_bold else "normal")

    def image(self) -> bytes:
        """Return the file; the same page gives the same bytes."""
        buffer = io.BytesIO()
        with warnings.catch_warnings():
            if self.image_format == "svg":  # its text is laid out again by the reader's program, with other fonts
                warnings.filterwarnings("ignore", message=MISSING_GLYPH)
            metadata = METADATA[self.image_format]
            self.figure.savefig(buffer, format=self.image_format, dpi=DOTS_PER_INCH, metadata=metadata)
        return buffer.getvalue()
