"""Panels beside the network: decision regions, curves, coverage."""

from __future__ import annotations

from collections.abc import Sequence

import matplotlib as mpl
import numpy as np
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.patches import Patch, Rectangle
from matplotlib.ticker import MaxNLocator, PercentFormatter

from lth_utils import connectivity
from lth_utils.data.tasks import index
from lth_utils.explorer.run import Run
from lth_utils.networks.ticket import Ticket
from lth_utils.plots.decision_regions import region_extent
from lth_utils.plots.network_marks import task_colour
from lth_utils.plots.style import STATE_COLOURS, STATUS_COLOURS, tint
from lth_utils.runs.record import KEEP_TRAINED

MAX_ROWS = 7
"""Subnetworks listed at most in the coverage matrix."""

CURVES = {
    "available": ("#000000", "-"),
    "active": (STATE_COLOURS["active"], "-"),
    "inactive": (STATE_COLOURS["inactive"], "--"),
    "zombie": (STATE_COLOURS["zombie"], ":"),
}
"""Colour and style of the weights by state."""


def say_no_regions(figure, run: Run, box: tuple):
    """A sentence in place of the decision regions; box: x, y, width, height in the figure."""
    x, y, width, height = box
    sizes = ", ".join(f"{len(t.inputs)} ({t.name})" for t in run.tasks)
    text = (
        "Decision regions are drawn for tasks with two inputs and one output,\n"
        f"pixels for images; these have {sizes} inputs."
    )
    centre = {"ha": "center", "va": "center", "color": "#555555"}
    figure.text(x + width / 2, y + height / 2, text, **centre)


def say_which_lack_a_region(figure, run: Run, chosen: Sequence[int], box: tuple):
    """A sentence below the decision regions about tasks that have none.

    Args:
        figure: to which it is added.
        run: whose tasks they are.
        chosen: positions of the tasks with a region.
        box: x, y, width and height of the regions in the figure.
    """
    lacking = [task for k, task in enumerate(run.tasks) if k not in chosen]
    if not lacking:
        return
    sizes = "; ".join(f"{t.name} ({len(t.inputs)}, {len(t.outputs)})" for t in lacking)
    text = f"no region of {sizes}: only of two inputs and one output"
    x, y, width, height = box
    figure.text(x + width, y + height, text, ha="right", va="bottom", color="#555555", size=9)


def say_untrained(ax: Axes, ticket: Ticket) -> Artist:
    """A sentence in place of what trained values are needed for."""
    text = "trained values\nof this level\nwere not kept"
    if sum(int(m.sum()) for m in ticket.masks) > KEEP_TRAINED:
        text += f":\nmore than\n{KEEP_TRAINED} weights"
    return note_aside(ax, text)


def note_aside(ax: Axes, text: str) -> Artist:
    """A sentence in place of what cannot be drawn."""
    centre = {"ha": "center", "va": "center", "color": "#555555"}
    return ax.text(0.5, 0.5, text, transform=ax.transAxes, **centre)


def region_panels(figure, run: Run, chosen: Sequence[int], box: tuple) -> list[Axes]:
    """Axes for decision regions, side by side.

    Args:
        figure: to which they are added.
        run: whose test split sets their limits.
        chosen: positions of tasks with two inputs and one output.
        box: x, y, width and height in the figure.
    """
    x, y, width, height = box
    gap = 0.055 * width / 0.455
    each = (width - gap * (len(chosen) - 1)) / max(1, len(chosen))
    axes = []
    for n, k in enumerate(chosen):
        ax = figure.add_axes((x + n * (each + gap), y, each, height))
        first, second = run.tasks[k].inputs
        points = _test_points(run, k)
        extent = (-2.5, 2.5, -2.5, 2.5) if points is None else region_extent(points)
        ax.set(xlim=extent[:2], ylim=extent[2:], xlabel=f"x{first + 1}")
        ax.set_ylabel(f"x{second + 1}", labelpad=0)
        ax.xaxis.set_major_locator(MaxNLocator(5, integer=True))
        ax.yaxis.set_major_locator(MaxNLocator(5, integer=True))
        axes.append(ax)
    return axes


def _test_points(run: Run, k: int) -> np.ndarray | None:
    """Task `k`'s inputs of the test split, where the data set is known."""
    columns = index(run.tasks[k].inputs)
    return None if run.dataset is None else run.dataset.x_test[:, columns]


