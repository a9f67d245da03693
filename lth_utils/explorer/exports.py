"""Files that are exported from the explorer."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import matplotlib as mpl

from lth_utils.explorer.run import LOOK, Options, Run
from lth_utils.explorer.view import figure
from lth_utils.explorer.words import level_in_words, picture_in_words
from lth_utils.publish.products import image
from lth_utils.runs import ticket_files
from lth_utils.runs.files import write_atomically


def save_picture(
    folder: Path, views: Sequence[tuple[Run, int]], options: Options, kind: str
) -> Path:
    """Write a picture, with what it shows in its metadata.

    Args:
        folder: made where it is missing.
        views: runs and their rows, one or two.
        options: how to draw.
        kind: ``png``, ``svg`` or ``pdf``.

    Returns:
        The file, named after runs, levels and options.

    Raises:
        StoreError: it cannot be written.
    """
    names = [f"{run.key}-level{run.rows['level'].iloc[row]}" for run, row in views]
    title = "-and-".join(names)
    details = f"-by-{options.colours}"
    if options.pruned:
        details += "-pruned"
    if options.neuron:
        details += f"-layer{options.neuron[0]}-neuron{options.neuron[1] + 1}"
    about = [picture_in_words(views, options)]
    about += [level_in_words(run, row) for run, row in views]
    drawn = figure(views, options)
    with mpl.rc_context(LOOK):
        content = image(drawn, kind, title, "; ".join(about))
    path = folder / f"{title}{details}.{kind}"
    write_atomically(path, content)
    return path


def save_ticket(folder: Path, run: Run, row: int) -> Path:
    """Write a ticket as a file that ``explorer.load`` reads.

    Raises:
        StoreError: it cannot be written.
    """
    ticket = run.ticket(row)
    return ticket_files.save(ticket, folder / f"{run.key}-level{ticket.level}.npz")
