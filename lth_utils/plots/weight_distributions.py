"""Figures of notebook 06."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from lth_utils.plots.style import DASHES, TRIAL_COLOURS, panels, styled

THEIRS = {
    "full": "full_Dinit",
    "ticket": "pruned_Dinit",
    "resampled, trained": "pruned_Dn",
    "remasked, trained": "randompruned_Dn",
}
"""The variants of the course project's paper, by their names there; its code resamples trained weights, its text initial ones."""

READINGS = {
    "trained": "weights as trained (its code)",
    "initial": "initial weights (its paper)",
    "": "controls",
}

HISTOGRAMS = {
    "initial": (TRIAL_COLOURS["ticket"], "pruned_Dinit"),
    "trained": (TRIAL_COLOURS["resampled"], "pruned_Dn"),
}

DATASETS = {"mnist": "MNIST, 784-300-100-10", "cifar10": "CIFAR-10, LeNet-5"}


def _reading(name: str) -> str:
    """Which weights a variant draws from: the word after its comma."""
    return name.partition(", ")[2].partition(" ")[0]


def variant_colour(name: str) -> str:
    first = name.partition(",")[0].partition(" ")[0]
    return TRIAL_COLOURS["ticket" if first == "iterative" else first]


def _pooled(name: str) -> bool:
    return "by layer" not in name


def _rows(found: pd.DataFrame) -> list[tuple[str, int]]:
    """Networks and numbers of rounds; 0 rounds, the full network, belongs to all of them."""
    return [
        (network, n)
        for network, at in found.groupby("network", sort=False)
        for n in sorted(set(at["rounds"]) - {0})
    ]


def _by_network(
    shown: list[tuple[str, int]], width: float, height: float
) -> tuple[Figure, list[Axes]]:
    """A panel of this size per network and number of rounds, a network per row."""
    rows = len({network for network, _ in shown})
    columns = len(shown) // rows
    figure, axes = panels(rows, columns, (width * columns, height * rows))
    return figure, list(axes.flat)


def _at(
    found: pd.DataFrame, network: str, n: int, notes: Mapping[str, str] | None
) -> tuple[pd.DataFrame, str]:
    """The rows of a network after so many rounds, the full network's among them, and a title; notes: what to say of a network's runs."""
    rows = found[(found["network"] == network) & found["rounds"].isin((0, n))]
    note = (notes or {}).get(network)
    left = (
        f"{n} rounds, {rows['available'].min() / rows['available'].max():.1%} of the weights left"
    )
    return rows, "\n".join([DATASETS.get(network, network), *([note] if note else []), left])


@styled
def training_curves(
    means: pd.DataFrame, theirs: pd.DataFrame, notes: Mapping[str, str] | None = None
) -> Figure:
    """Accuracy over the epochs, mean of the trials with their range, one column per reading, and the training loss; theirs dashed.

    means: as ``trials.by_epoch`` with columns ``network, variant, rounds, available``; theirs: ``claims.reference("weight_distribution_curves")``;
    notes: by network, for its titles.
    """
    rows = _rows(means)
    figure, axes = panels(len(rows), 4, (25, 5.4 * len(rows)))
    for row, (network, n) in zip(axes, rows, strict=True):
        at, title = _at(means[means["variant"].map(_pooled)], network, n, notes)
        given = theirs[(theirs["dataset"] == network) & theirs["prune_rounds_n"].isin((0, n))]
        for ax, (reading, words) in zip(row, READINGS.items(), strict=False):
            shown = [
                v
                for v in dict.fromkeys(at["variant"])
                if v in ("full", "ticket") or _reading(v) == reading
            ]
            _curves(ax, at, given if reading == "trained" else given[:0], shown, "accuracy")
            ax.set(xlabel="epoch", ylabel="accuracy on the test half", title=f"{title}\n{words}")
            _from_late(ax, at)
            ax.legend(loc="lower right", fontsize=11)
        _curves(
            row[3],
            at,
            given,
            [v for v in dict.fromkeys(at["variant"]) if _reading(v) != "initial"],
            "train_loss",
        )
        row[3].set(
            xlabel="epoch",
            ylabel="training loss",
            yscale="log",
            title=f"{title}\nbut for draws from initial weights",
        )
        row[3].legend(fontsize=11)
    trials = sorted(set(means["trials"]))
    figure.suptitle(
        f"mean of {' or '.join(map(str, trials))} trials, band from the lowest to the highest; "
        "dashed: theirs, accuracy corrected for their test loader"
    )
    return figure


