"""The figures of the image data: what the pictures show, and how their pixels vary.  Style and colours are those of ``plots``."""
from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import matplotlib as mpl
import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch, Rectangle

from lth_utils._style import DASHES, STATUS_COLOURS, TASK_COLOURS, panels, styled
from lth_utils.config import SpecError
from lth_utils.data import Dataset


def _pictures(dataset: Dataset, rows: slice) -> list[np.ndarray]:
    """Each task's training images float32 ``[B, S, S]``, brightness 0…1."""
    if dataset.x_train.min() < 0:
        raise SpecError("these pixels are standardised, so brightness is lost; load the data with standardised=False for figures of images")
    sides = [math.isqrt(len(t.inputs)) for t in dataset.tasks]
    for task, side in zip(dataset.tasks, sides, strict=True):
        if side**2 != len(task.inputs):
            raise SpecError(f"task {task.name} has {len(task.inputs)} inputs, which make no square image; use the figure data for points")
    return [dataset.x_train[rows, t.inputs.start : t.inputs.stop].reshape(-1, s, s) for t, s in zip(dataset.tasks, sides, strict=True)]


@styled
def samples(dataset: Dataset, names: Mapping[str, Sequence[str]] | None = None, rows: int = 3, columns: int = 4) -> Figure:
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
            ax.text(k + 0.5, 1.03, (names or {}).get(task.name, range(task.classes))[label], color=TASK_COLOURS[k],
                    ha="center", va="bottom", fontsize=17)
            ax.add_patch(Rectangle((k, 0), 1, 1, fill=False, edgecolor=TASK_COLOURS[k], linewidth=1.5))
        ax.set(xlim=(-0.02, len(pictures) + 0.02), ylim=(-0.02, 1.02))
    figure.suptitle(" beside ".join(t.name for t in dataset.tasks) + f": {dataset.ends[0]} inputs per example", fontsize=17)
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
        maps = [np.array([statistic(pixel, dtype=float) for pixel in p.reshape(len(p), -1).T]).reshape(p.shape[1:]) for p in pictures]
        for ax, task, values in zip(axes[row], dataset.tasks, maps, strict=True):
            shown = ax.imshow(values, cmap="viridis", vmin=0, vmax=max(m.max() for m in maps))
            still = f", {(values == 0).sum()} of {values.size} pixels constant" if word == "variance" else ""
            ax.set(title=f"{task.name}: {word}{still}", xticks=[], yticks=[])
        figure.colorbar(shown, ax=axes[row], label=f"{word} of the brightness (0 to 1)", shrink=0.9)
    return figure


# ---------------------------------------------------------------------- pruned networks
@styled
def accuracy(table: pd.DataFrame, theirs: pd.DataFrame) -> Figure:
    """Mean accuracy over the unpruned weights, one line per seed, a star where it separates.

    table: level rows of image networks; theirs: ``claims.reference("mnist_fashion")``.
    """
    figure, axes = panels(1, 1, (11, 6.4))
    ax = axes[0, 0]
    for run, rows in theirs.groupby("run"):
        ax.plot(rows["unpruned_weights"], rows["mean_accuracy"], color="black", lw=1.2, linestyle=DASHES, alpha=0.7,
                label="the thesis, three runs" if run == theirs["run"].iloc[0] else None)
        there = rows[rows["separated_here"] == 1]
        ax.plot(there["unpruned_weights"], there["mean_accuracy"], "*", mfc="white", mec="black", ms=17, zorder=4)
    shades = mpl.colormaps["viridis"](np.linspace(0.1, 0.8, table["run"].nunique()))
    for shade, (_, rows) in zip(shades, table.groupby("run", sort=False), strict=True):
        ax.plot(rows["available"], rows["accuracy"], color=shade, lw=2.2, marker=".", label=f"ours, seed {rows['seed'].iloc[0]}")
        there = rows[rows["status"] == "separated"][:1]
        ax.plot(there["available"], there["accuracy"], "*", color=STATUS_COLOURS["separated"], mec="black", ms=19, zorder=5)
    ax.set(xscale="log", xlabel="unpruned weights", ylabel="accuracy on the test half, mean of the tasks")
    ax.invert_xaxis()
    handles, names = ax.get_legend_handles_labels()
    star = Line2D([], [], ls="", marker="*", color=STATUS_COLOURS["separated"], mec="black", ms=15)
    ax.legend([*handles, star], [*names, "separated here"], loc="lower left")
    return figure


@styled
def task_accuracy(table: pd.DataFrame, theirs: pd.DataFrame) -> Figure:
    """Accuracy per task over the unpruned weights: mean, band from the lowest to the highest seed.

    table: level rows with columns ``accuracy_<task>``; theirs: ``claims.reference("mnist_fashion_taskwise")``.
    """
    figure, axes = panels(1, 1, (11, 6.4))
    ax = axes[0, 0]
    for k, name in enumerate(c.removeprefix("accuracy_") for c in table if c.startswith("accuracy_") and table[c].notna().any()):
        rows = table.groupby("available")[f"accuracy_{name}"].agg(["mean", "min", "max"]).sort_index(ascending=False)
        ax.fill_between(rows.index, rows["min"], rows["max"], color=TASK_COLOURS[k], alpha=0.2, lw=0)
        ax.plot(rows["mean"], color=TASK_COLOURS[k], lw=2.4, marker=".", label=f"{name} (ours: mean, lowest to highest)")
        given = theirs[theirs["task"] == name]
        ax.errorbar(given["unpruned_weights"], given["accuracy_mean"], (given["accuracy_mean"] - given["accuracy_min"],
                    given["accuracy_max"] - given["accuracy_mean"]), color=TASK_COLOURS[k], lw=1.2, linestyle=DASHES, marker="s", mfc="white",
                    ms=6, label=f"{name} (the thesis)" if len(given) else None)
    ax.set(xscale="log", xlabel="unpruned weights", ylabel="accuracy on the test half")
    ax.invert_xaxis()
    ax.legend(loc="lower left")
    return figure