def scatter_test_points(ax: Axes, run: Run, k: int) -> list[Artist]:
    """The test split of task `k`, one mark for each of two classes."""
    points, artists = _test_points(run, k), []
    if points is None:
        return artists
    for label, (marker, share) in enumerate((("o", 1.0), ("^", 0.5))):
        these = points[run.dataset.y_test[:, k] == label]
        look = {"color": tint(task_colour(k), share), "ms": 2.4, "mew": 0, "zorder": 2}
        artists += ax.plot(*these.T, marker, **look)
    return artists


def _level_axis(ax: Axes, run: Run):
    """The levels along x."""
    first, last = run.rows["level"].iloc[[0, -1]]
    ax.set(xlim=(first - 0.5, last + 0.5), xlabel="level")
    ax.xaxis.set_major_locator(MaxNLocator(8, integer=True))
    ax.xaxis.labelpad = 1


def _marker(run: Run) -> str | None:
    """A curve of one level is a dot."""
    return "." if len(run.rows) == 1 else None


def weight_curves(ax: Axes, run: Run):
    """Weights by state over the levels; above them a band with the status of each level."""
    for name, (colour, style) in CURVES.items():
        look = {"color": colour, "marker": _marker(run), "label": name}
        ax.plot(run.rows["level"], run.rows[name], style, **look)
    ax.set_yscale("symlog", linthresh=1)
    ax.set_ylim(0, 2 * run.rows["available"].max())
    ax.yaxis.set_major_locator(mpl.ticker.SymmetricalLogLocator(base=10, linthresh=1))
    ax.yaxis.set_minor_locator(mpl.ticker.NullLocator())
    _level_axis(ax, run)
    ax.set_ylabel("weights", labelpad=1)
    ax.legend(
        loc="center left",
        bbox_to_anchor=(1.0, 0.5),
        fontsize=9,
        handlelength=1.5,
        borderpad=0.1,
        labelspacing=0.3,
    )
    ax.legend_.set_zorder(5)
    _status_band(ax, run)


def _status_band(ax: Axes, run: Run):
    """The status of each level as colours above the axes, with a legend above them."""
    place = {"transform": ax.get_xaxis_transform(), "clip_on": False, "lw": 0}
    for level, word in zip(run.rows["level"], run.rows["status"], strict=True):
        band = Rectangle((level - 0.5, 1.05), 1, 0.09, color=STATUS_COLOURS[word], **place)
        ax.add_patch(band)
    words = list(dict.fromkeys(run.rows["status"]))
    legend = mpl.legend.Legend(
        ax,
        handles=[Patch(color=STATUS_COLOURS[word]) for word in words],
        labels=words,
        loc="lower left",
        bbox_to_anchor=(-0.02, 1.13),
        ncols=len(words),
        bbox_transform=ax.transAxes,
        fontsize=9,
        handlelength=1,
        handleheight=0.8,
        borderpad=0.1,
        columnspacing=1,
        frameon=False,
    )
    ax.figure.add_artist(legend)


def prefixes(run: Run, what: str) -> list[str]:
    """How the columns of each task's ``loss``, or of its ``score``, begin."""
    if what == "loss":
        return ["loss"] * len(run.tasks)
    return [task.score_name for task in run.tasks]


def task_curves(ax: Axes, run: Run, what: str):
    """Each task's curve over the levels; what: ``loss`` or ``score``."""
    columns = [
        f"{prefix}_{t.name}" for t, prefix in zip(run.tasks, prefixes(run, what), strict=True)
    ]
    what = "loss" if what == "loss" else " and ".join(sorted(set(prefixes(run, what))))
    if columns[0] not in run.rows:
        ax.set_axis_off()
        note_aside(ax, f"no {what} came\nwith these tickets")
        return
    for k, column in enumerate(columns):
        style = ("-", "--", ":", "-.")[k % 4]
        look = {"color": task_colour(k), "label": run.tasks[k].name, "marker": _marker(run)}
        ax.plot(run.rows["level"], run.rows[column], style, **look)
    _level_axis(ax, run)
    values = run.rows[columns].to_numpy()
    if what == "loss":
        _loss_axis(ax, values)
    else:
        low = values.min()
        ax.set_ylim(low - 0.06 * (1.02 - low), 1 + 0.02 * (1.02 - low))
        ax.yaxis.set_major_formatter(PercentFormatter(1, decimals=0 if low < 0.95 else 1))
    ax.set_title(f"{what} on the test split", size=10.5, pad=4)


