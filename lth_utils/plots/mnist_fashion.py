"""Figures of notebook 02."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from matplotlib import pyplot as plt
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch, Rectangle
from matplotlib.ticker import MaxNLocator

from lth_utils.config import SpecError
from lth_utils.data import Dataset
from lth_utils.plots.style import DASHES, STATUS_COLOURS, TASK_COLOURS, panels, styled


def _pictures(dataset: Dataset, rows: slice) -> list[np.ndarray]:
    """Each task's training images float32 ``[B, S, S]``, brightness 0…1."""
    if dataset.x_train.min() < 0:
        raise SpecError(
            "these pixels are standardised, so brightness is lost; load the data with standardised=False for figures of images"
        )
    sides = [math.isqrt(len(t.inputs)) for t in dataset.tasks]
    for task, side in zip(dataset.tasks, sides, strict=True):
        if side**2 != len(task.inputs):
            raise SpecError(
                f"task {task.name} has {len(task.inputs)} inputs, which make no square image; use the figure data for points"
            )
    return [
        dataset.x_train[rows, t.inputs.start : t.inputs.stop].reshape(-1, s, s)
        for t, s in zip(dataset.tasks, sides, strict=True)
    ]


@styled
def samples(
    dataset: Dataset,
    names: Mapping[str, Sequence[str]] | None = None,
    rows: int = 3,
    columns: int = 4,
) -> Figure:
    """The first training examples, the tasks' images side by side as the network gets them, each with its label in its task's colour.

    dataset: with ``standardised=False``; names: of a task's classes, by the task's name (default: the labels' numbers).
    """
    shown = min(rows * columns, len(dataset.x_train))
    pictures = _pictures(dataset, slice(shown))
    figure, axes = panels(rows, columns, (1.9 * len(pictures) * columns, 2.4 * rows + 0.5))
    for ax in axes.flat:
        ax.set_axis_off()
    for n, ax in enumerate(axes.flat[:shown]):
        for k, (task, images) in enumerate(zip(dataset.tasks, pictures, strict=True)):
            label = dataset.y_train[n, k]
            ax.imshow(images[n], cmap="gray_r", vmin=0, vmax=1, extent=(k, k + 1, 0, 1))
            ax.text(
                k + 0.5,
                1.03,
                (names or {}).get(task.name, range(task.classes))[label],
                color=TASK_COLOURS[k],
                ha="center",
                va="bottom",
                fontsize=17,
            )
            ax.add_patch(
                Rectangle((k, 0), 1, 1, fill=False, edgecolor=TASK_COLOURS[k], linewidth=1.5)
            )
        ax.set(xlim=(-0.02, len(pictures) + 0.02), ylim=(-0.02, 1.02))
    figure.suptitle(
        " beside ".join(t.name for t in dataset.tasks) + f": {dataset.ends[0]} inputs per example",
        fontsize=17,
    )
    return figure


@styled
def pixel_statistics(dataset: Dataset) -> Figure:
    """Mean (top) and variance (bottom) of each pixel over the training images, one column per task, one colour bar per row.

    dataset: with ``standardised=False``; black is 0 and white 1 in the files.
    """
    pictures = _pictures(dataset, slice(None))
    figure, axes = panels(2, len(pictures), (4.6 * len(pictures) + 1, 8.8))
    for row, (word, statistic) in enumerate((("mean", np.mean), ("variance", np.var))):
        # pixel by pixel, since in double precision all at once they would take twice the memory of the data
        maps = [
            np.array([statistic(pixel, dtype=float) for pixel in p.reshape(len(p), -1).T]).reshape(
                p.shape[1:]
            )
            for p in pictures
        ]
        for ax, task, values in zip(axes[row], dataset.tasks, maps, strict=True):
            shown = ax.imshow(values, cmap="viridis", vmin=0, vmax=max(m.max() for m in maps))
            still = (
                f", {(values == 0).sum()} of {values.size} pixels constant"
                if word == "variance"
                else ""
            )
            ax.set(title=f"{task.name}: {word}{still}", xticks=[], yticks=[])
        figure.colorbar(shown, ax=axes[row], label=f"{word} of the brightness (0 to 1)", shrink=0.9)
    return figure


