"""Figures inside a page: as SVG where that is small, else as a smaller picture."""

from __future__ import annotations

import base64
import html
import io
import zlib
from dataclasses import dataclass
from pathlib import Path

from PIL import Image

from lth_utils.publish.products import reading


@dataclass(frozen=True)
class Limits:
    """How large a figure may be inside a page.

    Args:
        width: of a picture, pixels.
        quality: of its compression, 0 to 100.
        svg: how many times larger than such a picture an SVG may be, to be shown in its place.
    """

    width: int = 1100
    quality: int = 74
    svg: float = 2.0


STEPS = (Limits(), Limits(900, 65), Limits(800, 50), Limits(640, 40, 2.5), Limits(640, 40, 1.5))
"""From the first one that keeps a page within its size."""


def figure(folder: Path, key: str, alt: str, limits: Limits) -> str:
    """A figure as an element that opens the SVG, or the PNG beside the page where that is large.

    Args:
        folder: of the figures.
        key: the figure's name.
        alt: what it shows, for those who do not see it.
        limits: how large it may be.
    """
    png, svg = folder / f"{key}.png", folder / f"{key}.svg"
    with reading(png):
        picture = Image.open(io.BytesIO(png.read_bytes())).convert("RGB")
    size = f'width="{picture.width}" height="{picture.height}"'
    look = f'{size} alt="{html.escape(alt)}"'
    link = f'<a class="open" href="figures/{key}.png" aria-label="Open the figure {key}">'
    encoded = base64.b64encode(_smaller(picture, limits)).decode()
    if svg.is_file():
        packed = base64.b64encode(zlib.compress(svg.read_bytes(), 9)).decode()
        if len(packed) <= limits.svg * len(encoded):
            still = f'<noscript><img loading="lazy" {look} src="figures/{key}.png"></noscript>'
            return f'{link}<img {look} data-svg="{packed}"></a>{still}'
    return f'{link}<img loading="lazy" {look} src="data:image/webp;base64,{encoded}"></a>'


def _smaller(picture: Image.Image, limits: Limits) -> bytes:
    """A picture as WebP: without losses where that is as small."""
    exact = io.BytesIO()
    picture.save(exact, "WEBP", lossless=True, method=3)
    picture.thumbnail((limits.width, 8000))
    lossy = io.BytesIO()
    picture.save(lossy, "WEBP", quality=limits.quality, method=4)
    return min(exact.getvalue(), lossy.getvalue(), key=len)
