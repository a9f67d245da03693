"""The poster of a set: one sheet of A0 from its kept tables, facts and runs, without training."""

from __future__ import annotations

import itertools
import warnings
from pathlib import Path

from lth_utils.plots.style import drawing_into
from lth_utils.publish import poster_text
from lth_utils.publish.captions import TITLE
from lth_utils.publish.poster_fit import fit, tidy
from lth_utils.publish.poster_kept import Kept
from lth_utils.publish.poster_panels import PANELS, Panel
from lth_utils.publish.poster_sheet import Box, Sheet
from lth_utils.runs.files import write_atomically
from lth_utils.runs.places import outputs, provenance

WIDTH, HEIGHT = 46.8, 33.1
"""A0, landscape, inches."""

PIXELS = 4000
"""Width of the picture."""

HEADING, FINDING = 44, 28
"""Sizes of letters, points."""

STORY_TOP, TOP = 2.0, 2.3
"""Height of a panel's heading and sentence, inches: of the first four, and of the others."""

HEAD = Box(1.0, 0.7, 44.8, 3.55)
STORY = Box(0.4, 4.35, 46.0, 8.45)
RIGHT = Box(33.6, 13.2, 12.2, 14.95)
FOOT = Box(1.0, 28.6, 44.8, 3.9)

PLACES = (
    Box(1.0, 4.65, 9.15, 8.0),
    Box(11.15, 4.65, 7.7, 8.0),
    Box(19.9, 4.65, 12.6, 8.0),
    Box(33.6, 4.65, 12.2, 8.0),
    Box(1.0, 13.2, 9.0, 6.95),
    Box(10.8, 13.2, 10.2, 6.95),
    Box(21.8, 13.2, 11.0, 6.95),
    Box(1.0, 20.5, 10.2, 7.75),
    Box(11.8, 20.5, 10.2, 7.75),
    Box(22.6, 20.5, 10.2, 7.75),
)
"""Of the panels, in their order."""

STEPS = 3
"""So many panels lead to the next one by an arrow."""


def write(set_name: str) -> list[Path]:
    """Write ``outputs/<set>/poster.pdf`` and ``.png``.

    Args:
        set_name: folder of ``outputs/``.

    Returns:
        The files written.

    Raises:
        StoreError: a table or a run that the poster shows is missing.
    """
    sheet = draw(set_name)
    versions = "; ".join(f"{name} {version}" for name, version in provenance().items())
    pdf = sheet.pdf({"Title": TITLE, "Subject": versions, "CreationDate": None})
    png = sheet.png(PIXELS, {"Title": TITLE, "Description": versions})
    written = []
    for name, content in (("poster.pdf", pdf), ("poster.png", png)):
        written.append(outputs() / set_name / name)
        write_atomically(written[-1], content)
    return written


def draw(set_name: str) -> Sheet:
    """Draw the poster of a set.

    Args:
        set_name: folder of ``outputs/``.
    """
    kept, sheet = Kept(set_name), Sheet(WIDTH, HEIGHT)
    poster_text.head(sheet, kept, HEAD)
    sheet.card(STORY)
    for number, (panel, place) in enumerate(zip(PANELS, PLACES, strict=True), 1):
        _panel(sheet, kept, number, panel, place)
    for before, after in itertools.pairwise(PLACES[: STEPS + 1]):
        sheet.arrow((before.right + after.x) / 2 + 0.28, before.y + 5.0, 0.8)
    poster_text.verdicts(sheet, kept, RIGHT)
    poster_text.foot(sheet, kept, FOOT)
    for change in (fit, tidy):
        with warnings.catch_warnings():  # some panels have no room until their lines are broken
            warnings.filterwarnings("ignore", "constrained_layout not applied")
            sheet.figure.draw_without_rendering()
        for panel in PANELS:
            with drawing_into(sheet.drawings[panel.key], panel.style) as part:
                change(part)
    sheet.settle()
    return sheet


def _panel(sheet: Sheet, kept: Kept, number: int, panel: Panel, place: Box):
    """A panel: its number and heading, what it found, its drawing."""
    top = STORY_TOP if number <= STEPS + 1 else TOP
    sheet.box(panel.key, place)
    poster_text.heading(sheet, panel.key, panel.heading, place, number)
    part = sheet.drawing(panel.key, place.below(place.y + top))
    with drawing_into(part, panel.style):
        panel.draw(kept)
    said = Box(place.x, place.y + 0.95, place.width, top - 0.93)
    finding = panel.sentence(kept, part)
    sheet.write(panel.key, finding, said, FINDING, least=poster_text.BODY)