def _by_status(ax: Axes, x: pd.Series, y: pd.Series, status: pd.Series):
    """One run as a line whose dots have the colour of their status, a star where it first separates."""
    ax.plot(x, y, color=STATUS_COLOURS["interconnected"], lw=1.4, alpha=0.7, zorder=2)
    ax.scatter(x, y, c=[STATUS_COLOURS[s] for s in status], s=18, linewidths=0, zorder=3)
    first = (status == "separated") & ((status == "separated").cumsum() == 1)
    ax.plot(x[first], y[first], zorder=5, **STAR)


STAR = {"ls": "", "marker": "*", "color": STATUS_COLOURS["separated"], "mec": "black", "ms": 17}

OUTSIDE = {"loc": "outside lower center", "ncols": 3}


def _status_handles(status: pd.Series) -> list[Line2D]:
    shown = [w for w in STATUS_COLOURS if w in set(status) - {"separated"}]
    return [
        *(
            Line2D(
                [],
                [],
                color=STATUS_COLOURS[w],
                marker="o",
                ms=6,
                ls="-" if w == "interconnected" else "",
                lw=1.4,
                label=f"{w} (ours)",
            )
            for w in shown
        ),
        Line2D([], [], label="separated here (ours)", **STAR),
    ]


def _alike(table: pd.DataFrame, theirs: pd.DataFrame) -> pd.DataFrame:
    """Their rows, none where their networks are of another size than ours."""
    return theirs if theirs["unpruned_weights"].max() == table["available"].max() else theirs[:0]


@styled
def accuracy(table: pd.DataFrame, theirs: pd.DataFrame) -> Figure:
    """Mean accuracy over the unpruned weights, one line per seed, a star where it separates.

    table: level rows of image networks; theirs: ``claims.reference("mnist_fashion")``, drawn where the networks are of one size.
    """
    figure, axes = panels(1, 1, (11, 7))
    ax, handles = axes[0, 0], _status_handles(table["status"])
    for _, rows in _alike(table, theirs).groupby("run"):
        ax.plot(
            rows["unpruned_weights"],
            rows["mean_accuracy"],
            color="black",
            lw=1.2,
            linestyle=DASHES,
            alpha=0.7,
        )
        there = rows[rows["separated_here"] == 1]
        ax.plot(
            there["unpruned_weights"],
            there["mean_accuracy"],
            **STAR | {"color": "white", "zorder": 4},
        )
    for _, rows in table.groupby("run", sort=False):
        _by_status(ax, rows["available"], rows["accuracy"], rows["status"])
    ax.set(
        xscale="log",
        xlabel="unpruned weights",
        ylabel="accuracy on the test half, mean of the tasks",
        title=f"{table['base'].iloc[0]}, {table['run'].nunique()} seeds",
    )
    ax.invert_xaxis()
    if len(_alike(table, theirs)):
        handles += [
            Line2D(
                [],
                [],
                color="black",
                lw=1.2,
                linestyle=DASHES,
                marker="*",
                ms=15,
                mfc="white",
                label="the thesis, three runs",
            )
        ]
    figure.legend(handles=handles, **OUTSIDE)
    return figure


