"""A large sheet of paper: boxes at given places, texts that keep inside them, parts to draw into.

Places are inches on the paper from its upper left corner, sizes of letters points on the paper. The
figure behind it is smaller by ``SHRINK``, so that what the functions of ``plots`` draw comes out
larger, lines and marks as well as letters.
"""

from __future__ import annotations

import functools
import io
from dataclasses import dataclass, field

from matplotlib.artist import Artist
from matplotlib.backends.backend_pdf import FigureCanvasPdf, Op, PdfFile, RendererPdf
from matplotlib.figure import Figure, SubFigure
from matplotlib.font_manager import FontProperties
from matplotlib.patches import Circle, Polygon, Rectangle
from matplotlib.text import Text
from matplotlib.textpath import TextToPath
from matplotlib.transforms import Affine2D, Bbox

SHRINK = 1.6
"""How much larger the paper is than the figure."""

LEADING = 1.32
"""Distance of two lines, in sizes of a letter."""

INK, SOFT, LINE, CARD = "#1d2328", "#4a545d", "#c4ccd2", "#f3f5f6"


@dataclass(frozen=True)
class Box:
    """A rectangle on the paper: its left and upper ends, its width and height."""

    x: float
    y: float
    width: float
    height: float

    @property
    def right(self) -> float:
        """The right end."""
        return self.x + self.width

    @property
    def bottom(self) -> float:
        """The lower end."""
        return self.y + self.height

    def inner(self, left: float, top: float, right: float, bottom: float) -> Box:
        """The box without a margin on each side."""
        width, height = self.width - left - right, self.height - top - bottom
        return Box(self.x + left, self.y + top, width, height)

    def below(self, y: float) -> Box:
        """The part below a height."""
        return Box(self.x, y, self.width, self.bottom - y)


@functools.cache
def text_width(text: str, size: float, bold: bool = False) -> float:
    """How wide a line of text is on the paper, inches."""
    font = FontProperties(weight="bold" if bold else "normal", size=size)
    return TextToPath().get_text_width_height_descent(text, font, ismath=False)[0] / 72


def wrapped(text: str, width: float, size: float, bold: bool = False) -> list[str]:
    """A text in lines that are at most so many inches wide; longer words keep their own line."""
    lines: list[str] = []
    for paragraph in text.split("\n"):
        line = ""
        for word in paragraph.split():
            longer = f"{line} {word}".strip()
            if line and text_width(longer, size, bold) > width:
                lines.append(line)
                longer = word
            line = longer
        lines.append(line)
    return lines


