"""Panels beside the network: decision regions, curves, coverage."""

from __future__ import annotations

from collections.abc import Sequence

import contourpy
import matplotlib as mpl
import numpy as np
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection
from matplotlib.patches import Patch, Rectangle
from matplotlib.ticker import MaxNLocator, PercentFormatter

from lth_utils import connectivity, plots
from lth_utils.explorer.drawing import task_colour
from lth_utils.explorer.run import Run
from lth_utils.networks.ticket import Ticket
from lth_utils.plots.style import STATE_COLOURS, STATUS_COLOURS
from lth_utils.runs.record import KEEP_TRAINED

GRID = 64
"""Points per side at which a decision region is computed."""

MAX_ROWS = 7
"""Subnetworks listed at most in the coverage matrix."""


def say_no_regions(figure, run: Run, box):
    x, y, width, height = box
    figure.text(
        x + width / 2,
        y + height / 2,
        "Decision regions are drawn for tasks with two inputs and one output,\n"
        "pixels for images; these have "
        + ", ".join(f"{len(t.inputs)} ({t.name})" for t in run.tasks)
        + " inputs.",
        ha="center",
        va="center",
        color="#555555",
    )


def say_untrained(ax: Axes, ticket: Ticket) -> Artist:
    many = sum(int(m.sum()) for m in ticket.masks) > KEEP_TRAINED
    return note_aside(
        ax,
        "trained values\nof this level\nwere not kept"
        + (f":\nmore than\n{KEEP_TRAINED} weights" if many else ""),
    )


def note_aside(ax: Axes, text: str) -> Artist:
    """A sentence in place of what cannot be drawn."""
    return ax.text(
        0.5, 0.5, text, transform=ax.transAxes, ha="center", va="center", color="#555555"
    )


def region_panels(figure, run: Run, flat: Sequence[int], box) -> list[Axes]:
    """One panel per task of two inputs and one output, side by side."""
    x, y, width, height = box
    gap = 0.055 * width / 0.455
    each = (width - gap * (len(flat) - 1)) / max(1, len(flat))
    panels = []
    for n, k in enumerate(flat):
        ax, task = figure.add_axes((x + n * (each + gap), y, each, height)), run.tasks[k]
        points = _test_points(run, k)
        low, high = (
            (points.min(0) - 0.3, points.max(0) + 0.3)
            if points is not None
            else (np.full(2, -2.5), np.full(2, 2.5))
        )
        ax.set(xlim=(low[0], high[0]), ylim=(low[1], high[1]), xlabel=f"x{task.inputs.start + 1}")
        ax.set_ylabel(f"x{task.inputs.start + 2}", labelpad=0)
        ax.xaxis.set_major_locator(MaxNLocator(5, integer=True))
        ax.yaxis.set_major_locator(MaxNLocator(5, integer=True))
        panels.append(ax)
    return panels


def _test_points(run: Run, k: int) -> np.ndarray | None:
    columns = run.tasks[k].inputs
    return None if run.dataset is None else run.dataset.x_test[:, columns.start : columns.stop]


def region_artists(ax: Axes, k: int, chance: np.ndarray) -> list[Artist]:
    colour, extent = task_colour(k), (*ax.get_xlim(), *ax.get_ylim())
    shades = mpl.colors.LinearSegmentedColormap.from_list(
        "chance", [plots.tint(colour, 0.42), "white", plots.tint(colour, 0.12)]
    )
    artists = [
        ax.imshow(
            shades(chance)[..., :3],
            extent=extent,
            origin="lower",
            aspect="auto",
            interpolation="bilinear",
            zorder=0,
        )
    ]
    borders = contourpy.contour_generator(
        np.linspace(*extent[:2], GRID), np.linspace(*extent[2:], GRID), chance
    ).lines(0.5)
    artists.append(
        ax.add_collection(
            LineCollection(borders, colors=colour, linewidths=1.8, zorder=1), autolim=False
        )
    )
    return artists


def scatter_test_points(ax: Axes, run: Run, k: int) -> list[Artist]:
    if (points := _test_points(run, k)) is None:
        return []
    groups = [points[run.dataset.y_test[:, k] == label] for label in (0, 1)]
    return [
        ax.plot(*these.T, marker, ms=2.4, mew=0, color=plots.tint(task_colour(k), share), zorder=2)[
            0
        ]
        for these, marker, share in zip(groups, "o^", (1.0, 0.5), strict=True)
    ]


def curve_colours() -> dict[str, str]:
    return {
        "available": "#000000",
        **{n: STATE_COLOURS[n] for n in ("active", "inactive", "zombie")},
    }


def _level_axis(ax: Axes, run: Run):
    first, last = run.rows["level"].iloc[[0, -1]]
    ax.set(xlim=(first - 0.5, last + 0.5), xlabel="level")
    ax.xaxis.set_major_locator(MaxNLocator(8, integer=True))
    ax.xaxis.labelpad = 1


