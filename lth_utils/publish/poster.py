"""The poster of a set: one sheet of A0 from its kept tables, facts and runs, without training."""

from __future__ import annotations

from pathlib import Path

from lth_utils.plots.style import drawing_into
from lth_utils.publish import poster_text
from lth_utils.publish.captions import TITLE
from lth_utils.publish.poster_panels import PANELS, Kept, Panel, fit
from lth_utils.publish.poster_sheet import Box, Sheet, wrapped
from lth_utils.runs.files import write_atomically
from lth_utils.runs.places import outputs, provenance

WIDTH, HEIGHT = 46.8, 33.1
"""A0, landscape, inches."""

PIXELS = 4000
"""Width of the picture."""

HEADING, FINDING = 44, 28
"""Sizes of letters, points."""

TOP = 2.1
"""Height of a panel's heading and sentence, inches."""

HEAD = Box(1.0, 0.9, 44.8, 3.6)
STORY = Box(0.5, 4.6, 45.8, 8.5)
RIGHT = Box(33.6, 13.5, 12.2, 15.2)
FOOT = Box(1.0, 28.95, 44.8, 3.5)

PLACES = (
    Box(1.0, 4.85, 8.9, 8.1),
    Box(10.9, 4.85, 7.6, 8.1),
    Box(19.5, 4.85, 13.2, 8.1),
    Box(33.7, 4.85, 12.1, 8.1),
    Box(1.0, 13.5, 9.0, 7.4),
    Box(10.6, 13.5, 10.4, 7.4),
    Box(21.6, 13.5, 11.4, 7.4),
    Box(1.0, 21.3, 10.3, 7.4),
    Box(11.9, 21.3, 10.3, 7.4),
    Box(22.8, 21.3, 10.2, 7.4),
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
    for before, after in zip(PLACES[:STEPS], PLACES[1:], strict=False):
        sheet.arrow((before.right + after.x) / 2 + 0.25, before.y + 0.45, 0.75)
    poster_text.verdicts(sheet, kept, RIGHT)
    poster_text.foot(sheet, kept, FOOT)
    sheet.figure.draw_without_rendering()
    for part in sheet.drawings.values():
        fit(part, lambda *line: "\n".join(wrapped(*line)))
    sheet.settle()
    return sheet


def _panel(sheet: Sheet, kept: Kept, number: int, panel: Panel, place: Box):
    """A panel: its number and heading, what it found, its drawing."""
    sheet.box(panel.key, place)
    poster_text.heading(sheet, panel.key, panel.heading, place, number)
    part = sheet.drawing(panel.key, place.below(place.y + TOP))
    with drawing_into(part, panel.style):
        panel.draw(kept)
    said = Box(place.x, place.y + 0.95, place.width, TOP - 0.95)
    finding = panel.sentence(kept, part)
    sheet.write(panel.key, finding, said, FINDING, least=poster_text.BODY)