@dataclass
class Sheet:
    """A sheet of paper to put boxes, texts and drawings on.

    Args:
        width, height: of the paper, inches.

    Attributes:
        figure: the figure behind it.
        boxes: by name.
        texts: each with the name of the box in which it must stay.
        drawings: the part of the figure that shows each drawing, by the name of its box.
    """

    width: float
    height: float
    figure: Figure = field(init=False)
    boxes: dict[str, Box] = field(default_factory=dict)
    texts: list[tuple[str, Text]] = field(default_factory=list)
    drawings: dict[str, SubFigure] = field(default_factory=dict)

    def __post_init__(self):
        size = self.width / SHRINK, self.height / SHRINK
        self.figure = Figure(figsize=size, layout="constrained", dpi=100)
        self.figure.get_layout_engine().set(w_pad=0.05, h_pad=0.05, wspace=0, hspace=0)

    @property
    def paper(self) -> Affine2D:
        """From places on the paper to places in the figure."""
        to_figure = Affine2D().translate(0, -self.height).scale(1 / SHRINK, -1 / SHRINK)
        return to_figure + self.figure.dpi_scale_trans

    def box(self, name: str, box: Box) -> Box:
        """Remember a box under a name."""
        self.boxes[name] = box
        return box

    def add(self, artist: Artist) -> Artist:
        """Put an artist on the paper, behind texts and drawings."""
        artist.set_transform(self.paper)
        artist.set_in_layout(False)
        self.figure.add_artist(artist)
        return artist

    def card(self, box: Box, colour: str = CARD):
        """A coloured ground."""
        corner = box.x, box.y
        self.add(Rectangle(corner, box.width, box.height, facecolor=colour, lw=0, zorder=-5))

    def rule(self, x: float, y: float, width: float, thickness: float = 0.03, colour: str = INK):
        """A horizontal line."""
        self.add(Rectangle((x, y), width, thickness, facecolor=colour, lw=0, zorder=-4))

    def arrow(self, x: float, y: float, size: float, colour: str = INK):
        """A triangle that points to the right, its tip at a place."""
        corners = (x, y), (x - 0.7 * size, y - size / 2), (x - 0.7 * size, y + size / 2)
        self.add(Polygon(corners, facecolor=colour, lw=0, zorder=-3))

    def number(self, name: str, number: int, x: float, y: float, radius: float):
        """A number in a filled circle around a place."""
        self.add(Circle((x, y), radius, facecolor=INK, lw=0, zorder=-3))
        look = {"ha": "center", "va": "center", "bold": True, "colour": "white"}
        self.line(name, str(number), x, y, 78 * radius, **look)

    def line(
        self,
        name: str,
        text: str,
        x: float,
        y: float,
        size: float,
        *,
        bold: bool = False,
        colour: str = INK,
        ha: str = "left",
        va: str = "baseline",
    ) -> Text:
        """One line of text at a place, which must stay inside the box of that name."""
        look = {"fontsize": size / SHRINK, "weight": "bold" if bold else "normal"}
        # in_layout is false: the drawings are not moved aside
        artist = Text(x, y, text, ha=ha, va=va, color=colour, **look)
        artist.set_in_layout(False)
        artist.set_parse_math(False)
        artist.set_transform(self.paper)
        self.figure.add_artist(artist)
        self.texts.append((name, artist))
        return artist

    def write(
        self,
        name: str,
        text: str,
        place: Box,
        size: float,
        *,
        least: float | None = None,
        bold: bool = False,
        colour: str = INK,
    ) -> float:
        """A text in lines, from the upper left corner of a place.

        Args:
            name: the box in which it must stay.
            text: is broken where a line is full.
            place: where it stands.
            size: of its letters; less where the text would not fit.
            least: the size below which the letters do not become smaller, by default `size`.
            bold, colour: of the letters.

        Returns:
            The height at which it ends.
        """
        lines = wrapped(text, place.width, size, bold)
        while least and size > least and self._height(lines, size) > place.height:
            size = max(least, size - 0.5)
            lines = wrapped(text, place.width, size, bold)
        step = LEADING * size / 72
        y = place.y + 0.95 * size / 72
        for line in lines:
            self.line(name, line, place.x, y, size, bold=bold, colour=colour)
            y += step
        return place.y + self._height(lines, size)

    @staticmethod
    def _height(lines: list[str], size: float) -> float:
        return LEADING * size / 72 * len(lines)

    def drawing(self, name: str, place: Box) -> SubFigure:
        """A part of the figure to draw into, at a place."""
        grid = self.figure.add_gridspec(
            3,
            3,
            width_ratios=(place.x, place.width, self.width - place.right),
            height_ratios=(place.y, place.height, self.height - place.bottom),
        )
        part = self.figure.add_subfigure(grid[1, 1])
        part.set_facecolor("none")
        self.drawings[name] = part
        self.box(f"{name}: drawing", place)
        return part

    def extent(self, artist: Artist) -> Box:
        """Where an artist is on the paper."""
        inverse = self.paper.inverted()
        if isinstance(artist, SubFigure):
            parts = [ax.get_tightbbox() for ax in artist.axes]
            bounds = Bbox.union(parts + [legend.get_window_extent() for legend in artist.legends])
        else:
            bounds = artist.get_window_extent()
        (left, bottom), (right, top) = inverse.transform(bounds.get_points())
        return Box(left, top, right - left, bottom - top)

    def settle(self):
        """Compute where everything stands, once and for all."""
        self.figure.draw_without_rendering()
        self.figure.set_layout_engine("none")

    def png(self, pixels: int, metadata: dict) -> bytes:
        """The sheet as a picture so many pixels wide."""
        buffer = io.BytesIO()
        dpi = pixels / self.width * SHRINK
        self.figure.savefig(buffer, format="png", dpi=dpi, facecolor="white", metadata=metadata)
        return buffer.getvalue()

    def pdf(self, metadata: dict, dpi: int = 200) -> bytes:
        """The sheet as one page of its own size, its letters as TrueType fonts.

        Args:
            metadata: of the file.
            dpi: of what is rasterised, per inch of the figure.
        """
        from matplotlib import rc_context
        from matplotlib.backends.backend_mixed import MixedModeRenderer

        buffer = io.BytesIO()
        figure, before = self.figure, self.figure.dpi
        size = self.width / SHRINK, self.height / SHRINK
        with rc_context({"pdf.fonttype": 42, "pdf.compression": 9}):
            FigureCanvasPdf(figure)
            file = PdfFile(buffer, metadata=metadata)
            try:
                figure.dpi = 72  # points, as the PDF canvas has it
                file.newPage(self.width, self.height)
                # the one thing that the canvas cannot do: a page larger than its figure
                file.output(SHRINK, 0, 0, SHRINK, 0, 0, Op.concat_matrix)
                vector = RendererPdf(file, dpi, size[1], size[0])
                renderer = MixedModeRenderer(figure, *size, dpi, vector)
                figure.draw(renderer)
                renderer.finalize()
                file.finalize()
            finally:
                file.close()
                figure.dpi = before
        return buffer.getvalue()