@styled
def input_connectivity(degrees: pd.DataFrame, theirs: pd.DataFrame, levels: Sequence[int] = (1, 4, 7, 11, 15, 17)) -> Figure:
    """Active outgoing weights of every pixel at several levels, one row per network; captions with counts, theirs in brackets.

    degrees: as ``claims.pixels``; theirs: ``claims.reference("input_connectivity")``, whose counts are of available weights.
    """
    networks = list(dict.fromkeys(degrees["network"]))
    figure, axes = panels(len(networks), len(levels), (4.3 * len(levels), 4.9 * len(networks)))
    for row, network in zip(axes, networks, strict=True):
        of_network = degrees[degrees["network"] == network]
        given = theirs[theirs["dataset"] == network].set_index("pruning_level")
        for ax, level in zip(row, levels, strict=True):
            ax.set_axis_off()
            at = of_network[of_network["level"] == level].sort_values("pixel")
            if at.empty:
                ax.set_title(f"{network}, level {level}: not reached", fontsize=12)
                continue
            counts = at["active"].to_numpy()
            side = math.isqrt(len(counts) // (1 + (math.isqrt(len(counts)) ** 2 != len(counts))))
            images = counts.reshape(-1, side, side)
            shown = ax.imshow(np.concatenate([np.pad(i.astype(float), 1, constant_values=np.nan) for i in images], axis=1), cmap="viridis", vmin=0)
            figure.colorbar(shown, ax=ax, shrink=0.6, location="bottom", pad=0.02)
            connected = f"{(at['available'] > 0).sum()} of {len(at)} pixels connected"
            their_connected = f" ({given.loc[level, 'inputs_connected']:.0f})" if level in given.index else ""
            share = at["active"].sum() / max(1, of_network.loc[of_network["level"] == 0, "available"].sum())
            ax.set_title(f"{network}, level {level}\n{at['active'].sum()} active weights leave the inputs,\n{share:.1%} of the dense layer\n"
                         f"{connected}{their_connected}", fontsize=12)
    return figure


@styled
def pixel_correlation(found: pd.DataFrame) -> Figure:
    """Rank correlation of a pixel's active outgoing weights with its variance over the levels; grey: weights on random pixels.

    found: as ``claims.pixel_correlation``.
    """
    figure, axes = panels(1, 1, (11, 5.8))
    ax = axes[0, 0]
    networks = list(dict.fromkeys(found["network"]))
    shades = mpl.colormaps["viridis"](np.linspace(0.05, 0.8, len(networks)))
    for network, shade, marker in zip(networks, shades, "os^D", strict=False):
        rows = found[found["network"] == network]
        ax.fill_between(rows["level"], rows["permuted_low"], rows["permuted_high"], color="#999999", alpha=0.25, lw=0)
        ax.plot(rows["level"], rows["correlation"], color=shade, lw=2.2, marker=marker, label=network)
    ax.axhline(0, color="black", lw=0.8)
    handles, names = ax.get_legend_handles_labels()
    handles.append(Patch(color="#999999", alpha=0.4))
    ax.legend(handles, [*names, "weights on random pixels, 95 %"])
    ax.set(xlabel="pruning level", ylabel="rank correlation with the pixel's variance", ylim=(-0.4, 1))
    return figure


@styled
def frontier(table: pd.DataFrame) -> Figure:
    """Accuracy over the degree of separation as pruning goes on, one colour per way of pruning; a star where it separates.

    table: columns ``variant, run, level, accuracy, decided, status``; decided: share of the neurons that serve one task alone.
    """
    figure, axes = panels(1, 1, (12, 7))
    ax = axes[0, 0]
    variants = list(dict.fromkeys(table["variant"]))
    shades = mpl.colormaps["turbo"](np.linspace(0.05, 0.95, len(variants)))
    for variant, shade, marker in zip(variants, shades, "os^DvP*Xhp<>", strict=False):
        for n, (_, rows) in enumerate(table[table["variant"] == variant].groupby("run", sort=False)):
            ax.plot(rows["decided"], rows["accuracy"], color=shade, lw=1.2, marker=marker, ms=4, alpha=0.8, label=variant if n == 0 else None)
            there = rows[rows["status"] == "separated"][:1]
            ax.plot(there["decided"], there["accuracy"], "*", color=shade, mec="black", ms=15, zorder=4)
    dense = table[table["level"] == 0]["accuracy"].mean()
    ax.axhline(dense, color="black", lw=1, linestyle=":", label="dense, mean")
    ax.set(xlabel="degree of separation: share of the hidden neurons that serve one task alone", ylabel="accuracy, mean of the tasks")
    ax.legend(loc="upper left", bbox_to_anchor=(1, 1))
    return figure
