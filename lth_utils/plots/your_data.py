"""Figures of notebook 08 and of ``lth.study``: one panel per data set."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping, Sequence

import matplotlib as mpl
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from lth_utils.networks.ticket import Ticket
from lth_utils.plots.network import draw_network
from lth_utils.plots.network_marks import task_colour
from lth_utils.plots.style import panels, styled, tint

MOST_NAMES = 40
"""Most inputs, or tasks, that are named along an axis."""

CONTROL_COLOURS = {
    "networks": "#009E73",
    "shuffled labels": "#888888",
    "random masks": "#BBBBBB",
}
"""The networks in the colour of ``separated``."""

SHARES = mpl.colormaps["Blues"]


def plain(text: str, width: int = 200) -> str:
    """A name as text that matplotlib does not take for a formula, cut where it is long."""
    return textwrap.shorten(str(text).replace("$", r"\$"), width, placeholder="…") or "–"


@styled
def found_partition(findings: Mapping, titles: Mapping[str, str]) -> Figure:
    """Which inputs reach which task, in which share of the networks; tasks in their groups.

    Args:
        findings: by the name of a data set, ``studies.your_data.Findings``.
        titles: by the same name the finding in one sentence.
    """
    rows = [max(1.6, 0.42 * len(found.tasks) + 1.5) for found in findings.values()]
    figure, axes = panels(len(rows), 2, (13, sum(rows) + 0.6))
    grid = axes[0, 0].get_subplotspec().get_gridspec()
    grid.set_height_ratios(rows)
    grid.set_width_ratios([1, 2.6])
    for (name, found), (left, right) in zip(findings.items(), axes, strict=True):
        order = [k for group in found.groups for k in group]
        tasks = [plain(found.tasks[k].name, 26) for k in order]
        _shares(left, found.together[np.ix_(order, order)], tasks, tasks)
        names = list(found.input_names) or [f"x{n + 1}" for n in range(found.inputs.shape[1])]
        _shares(right, found.inputs[order], tasks, names)
        right.set_yticks([])
        at = 0
        for group in found.groups[:-1]:
            at += len(group)
            for ax in (left, right):
                ax.axhline(at - 0.5, color="#D55E00", lw=2)
            left.axvline(at - 0.5, color="#D55E00", lw=2)
        left.set_title("tasks in one subnetwork", fontsize=12)
        text = "\n".join(textwrap.wrap(f"{plain(name, 40)}: {plain(titles[name])}", 70))
        right.set_title(f"{text}\ninputs that reach a task (n = {len(found.runs)} networks)")
    shown = mpl.cm.ScalarMappable(mpl.colors.Normalize(0, 1), SHARES)
    bar = figure.colorbar(shown, ax=axes, fraction=0.02, aspect=30)
    bar.set_label("share of the networks")
    bar.ax.yaxis.set_major_formatter(mpl.ticker.PercentFormatter(1))
    return figure


def _shares(ax: Axes, shares: np.ndarray, rows: Sequence[str], columns: Sequence[str]):
    """Shares in cells, with names where they can be read."""
    ax.imshow(shares, cmap=SHARES, vmin=0, vmax=1, aspect="auto")
    ax.set_yticks(range(len(rows)), rows if len(rows) <= MOST_NAMES else [""] * len(rows))
    if len(columns) <= MOST_NAMES:
        names = [plain(name, 24) for name in columns]
        slant = {"rotation": 45, "ha": "right"} if max(map(len, names)) > 3 else {}
        size = 11 if len(columns) <= 16 else 8
        ax.set_xticks(range(len(columns)), names, fontsize=size, **slant)
    else:
        ax.set_xticks([])
        ax.set_xlabel(f"{len(columns)} inputs")
    ax.tick_params(length=0)
    ax.spines[:].set_visible(False)


@styled
def score_over_weights(curves: pd.DataFrame, names: Sequence[str]) -> Figure:
    """The score of each task over the weights left, and where the networks were looked at.

    Args:
        curves: ``data, task, kind, available, score, score_low, score_high, dense, chosen`` as
            ``studies.your_data.score_curves`` makes them.
        names: of the data sets, one panel each.
    """
    columns = min(3, len(names))
    rows = -(-len(names) // columns)
    figure, axes = panels(rows, columns, (5.2 * columns, 4.2 * rows))
    for ax in axes.flat[len(names) :]:
        ax.set_axis_off()
    for ax, name in zip(axes.flat, names, strict=False):
        own = curves[curves["data"] == name]
        for k, (task, line) in enumerate(own.groupby("task", sort=False)):
            colour = task_colour(k)
            ax.plot(line["available"], line["score"], color=colour, label=plain(task, 24))
            band = (line["score_low"], line["score_high"])
            ax.fill_between(line["available"], *band, color=tint(colour, 0.25), lw=0)
            ax.axhline(line["dense"].iloc[0], color=colour, lw=1, ls=":")
        chosen = own.loc[own["chosen"] > 0].groupby("available")["chosen"].first()
        low = max(own["score"].min(), own["dense"].min() - 0.6)
        ax.set_ylim(low - 0.05, min(1.03, own["score_high"].max() + 0.05))
        for available, count in chosen.items():
            size = 4 + 10 * count / own["n"].max()
            ax.plot(available, ax.get_ylim()[0], "^", color="#333333", ms=size, clip_on=False)
        ax.set_xscale("log")
        ax.invert_xaxis()
        ax.set_title(f"{plain(name, 40)} (n = {int(own['n'].max())})")
        ax.set_xlabel("weights left")
        ax.set_ylabel(" or ".join(sorted(set(own["kind"]))))
        ax.legend(fontsize=10)
    figure.suptitle(
        "Score on the test split: mean over the networks left, band: 95 % interval; dotted: the "
        "dense networks;\ntriangles: where networks were looked at",
        fontsize=13,
        ha="left",
        x=0.01,
    )
    return figure


@styled
def controls(shares: pd.DataFrame, names: Sequence[str], title: str) -> Figure:
    """How often tasks are apart as found, in trained networks and by chance.

    Args:
        shares: ``data, control, share, share_low, share_high, n``.
        names: of the data sets, from left to right.
        title: the finding.
    """
    figure, axes = panels(1, 1, (max(8, 2.2 * len(names) + 3), 5.4))
    ax = axes[0, 0]
    kinds = [kind for kind in CONTROL_COLOURS if kind in set(shares["control"])]
    width = 0.8 / len(kinds)
    for n, kind in enumerate(kinds):
        own = shares[shares["control"] == kind].set_index("data").reindex(names)
        x = np.arange(len(names)) + (n - (len(kinds) - 1) / 2) * width
        runs = sorted(set(own["n"].dropna().astype(int)))
        label = f"{kind} (n = {runs[0]}{f' to {runs[-1]}' if len(runs) > 1 else ''} each)"
        ax.bar(x, own["share"], 0.9 * width, color=CONTROL_COLOURS[kind], label=label)
        error = np.abs(own[["share_low", "share_high"]].to_numpy().T - own["share"].to_numpy())
        ax.errorbar(x, own["share"], error, fmt="none", ecolor="black", capsize=3)
    labels = ["\n".join(textwrap.wrap(plain(name, 60), 18)) for name in names]
    ax.set_xticks(range(len(names)), labels)
    ax.set_ylim(0, 1.02)
    ax.yaxis.set_major_formatter(mpl.ticker.PercentFormatter(1))
    ax.set_ylabel("share with exactly the groups found")
    ax.set_title(f"{title}\n(bars: 95 % intervals)")
    figure.legend(loc="outside lower center", ncols=len(kinds))
    return figure


@styled
def best_tickets(tickets: Mapping[str, Ticket], notes: Mapping[str, str]) -> Figure:
    """The best ticket of each data set, coloured by the task that a subnetwork serves.

    Args:
        tickets: by the name of the data set.
        notes: by the same name what stands below the name.
    """
    columns = min(3, len(tickets))
    rows = -(-len(tickets) // columns)
    figure, axes = panels(rows, columns, (5.6 * columns, 4.8 * rows))
    for ax in axes.flat[len(tickets) :]:
        ax.set_axis_off()
    for ax, (name, ticket) in zip(axes.flat, tickets.items(), strict=False):
        draw_network(ax, ticket, "subnetwork")
        ax.set_title(f"{plain(name, 40)}\n{plain(notes[name], 60)}", fontsize=12)
    return figure
