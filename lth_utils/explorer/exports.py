"""Files that are exported from the explorer."""

from __future__ import annotations

from pathlib import Path

import matplotlib as mpl

from lth_utils.config import choose
from lth_utils.explorer.still import draw
from lth_utils.plots.style import STYLE
from lth_utils.publish.products import image
from lth_utils.runs import ticket_files
from lth_utils.runs.files import write_atomically
from lth_utils.viewer.run import Run
from lth_utils.viewer.words import level_in_words


def save_picture(folder: Path, run: Run, row: int, colours: str, kind: str) -> Path:
    """Write a picture, with what it shows in its metadata.

    Args:
        folder: made where it is missing.
        run: the run.
        row: of its table.
        colours: what they mean.
        kind: ``png``, ``svg`` or ``pdf``.

    Returns:
        The file, named after run, level and colours.

    Raises:
        StoreError: it cannot be written.
    """
    choose(kind, ("pdf", "svg", "png"), "kind")
    title = f"{run.key}-level{run.rows['level'].iloc[row]}"
    with mpl.rc_context(STYLE):
        content = image(draw(run, row, colours), kind, title, level_in_words(run, row))
    path = folder / f"{title}-by-{colours}.{kind}"
    write_atomically(path, content)
    return path


def save_ticket(folder: Path, run: Run, row: int) -> Path:
    """Write a ticket as a file that ``explorer.load`` reads.

    Raises:
        StoreError: it cannot be written.
    """
    ticket = run.ticket(row)
    return ticket_files.save(ticket, folder / f"{run.key}-level{ticket.level}.npz")