def _curves(ax: Axes, ours: pd.DataFrame, theirs: pd.DataFrame, names: list[str], what: str):
    for name in names:
        rows = ours[ours["variant"] == name].sort_values("epoch")
        ax.fill_between(
            rows["epoch"],
            rows[f"{what}_min"],
            rows[f"{what}_max"],
            color=variant_colour(name),
            alpha=0.18,
            lw=0,
        )
        ax.plot(rows["epoch"], rows[f"{what}_mean"], color=variant_colour(name), lw=2, label=name)
        given = theirs[
            (theirs["variant"] == THEIRS.get(name))
            & theirs["epoch"].between(1, ours["epoch"].max())
        ]
        values = (
            given["mean_acc_corrected_pct"] / 100
            if what == "accuracy"
            else given["mean_train_loss"]
        )
        ax.plot(given["epoch"], values, color=variant_colour(name), lw=1.6, linestyle=DASHES)
    ax.set_xlim(0, ours["epoch"].max() + 1)


def _from_late(ax: Axes, rows: pd.DataFrame):
    """The range of what the variants do after a fifth of the epochs: the beginning would flatten all differences."""
    late = rows[rows["epoch"] > rows["epoch"].max() / 5]
    low, high = late["accuracy_min"].min(), late["accuracy_max"].max()
    ax.set_ylim(max(0, low - 0.3 * (high - low) - 1e-3), high + 0.1 * (high - low) + 1e-3)


@styled
def summary(
    found: pd.DataFrame, theirs: pd.DataFrame, notes: Mapping[str, str] | None = None
) -> Figure:
    """What each variant reaches: mean over the trials of the highest accuracy with its 95 % interval; theirs hollow.

    found: as ``trials.summary`` with columns ``network, variant, rounds, available``; theirs: ``claims.reference("weight_distribution_runs")``;
    notes: by network, for its titles.
    """
    shown = _rows(found)
    figure, axes = _by_network(shown, 7.4, 0.52 * found["variant"].nunique() + 2.4)
    for ax, (network, n) in zip(axes, shown, strict=True):
        rows, title = _at(found, network, n, notes)
        for place, row in enumerate(rows.itertuples()):
            spread = [
                [100 * (row.best_accuracy - row.best_low)],
                [100 * (row.best_high - row.best_accuracy)],
            ]
            ax.errorbar(
                100 * row.best_accuracy,
                -place,
                xerr=spread,
                fmt="o",
                color=variant_colour(row.variant),
                ms=9,
                capsize=4,
                lw=2,
            )
            given = theirs[
                (theirs["dataset"] == network)
                & (theirs["variant"] == THEIRS.get(row.variant))
                & (theirs["prune_rounds_n"] == row.rounds)
            ]
            ax.plot(
                given["mean_of_trial_max_acc_corrected_pct"],
                [-place] * len(given),
                "s",
                mfc="none",
                mec=variant_colour(row.variant),
                mew=1.8,
                ms=11,
            )
        ax.set_yticks(-np.arange(len(rows)), rows["variant"])
        ax.set(xlabel="highest accuracy, %", title=title)
        ax.grid(axis="x", alpha=0.3)
    handles = [
        Line2D([], [], ls="", marker="o", color="black", ms=9),
        Line2D([], [], ls="", marker="s", mfc="none", mec="black", mew=1.8, ms=11),
    ]
    words = [
        "ours, mean of the trials with its 95 % interval",
        "theirs, corrected for their test loader",
    ]
    figure.legend(handles, words, loc="outside lower center", ncols=2)
    return figure


@styled
def weight_histograms(found: pd.DataFrame, theirs: pd.DataFrame) -> Figure:
    """Weights that survive, in both readings: their initial values, and what they were trained to before the last pruning.

    found: as ``trials.histograms`` with columns ``network, rounds, reading``; theirs: ``claims.reference("weight_distribution_stats")``, of
    which the quantiles of 5 and 95 % of the weights their variants start with are dashed lines.
    """
    shown = _rows(found)
    figure, axes = _by_network(shown, 6.6, 5.4)
    for ax, (network, n) in zip(axes, shown, strict=True):
        at = found[(found["network"] == network) & (found["rounds"] == n)]
        given = theirs.query(
            "dataset == @network and prune_rounds_n == @n and epoch == 0"
        ).set_index("variant")
        for reading, (colour, name) in HISTOGRAMS.items():
            rows = at[at["reading"] == reading]
            edges = [*rows["left"], rows["right"].iloc[-1]]
            ax.stairs(rows["density"], edges, color=colour, lw=2, fill=False)
            ax.stairs(rows["density"], edges, color=colour, alpha=0.2, fill=True)
            for place in given.loc[name, ["q05", "q95"]] if name in given.index else ():
                ax.axvline(place, color=colour, lw=1.6, linestyle=DASHES)
        ax.set(
            xlabel="weight",
            ylabel="density",
            title=f"{DATASETS.get(network, network)}\nafter {n} rounds",
        )
    handles = [Patch(color=colour, alpha=0.6) for colour, _ in HISTOGRAMS.values()] + [
        Line2D([], [], color="black", linestyle=DASHES)
    ]
    words = [f"of the survivors, {READINGS[reading]}" for reading in HISTOGRAMS]
    figure.legend(
        handles, [*words, "theirs: 5 and 95 % quantile"], loc="outside lower center", ncols=3
    )
    return figure