def _loss_axis(ax: Axes, values: np.ndarray):
    """Losses along a logarithmic axis."""
    ax.set_yscale("log")
    steps = (1, 2, 5) if values.max() < 30 * values.min() else (1,)
    ax.yaxis.set_major_locator(mpl.ticker.LogLocator(subs=steps))
    ax.yaxis.set_major_formatter(mpl.ticker.FormatStrFormatter("%g"))
    ax.yaxis.set_minor_locator(mpl.ticker.NullLocator())
    ax.legend(fontsize=9, handlelength=2, borderpad=0.1, loc="best")


def curve_cursors(run: Run, weights: Axes, loss: Axes, score: Axes) -> list[tuple]:
    """What marks the current level in the curves.

    Returns:
        Pairs of an artist and the column whose value it shows, None for a vertical line.
    """
    curves = [(weights, name, colour) for name, (colour, _) in CURVES.items()]
    for ax, what in ((loss, "loss"), (score, "score")):
        if ax.axison:
            for k, prefix in enumerate(prefixes(run, what)):
                curves.append((ax, f"{prefix}_{run.tasks[k].name}", task_colour(k)))
    cursors, with_line = [], []
    for ax, column, colour in curves:
        if ax not in with_line:
            with_line.append(ax)
            cursors.append((ax.axvline(color="#333333", lw=1.2, alpha=0.8), None))
        (dot,) = ax.plot([], [], "o", ms=7, color=colour, mec="white", clip_on=False)
        cursors.append((dot, column))
    return cursors


def _rows_of_coverage(run: Run) -> int:
    """How many subnetworks the coverage matrix has room for."""
    return int(np.clip(run.rows["subnetworks"].max(), 2, MAX_ROWS))


def coverage_frame(ax: Axes, run: Run):
    """The axes of the coverage matrix: tasks along x, subnetworks downwards."""
    n = len(run.tasks)
    ax.set(xlim=(-0.5, n - 0.5), ylim=(_rows_of_coverage(run) - 0.5, -0.5))
    ax.set(xticks=range(n), yticks=[])
    ax.set_xticklabels([t.name for t in run.tasks], rotation=0 if n < 4 else 40)
    ax.tick_params(top=True, labeltop=True, bottom=False, labelbottom=False, length=0, pad=2)
    for side in ax.spines.values():
        side.set_visible(False)
    ax.set_ylabel("subnetwork", labelpad=16)
    ax.text(-0.5, -0.5, "coverage of the tasks\n", size=10.5, va="bottom")


def coverage_cells(ax: Axes, run: Run, found: connectivity.Structure) -> list[Artist]:
    """One cell per subnetwork and task, the darker the more is covered."""
    covers, height = found.coverage, _rows_of_coverage(run)
    if not len(covers):
        return [note_aside(ax, "no subnetwork is left")]
    listed = len(covers) if len(covers) <= height else height - 1
    artists = []
    for j, row in enumerate(covers[:listed]):
        left = -0.5 - 0.03 * len(run.tasks)
        artists.append(ax.text(left, j, f"{j + 1}", va="center", ha="right", size=10))
        for k, share in enumerate(row):
            artists += _coverage_cell(ax, j, k, share)
    if listed < len(covers):
        rest = f"and {len(covers) - listed} more"
        artists.append(ax.text(-0.5, listed, rest, va="center", size=9))
    return artists


def _coverage_cell(ax: Axes, j: int, k: int, share: float) -> list[Artist]:
    """How much of task `k` subnetwork `j` covers."""
    colour = tint(task_colour(k), 0.85 * share)
    look = {"facecolor": colour, "edgecolor": "#CCCCCC", "lw": 0.8}
    cell = ax.add_patch(Rectangle((k - 0.48, j - 0.46), 0.96, 0.92, **look))
    look = {"ha": "center", "va": "center", "size": 10}
    return [
        cell,
        ax.text(k, j, f"{share:.0%}", color="white" if share > 0.6 else "#222222", **look),
    ]