@styled
def task_accuracy(table: pd.DataFrame, theirs: pd.DataFrame) -> Figure:
    """Accuracy per task over the unpruned weights: mean, band from the lowest to the highest seed.

    table: level rows with columns ``accuracy_<task>``; theirs: ``claims.reference("mnist_fashion_taskwise")``, drawn where the
    networks are of one size.
    """
    figure, axes = panels(1, 1, (11, 7))
    ax = axes[0, 0]
    for k, name in enumerate(
        c.removeprefix("accuracy_")
        for c in table
        if c.startswith("accuracy_") and table[c].notna().any()
    ):
        rows = (
            table.groupby("available")[f"accuracy_{name}"]
            .agg(["mean", "min", "max"])
            .sort_index(ascending=False)
        )
        ax.fill_between(
            rows.index, rows["min"], rows["max"], color=TASK_COLOURS[k], alpha=0.2, lw=0
        )
        ax.plot(
            rows["mean"],
            color=TASK_COLOURS[k],
            lw=2.4,
            marker=".",
            label=f"{name} (ours: mean, lowest to highest)",
        )
        given = _alike(table, theirs).query("task == @name")
        if len(given):
            ax.errorbar(
                given["unpruned_weights"],
                given["accuracy_mean"],
                (
                    given["accuracy_mean"] - given["accuracy_min"],
                    given["accuracy_max"] - given["accuracy_mean"],
                ),
                color=TASK_COLOURS[k],
                lw=1.2,
                linestyle=DASHES,
                marker="s",
                mfc="white",
                ms=6,
                label=f"{name} (the thesis, the same)",
            )
    ax.set(
        xscale="log",
        xlabel="unpruned weights",
        ylabel="accuracy on the test half",
        title=f"{table['base'].iloc[0]}, {table['run'].nunique()} seeds, each up to where it stops",
    )
    ax.invert_xaxis()
    figure.legend(**OUTSIDE | {"ncols": 2})
    return figure