def weight_curves(ax: Axes, run: Run):
    """Weights by state over the levels; above them a band with the status of each level."""
    styles = {"available": "-", "active": "-", "inactive": "--", "zombie": ":"}
    for name, colour in curve_colours().items():
        ax.plot(
            run.rows["level"],
            run.rows[name],
            styles[name],
            color=colour,
            marker="." if len(run.rows) == 1 else None,
            label=name,
        )
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
    blended = ax.get_xaxis_transform()
    for level, word in zip(run.rows["level"], run.rows["status"], strict=True):
        ax.add_patch(
            Rectangle(
                (level - 0.5, 1.05),
                1,
                0.09,
                color=STATUS_COLOURS[word],
                transform=blended,
                clip_on=False,
                lw=0,
            )
        )
    words = list(dict.fromkeys(run.rows["status"]))
    ax.legend_.set_zorder(5)
    band = [Patch(color=STATUS_COLOURS[w], label=w) for w in words]
    ax.figure.add_artist(
        mpl.legend.Legend(
            ax,
            band,
            [w.get_label() for w in band],
            loc="lower left",
            bbox_to_anchor=(-0.02, 1.13),
            ncols=len(band),
            bbox_transform=ax.transAxes,
            fontsize=9,
            handlelength=1,
            handleheight=0.8,
            borderpad=0.1,
            columnspacing=1,
            frameon=False,
        )
    )


def task_curves(ax: Axes, run: Run, what: str):
    """Loss or accuracy of each task over the levels."""
    columns = [f"{what}_{t.name}" for t in run.tasks]
    if columns[0] not in run.rows:
        ax.set_axis_off()
        note_aside(ax, f"no {what} came\nwith these tickets")
        return
    for k, column in enumerate(columns):
        ax.plot(
            run.rows["level"],
            run.rows[column],
            ("-", "--", ":", "-.")[k % 4],
            color=task_colour(k),
            label=run.tasks[k].name,
            marker="." if len(run.rows) == 1 else None,
        )
    _level_axis(ax, run)
    if what == "loss":
        ax.set_yscale("log")
        values = run.rows[columns].to_numpy()
        ax.yaxis.set_major_locator(
            mpl.ticker.LogLocator(subs=(1, 2, 5) if values.max() < 30 * values.min() else (1,))
        )
        ax.yaxis.set_major_formatter(mpl.ticker.FormatStrFormatter("%g"))
        ax.yaxis.set_minor_locator(mpl.ticker.NullLocator())
        ax.legend(fontsize=9, handlelength=2, borderpad=0.1, loc="best")
    else:
        low = run.rows[columns].to_numpy().min()
        ax.set_ylim(low - 0.06 * (1.02 - low), 1 + 0.02 * (1.02 - low))
        ax.yaxis.set_major_formatter(PercentFormatter(1, decimals=0 if low < 0.95 else 1))
    ax.set_title(f"{what} on the test half", size=10.5, pad=4)


def _rows_shown(run: Run) -> int:
    return int(np.clip(run.rows["subnetworks"].max(), 2, MAX_ROWS))


def coverage_frame(ax: Axes, run: Run):
    ax.set(
        xlim=(-0.5, len(run.tasks) - 0.5),
        ylim=(_rows_shown(run) - 0.5, -0.5),
        xticks=range(len(run.tasks)),
        yticks=[],
    )
    ax.set_xticklabels([t.name for t in run.tasks], rotation=0 if len(run.tasks) < 4 else 40)
    ax.tick_params(top=True, labeltop=True, bottom=False, labelbottom=False, length=0, pad=2)
    for side in ax.spines.values():
        side.set_visible(False)
    ax.set_ylabel("subnetwork", labelpad=16)
    ax.text(-0.5, -0.5, "coverage of the tasks\n", size=10.5, va="bottom")


def coverage_cells(ax: Axes, run: Run, found: connectivity.Structure) -> list[Artist]:
    """One cell per subnetwork and task, the darker the more is covered."""
    covers = found.coverage
    if not len(covers):
        return [note_aside(ax, "no subnetwork is left")]
    artists = []
    height = _rows_shown(run)
    for j, row in enumerate(covers[:height]):
        if j == height - 1 < len(covers) - 1:
            artists.append(ax.text(-0.5, j, f"and {len(covers) - j} more", va="center", size=9))
            break
        artists.append(
            ax.text(-0.5 - 0.03 * len(run.tasks), j, f"{j + 1}", va="center", ha="right", size=10)
        )
        for k, share in enumerate(row):
            colour = plots.tint(task_colour(k), 0.85 * share)
            artists.append(
                ax.add_patch(
                    Rectangle(
                        (k - 0.48, j - 0.46),
                        0.96,
                        0.92,
                        facecolor=colour,
                        edgecolor="#CCCCCC",
                        lw=0.8,
                    )
                )
            )
            artists.append(
                ax.text(
                    k,
                    j,
                    f"{share:.0%}",
                    ha="center",
                    va="center",
                    size=10,
                    color="white" if share > 0.6 else "#222222",
                )
            )
    return artists
