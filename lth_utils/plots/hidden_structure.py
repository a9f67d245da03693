"""Figures of notebook 10: hidden blocks, many tasks, unequal tasks, inner functions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import matplotlib as mpl
import numpy as np
import pandas as pd
import seaborn as sns
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from lth_utils.plots.marks import BELOW, interval_bars, line_with_band
from lth_utils.plots.style import NULL_COLOUR, STATUS_COLOURS, panels, shades, styled
from lth_utils.plots.titles import counted, figure_title, wrapped

OURS = "tickets"

METHOD_LOOKS = {
    "tickets": (STATUS_COLOURS["separated"], "o", "-"),
    "permutation importances": ("#000000", "s", "--"),
    "gradients": ("#0072B2", "D", "--"),
    "forest importances": ("#D55E00", "^", ":"),
    "group lasso": ("#CC79A7", "v", ":"),
    "mutual information": ("#E69F00", "P", ":"),
}
"""Colour, mark and dashes: the methods that are drawn as lines."""

BANKS = {
    "marginal": "marginal: each input tells",
    "joint": "joint: pairs of inputs tell",
    "parity": "parity: only all inputs of a block tell",
}

SHARES = {"cmap": "cividis", "vmin": 0, "vmax": 1, "annot_kws": {"fontsize": 9}, "linewidths": 0.5}
"""Looks of a table of shares in colours."""

LABEL = "adjusted Rand index"


@styled
def hidden_partition(found: pd.DataFrame, title: str) -> Figure:
    """Who finds the hidden blocks: a cell per method and condition, a panel per bank.

    Args:
        found: as ``studies.hidden_structure.summary``.
        title: the finding.
    """
    banks = list(dict.fromkeys(found["bank"]))
    methods = list(found.groupby("method")["index"].mean().sort_values(ascending=False).index)
    conditions = list(dict.fromkeys(found["condition"]))
    size = (max(11, 5 + 0.75 * len(conditions)), 2.2 + len(banks) * (0.42 * len(methods) + 0.6))
    figure, axes = panels(len(banks), 1, size)
    seconds = found.groupby("method")["seconds"].median()
    names = [f"{method}, {seconds[method]:.1f} s" for method in methods]
    for n, (bank, ax) in enumerate(zip(banks, axes[:, 0], strict=True)):
        cells = found[found["bank"] == bank].pivot(
            index="method", columns="condition", values="index"
        )
        cells = cells.loc[methods, conditions]
        sns.heatmap(cells, ax=ax, annot=True, fmt=".2f", cbar=False, **SHARES)
        ax.set_yticklabels(names, rotation=0)
        ax.tick_params(length=0)
        ax.set(xlabel="", ylabel="", title=BANKS.get(bank, bank))
        last = n == len(banks) - 1
        ax.set_xticklabels(conditions if last else [], rotation=45, ha="right", fontsize=11)
    draws = counted(int(found["draws"].max()), "draw")
    about = f"mean index, 1 is exact, over {draws} of the data; median seconds of computing"
    figure_title(figure, f"{title} ({about})")
    return figure


@styled
def found_by_examples(found: pd.DataFrame, sizes: Mapping[str, int], title: str) -> Figure:
    """How many examples each method needs.

    Args:
        found: as ``studies.hidden_structure.summary``.
        sizes: number of examples of the conditions to draw, by their title.
        title: the finding.
    """
    banks = list(dict.fromkeys(found["bank"]))
    figure, axes = panels(1, len(banks), (5 * len(banks) + 0.5, 5.6))
    for bank, ax in zip(banks, axes[0], strict=True):
        rows = found[(found["bank"] == bank) & found["condition"].isin(list(sizes))]
        rows = rows.assign(n=rows["condition"].map(sizes)).sort_values("n")
        for method, (colour, marker, dashes) in METHOD_LOOKS.items():
            own = rows[rows["method"] == method]
            if method == OURS:
                values = ("index", "index_low", "index_high")
                ends = {name: own[name].clip(-0.1, 1) for name in values[1:]}
                look = {"marker": marker, "linestyle": dashes, "label": method, "lw": 2.5}
                line_with_band(ax, own.assign(**ends), "n", values, colour, **look)
                continue
            ax.plot(own["n"], own["index"], dashes, marker=marker, color=colour, label=method)
        ax.set(xscale="log", ylim=(-0.08, 1.04), xlabel="examples", ylabel=LABEL)
        ax.set_title(wrapped(BANKS.get(bank, bank), 4.6))
    figure.legend(*axes[0, 0].get_legend_handles_labels(), ncols=3, **BELOW)
    draws = counted(int(found["draws"].max()), "draw")
    figure_title(
        figure, f"{title} (means over {draws} of the data; band: 95 % interval of tickets)"
    )
    return figure


@styled
def ticket_gains(gains: pd.DataFrame, title: str) -> Figure:
    """What tickets gain over their own dense networks, in each condition.

    Args:
        gains: as ``studies.hidden_structure.gains``.
        title: the finding.
    """
    banks = list(dict.fromkeys(gains["bank"]))
    conditions = list(dict.fromkeys(gains["condition"]))
    figure, axes = panels(1, 1, (12, 5.8))
    ax, colours = axes[0, 0], ("#0072B2", "#D55E00", "#009E73")
    for n, bank in enumerate(banks):
        own = gains[gains["bank"] == bank].set_index("condition").reindex(conditions)
        own = 100 * own[["gain", "gain_low", "gain_high"]]
        place = pd.Series(np.arange(len(conditions)) + 0.2 * (n - 1), index=own.index)
        look = {"fmt": "osD"[n % 3], "color": colours[n % 3], "capsize": 3, "label": bank}
        interval_bars(ax, own, place, ("gain", "gain_low", "gain_high"), **look)
    ax.axhline(0, color="black", lw=1, ls=":")
    ax.set_xticks(
        range(len(conditions)), conditions, rotation=30, ha="right", rotation_mode="anchor"
    )
    ax.set_ylabel("points above the dense network")
    ax.legend(title="bank", loc="upper right")
    runs, draws = int(gains["runs"].max()), int(gains["draws"].max())
    about = f"{counted(runs, 'ticket')} on {counted(draws, 'draw')} per mark; bars: 95 % intervals"
    figure_title(figure, f"{title} ({about})")
    return figure


@styled
def many_tasks(curves: pd.DataFrame, title: str) -> Figure:
    """How near subnetworks are to the tasks, and the accuracy, over the weights per task.

    Args:
        curves: as ``studies.hidden_structure.many_curves``.
        title: the finding.
    """
    figure, axes = panels(1, 2, (13, 5.6))
    left, right = axes[0]
    colours = shades(sorted(set(curves["k"])))
    for k, own in curves.groupby("k"):
        own = own.sort_values("weights")
        values = ("index", "index_low", "index_high")
        ends = {name: own[name].clip(-0.2, 1) for name in values[1:]}
        look = {"marker": "o", "label": f"{k} tasks"}
        line_with_band(left, own.assign(**ends), "weights", values, colours[k], **look)
        right.plot(own["weights"], own["accuracy"], marker="o", color=colours[k])
    null = curves.groupby("budget")[["weights", "null"]].mean()
    left.plot(null["weights"], null["null"], color=NULL_COLOUR, ls="--", label="random masks")
    for ax in (left, right):
        ax.set(xscale="log", xlabel="weights per task")
        ax.invert_xaxis()
    left.set(ylabel=LABEL, ylim=(-0.25, 1.04))
    right.set(ylabel="mean accuracy over the tasks")
    figure.legend(*left.get_legend_handles_labels(), ncols=4, **BELOW)
    draws = counted(int(curves["draws"].max()), "draw")
    figure_title(figure, f"{title} (means over {draws} of the data, bands: 95 % intervals)")
    return figure


@styled
def unequal_tasks(cells: pd.DataFrame, title: str) -> Figure:
    """Phase diagrams of two unequal tasks: who stays apart, and who gets the weights.

    Args:
        cells: as ``studies.hidden_structure.unequal_cells``.
        title: the finding.
    """
    plain = (cells["inputs"] == 2) & (cells["distractors"] == 0)
    grids = [
        (cells[plain], "noise", "weight", "flipped labels of the second", "weight of its loss"),
        (
            cells[(cells["noise"] == 0) & (cells["weight"] == 1)],
            "inputs",
            "distractors",
            "inputs of the second task",
            "distractors",
        ),
    ]
    grids = [grid for grid in grids if grid[0][grid[1]].nunique() * grid[0][grid[2]].nunique() > 1]
    figure, axes = panels(len(grids), 2, (13, 4.4 * len(grids) + 0.8))
    for row, (own, x, y, x_label, y_label) in zip(axes, grids, strict=True):
        for ax, value, name in zip(row, VALUES, VALUES.values(), strict=True):
            table = own.pivot(index=y, columns=x, values=value).sort_index(ascending=y != "weight")
            sns.heatmap(table, ax=ax, annot=True, fmt=".2f", **SHARES)
            ax.set(xlabel=x_label, ylabel=y_label, title=name)
            ax.set_facecolor("#DDDDDD")
            ax.tick_params(length=0)
    runs = counted(int(cells["runs"].max()), "run")
    figure_title(figure, f"{title} ({runs} per cell, each on another draw; grey: never apart)")
    return figure


VALUES = {
    "apart": "share apart with both tasks kept",
    "share": "second task's share of the weights, once apart",
}
"""What the phase diagrams show."""


@styled
def inner_functions(cells: pd.DataFrame, theirs: Mapping[int, Sequence[float]], title: str):
    """How often hidden units keep to the inputs of one inner function, by overlap.

    Args:
        cells: as ``studies.hidden_structure.inner_cells``.
        theirs: lowest and highest success rate of Neural Sculpting, by overlap.
        title: the finding.
    """
    figure, axes = panels(1, 2, (13, 5.4))
    left, right = axes[0]
    colours = dict(
        zip(sorted(set(cells["reuse"])), ("#0072B2", "#D55E00", "#009E73"), strict=False)
    )
    for n, (reuse, own) in enumerate(cells.groupby("reuse")):
        place = own["overlap"] + 0.14 * (n + 1)
        look = {"color": colours[reuse], "capsize": 3, "label": f"tickets, {reuse} outputs"}
        values = ("found", "found_low", "found_high")
        interval_bars(left, own, place, values, fmt="os"[n % 2], **look)
        left.plot(place, own["null_found"], "x", color=NULL_COLOUR)
        right.plot(place, own["pure"], "os"[n % 2], color=colours[reuse])
        right.plot(place, own["null"], "x", color=NULL_COLOUR)
    overlaps = sorted(set(cells["overlap"]))
    _theirs(left, {overlap: theirs[overlap] for overlap in overlaps if overlap in theirs})
    left.plot([], [], "x", color=NULL_COLOUR, label="random masks")
    left.set(ylabel="networks that find both", ylim=(-0.05, 1.08))
    right.set(ylabel="pure units, best hidden layer", ylim=(-0.05, 1.08))
    for ax in (left, right):
        ax.set_xticks(overlaps)
        ax.set_xlim(min(overlaps) - 0.4, max(overlaps) + 0.6)
        ax.set_xlabel("inputs that both inner functions use")
    figure.legend(*left.get_legend_handles_labels(), ncols=4, **BELOW)
    runs, draws = int(cells["runs"].max()), int(cells["draws"].max())
    about = f"{counted(runs, 'network')} on {counted(draws, 'draw')} per mark"
    figure_title(figure, f"{title} ({about}; bars: 95 % intervals)")
    return figure


def _theirs(ax: Axes, ranges: Mapping[int, Sequence[float]]):
    """The ranges of Neural Sculpting as hollow black boxes."""
    for n, (overlap, (low, high)) in enumerate(ranges.items()):
        box = mpl.patches.Rectangle(
            (overlap - 0.16, low - 0.01),
            0.16,
            high - low + 0.02,
            facecolor="none",
            edgecolor="black",
            label="Neural Sculpting, lowest to highest" if n == 0 else None,
        )
        ax.add_patch(box)