@styled
def input_connectivity(
    degrees: pd.DataFrame, theirs: pd.DataFrame, levels: Sequence[int] = (1, 4, 7, 11, 15, 17)
) -> Figure:
    """Active outgoing weights of every pixel at several levels, one row per network; captions with counts, theirs in brackets.

    degrees: as ``claims.pixels``; theirs: ``claims.reference("input_connectivity")``, for networks of as many inputs.
    """
    networks = list(dict.fromkeys(degrees["network"]))
    at_level = {
        name: {n: at.sort_values("pixel") for n, at in rows.groupby("level")}
        for name, rows in degrees.groupby("network")
    }
    pictures = {
        name: 1 + (math.isqrt(len(at[0])) ** 2 != len(at[0])) for name, at in at_level.items()
    }
    heights = [2.1 * pictures[name] + 1.1 for name in networks]
    figure, axes = plt.subplots(
        len(networks),
        len(levels),
        figsize=(2.6 * len(levels) + 0.4, sum(heights)),
        squeeze=False,
        layout="constrained",
        height_ratios=heights,
    )
    for row, network in zip(axes, networks, strict=True):
        of_network, dense = at_level[network], int(at_level[network][0]["available"].sum())
        given = theirs[
            (theirs["dataset"] == network) & (theirs["inputs"] == len(of_network[0]))
        ].set_index("pruning_level")
        row[0].set_ylabel(network.replace("_", " beside "), fontsize=16)
        for ax, level in zip(row, levels, strict=True):
            ax.set(xticks=[], yticks=[])
            ax.spines[:].set_visible(False)
            if level not in of_network:
                ax.text(
                    0.5,
                    0.5,
                    f"stopped at\nlevel {max(of_network)}",
                    ha="center",
                    va="center",
                    transform=ax.transAxes,
                )
                continue
            counts = of_network[level]["active"].to_numpy()
            images = counts.reshape(
                pictures[network], -1, math.isqrt(len(counts) // pictures[network])
            ).astype(float)
            shown = ax.imshow(
                np.concatenate(
                    [np.pad(i, ((0, 1), (0, 0)), constant_values=np.nan) for i in images]
                ),
                cmap="viridis",
                vmin=0,
            )
            figure.colorbar(
                shown, ax=ax, shrink=0.8, location="bottom", pad=0.02, ticks=[0, int(counts.max())]
            )
            their_pixels = (
                f" ({given.loc[level, 'inputs_connected']:.0f})" if level in given.index else ""
            )
            ax.set_title(
                f"level {level}: {counts.sum()}\n{counts.sum() / dense:.1%} of dense\n"
                f"{(of_network[level]['available'] > 0).sum()}{their_pixels} pixels",
                fontsize=13,
            )
    brackets = (
        " (in brackets: the thesis)"
        if any("(" in ax.get_title(loc="left") for ax in axes.flat)
        else ""
    )
    figure.suptitle(
        f"active weights that leave each pixel; their sum, and how many pixels have a weight left{brackets}",
        fontsize=15,
    )
    return figure


@styled
def pixel_correlation(found: pd.DataFrame) -> Figure:
    """Rank correlation of a pixel's active outgoing weights with its variance over the levels; grey: weights on random pixels.

    found: as ``claims.pixel_correlation``.
    """
    figure, axes = panels(1, 1, (11, 6.6))
    ax = axes[0, 0]
    networks, colours = (
        list(dict.fromkeys(found["network"])),
        dict(zip(("mnist", "fashion"), TASK_COLOURS, strict=False)),
    )
    for network, marker in zip(networks, "os^D", strict=False):
        rows = found[found["network"] == network]
        ax.fill_between(
            rows["level"],
            rows["permuted_low"],
            rows["permuted_high"],
            color="#999999",
            alpha=0.25,
            lw=0,
        )
        ax.plot(
            rows["level"],
            rows["correlation"],
            color=colours.get(network, "black"),
            lw=2.2,
            marker=marker,
            ms=7,
            label=network.replace("_", " beside "),
        )
    ax.axhline(0, color="black", lw=0.8)
    handles, _ = ax.get_legend_handles_labels()
    figure.legend(
        handles=[
            *handles,
            Patch(color="#999999", alpha=0.4, label="weights on random pixels, 95 %"),
        ],
        **OUTSIDE | {"ncols": 4},
    )
    ax.set(
        xlabel="pruning level",
        ylabel="rank correlation with the pixel's variance",
        ylim=(-0.25, 1),
        yticks=np.arange(-0.2, 1.01, 0.2),
    )
    ax.xaxis.set_major_locator(MaxNLocator(integer=True))
    return figure


@styled
def frontier(table: pd.DataFrame) -> Figure:
    """Accuracy over the degree of separation as pruning goes on, one panel per way of pruning, the first one behind the others in grey.

    table: columns ``variant, run, level, accuracy, decided, status``, decided as ``claims.decided_share`` gives it.  Dotted: the
    network before pruning; in green, where a separated network would be no less accurate.
    """
    variants = list(dict.fromkeys(table["variant"]))
    columns = min(4, len(variants))
    figure, axes = panels(
        -(-len(variants) // columns),
        columns,
        (3.4 * columns + 1.2, 3.5 * -(-len(variants) // columns) + 1.2),
    )
    table = table.assign(shared=1 - table["decided"].fillna(1))
    dense = table[table["level"] == 0]["accuracy"].mean()
    low, top = (
        min(dense, table[table["status"] == "separated"]["accuracy"].min()) - 0.015,
        table["accuracy"].max() + 0.01,
    )
    for ax in axes.flat[len(variants) :]:
        ax.set_axis_off()
    for ax, variant in zip(axes.flat, variants, strict=False):
        ax.set_title(variant)
        for _, rows in (
            table[table["variant"] == variants[0]].groupby("run") if variant != variants[0] else ()
        ):
            ax.plot(rows["shared"], rows["accuracy"], color="#BBBBBB", lw=1.2, zorder=1)
        for _, rows in table[table["variant"] == variant].groupby("run"):
            _by_status(ax, rows["shared"], rows["accuracy"], rows["status"])
        own = table[(table["variant"] == variant) & (table["level"] == 0)]["accuracy"].mean()
        ax.axhline(own, color="black", lw=1, linestyle=":", zorder=1)
        ax.add_patch(
            Rectangle(
                (LEAST / 2, own), -LEAST, 1, color=STATUS_COLOURS["separated"], alpha=0.2, lw=0
            )
        )
        ax.set_xscale("symlog", linthresh=LEAST, linscale=0.5)
        ax.set(
            xlim=(1.6, -LEAST / 2),
            ylim=(low, top),
            xticks=[1, 0.1, 0.01, 0.001, 0],
            xticklabels=["100%", "10%", "1%", "0.1%", "0"],
        )
        ax.minorticks_off()
    figure.supxlabel(
        "share of the active inputs and hidden neurons\nthat lead to both tasks (0: separated)",
        fontsize=14,
    )
    figure.supylabel("accuracy, mean of the tasks", fontsize=14)
    figure.legend(
        handles=[
            *_status_handles(table["status"]),
            Line2D([], [], color="#BBBBBB", label=variants[0]),
            Line2D([], [], color="black", ls=":", lw=1, label="before pruning"),
            Patch(color=STATUS_COLOURS["separated"], alpha=0.2, label="the goal"),
        ],
        loc="outside upper center",
        ncols=3,
    )
    return figure


LEAST = 1e-3
"""Shares of units below this are drawn on a linear axis, so that 0 has a place."""

FEWEST = 3
"""Networks that an interval is drawn of; that of two is wider than any figure."""


@styled
def separation_cost(table: pd.DataFrame, found: pd.DataFrame) -> Figure:
    """What separation costs: each separated network's accuracy less that of the same run before pruning, by way of pruning.

    Bars: mean and 95 % interval, of `FEWEST` networks or more.  table: as in :func:`frontier`; found: as ``verdicts.ways``.
    """
    figure, axes = panels(1, 1, (11, 0.62 * len(found) + 2))
    ax = axes[0, 0]
    dense = table[table["level"] == 0].set_index("run")["accuracy"]
    first = table[table["status"] == "separated"].groupby("run").first()
    gain = 100 * (first["accuracy"] - dense.loc[first.index])
    points = [c for c in found if c.startswith("gain")]
    for y, row in enumerate(found.assign(**100 * found[points]).itertuples()):
        dots = gain[first["variant"] == row.variant]
        ax.scatter(
            dots,
            np.full(len(dots), y),
            s=60,
            color=STATUS_COLOURS["separated"],
            edgecolors="black",
            linewidths=0.6,
            zorder=3,
        )
        if row.separated >= FEWEST:
            ax.errorbar(
                row.gain,
                y + 0.25,
                xerr=row.gain_high - row.gain,
                fmt="|",
                color="black",
                ms=11,
                lw=1.6,
                zorder=4,
            )
        if row.hidden:
            ax.errorbar(
                row.gain_hidden,
                y - 0.25,
                xerr=row.gain_hidden_high - row.gain_hidden if row.hidden >= FEWEST else 0,
                fmt="D",
                mfc="white",
                color=STATUS_COLOURS["interconnected"],
                ms=7,
                lw=1.6,
            )
        ax.text(
            1.01,
            y,
            f"{row.separated} of {row.runs}",
            va="center",
            transform=ax.get_yaxis_transform(),
        )
    ax.axvline(0, color="black", lw=1, linestyle=":")
    ax.set(
        yticks=range(len(found)),
        yticklabels=found["variant"],
        ylim=(len(found) - 0.4, -0.6),
        xlabel="accuracy less that of the same run before pruning (percentage points)",
    )
    ax.set_title("runs that separate", loc="right")
    left, right = ax.get_xlim()
    ax.axvspan(0, max(1, right), color=STATUS_COLOURS["separated"], alpha=0.2, lw=0)
    ax.set_xlim(left, max(1, right))
    figure.legend(
        handles=[
            Line2D(
                [],
                [],
                ls="",
                marker="o",
                ms=8,
                color=STATUS_COLOURS["separated"],
                mec="black",
                mew=0.6,
                label="a separated network",
            ),
            Line2D(
                [], [], color="black", marker="|", ms=11, lw=1.6, label="their mean, 95 % interval"
            ),
            Line2D(
                [],
                [],
                color=STATUS_COLOURS["interconnected"],
                marker="D",
                mfc="white",
                ms=7,
                lw=1.6,
                label="no hidden neuron shared: mean, 95 %",
            ),
            Patch(color=STATUS_COLOURS["separated"], alpha=0.2, label="the goal"),
        ],
        **OUTSIDE | {"ncols": 2},
    )
    return figure
