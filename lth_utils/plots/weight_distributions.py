"""Figures of notebook 06: mask, distribution of the weights, or their exact values."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping

import pandas as pd
import seaborn as sns
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from lth_utils.plots.marks import BELOW, HOLLOW, from_to, integer_ticks, line_with_band
from lth_utils.plots.style import DASHES, TRIAL_COLOURS, panels, styled, variant_colour

THEIRS = {
    "full": "full_Dinit",
    "ticket": "pruned_Dinit",
    "resampled, trained": "pruned_Dn",
    "remasked, trained": "randompruned_Dn",
}
"""The names of the variants in the course project's paper; its code resamples trained weights, its
text initial ones."""

READINGS = {
    "trained": "weights as trained (its code)",
    "initial": "initial weights (its paper)",
    "": "controls",
}
"""Which weights are resampled or shuffled, by the word after a variant's comma."""

HISTOGRAMS = {"initial": "pruned_Dinit", "trained": "pruned_Dn"}
"""The variants that start with weights of each reading, by their names in the paper."""

HISTOGRAM_COLOURS = {
    "initial": TRIAL_COLOURS["ticket"],
    "trained": TRIAL_COLOURS["resampled"],
}

DATASETS = {"mnist": "MNIST, 784-300-100-10", "cifar10": "CIFAR-10, LeNet-5"}

Notes = Mapping[str, str] | None
"""What to say of a network's runs in the titles, by network."""


def _reading(name: str) -> str:
    """Which weights a variant draws from: the word after its comma."""
    return name.partition(", ")[2].partition(" ")[0]


def _rounds(found: pd.DataFrame) -> list[tuple[str, int]]:
    """Networks and numbers of rounds; 0 rounds, the full network, belongs to all of them."""
    pairs = []
    for network, rows in found.groupby("network", sort=False):
        for n in sorted(set(rows["rounds"]) - {0}):
            pairs.append((network, n))
    return pairs


def _by_network(
    shown: list[tuple[str, int]], width: float, height: float
) -> tuple[Figure, list[Axes]]:
    """A panel of this size per network and number of rounds, a network per row."""
    rows = len({network for network, _ in shown})
    columns = len(shown) // rows
    figure, axes = panels(rows, columns, (width * columns, height * rows))
    return figure, list(axes.flat)


def _at(found: pd.DataFrame, network: str, n: int) -> pd.DataFrame:
    """The rows of a network after so many rounds, and of the full network."""
    return found[(found["network"] == network) & found["rounds"].isin((0, n))]


def _title(rows: pd.DataFrame, network: str, n: int, notes: Notes) -> str:
    """A network, what is to be said of it, and what is left of it, in lines that fit a panel."""
    left = rows["available"].min() / rows["available"].max()
    note = textwrap.wrap((notes or {}).get(network, ""), 40)
    lines = [DATASETS.get(network, network), *note, f"{n} rounds, {left:.1%} of the weights left"]
    return "\n".join(lines)


@styled
def training_curves(means: pd.DataFrame, theirs: pd.DataFrame, notes: Notes = None) -> Figure:
    """Accuracy and training loss over the epochs, mean of the trials with their range.

    Args:
        means: as ``studies.trials.by_epoch`` with columns
            ``network, variant, rounds, available``.
        theirs: ``studies.reference.reference("weight_distribution_curves")``, dashed.
        notes: for the titles, by network.

    Returns:
        A figure with one row per network and number of rounds: a panel of accuracies per reading,
        and one of losses.
    """
    rounds = _rounds(means)
    figure, axes = panels(len(rounds), 4, (25, 5.6 * len(rounds)))
    pooled = means[~means["variant"].str.contains("by layer")]
    for row, (network, n) in zip(axes, rounds, strict=True):
        rows = _at(pooled, network, n)
        title = _title(rows, network, n, notes)
        of_network = theirs["dataset"] == network
        given = theirs[of_network & theirs["prune_rounds_n"].isin((0, n))]
        for ax, (reading, words) in zip(row[:3], READINGS.items(), strict=True):
            _accuracies(ax, rows, given if reading == "trained" else given[:0], reading)
            ax.set_title(f"{title}\n{words}")
        _losses(row[3], rows, given)
        row[3].set_title(f"{title}\nwithout draws from initial weights")
    figure.suptitle(
        f"mean of {from_to(means['trials'])} trials, band from the lowest to the highest; "
        "dashed: theirs, accuracy corrected for their test loader"
    )
    return figure


def _accuracies(ax: Axes, rows: pd.DataFrame, theirs: pd.DataFrame, reading: str):
    """Accuracies of the variants of one reading beside the full network and the ticket."""
    names = rows["variant"].unique()
    shown = [v for v in names if v in ("full", "ticket") or _reading(v) == reading]
    theirs = theirs.assign(shown=theirs["mean_acc_corrected_pct"] / 100)
    for name in shown:
        _curve(ax, rows[rows["variant"] == name], theirs, "accuracy")
    ax.set(xlabel="epoch", ylabel="accuracy on the test split")
    ax.set_ylim(*_late_range(rows))
    ax.legend(loc="lower right", fontsize=11)


def _losses(ax: Axes, rows: pd.DataFrame, theirs: pd.DataFrame):
    """Training losses of all variants but those that draw from initial weights."""
    theirs = theirs.assign(shown=theirs["mean_train_loss"])
    for name in rows["variant"].unique():
        if _reading(name) != "initial":
            _curve(ax, rows[rows["variant"] == name], theirs, "train_loss")
    ax.set(xlabel="epoch", ylabel="training loss", yscale="log")
    ax.legend(fontsize=11)


def _curve(ax: Axes, rows: pd.DataFrame, theirs: pd.DataFrame, measure: str):
    """One variant over the epochs, and theirs, column ``shown``, dashed."""
    rows = rows.sort_values("epoch")
    name, last = rows["variant"].iloc[0], rows["epoch"].max()
    colour = variant_colour(name)
    values = (f"{measure}_mean", f"{measure}_min", f"{measure}_max")
    line_with_band(ax, rows, "epoch", values, colour, lw=2, label=name)
    same = theirs["variant"] == THEIRS.get(name)
    given = theirs[same & theirs["epoch"].between(1, last)]
    ax.plot(given["epoch"], given["shown"], color=colour, lw=1.6, linestyle=DASHES)
    ax.set_xlim(0, last + 1)
    integer_ticks(ax)


def _late_range(rows: pd.DataFrame) -> tuple[float, float]:
    """The accuracies after a fifth of the epochs: the beginning would flatten all differences."""
    late = rows[rows["epoch"] > rows["epoch"].max() / 5]
    low, high = late["accuracy_min"].min(), late["accuracy_max"].max()
    margin = high - low
    return max(0, low - 0.3 * margin - 1e-3), high + 0.1 * margin + 1e-3


@styled
def summary(found: pd.DataFrame, theirs: pd.DataFrame, notes: Notes = None) -> Figure:
    """What each variant reaches: mean over the trials of the highest accuracy, 95 % interval.

    Args:
        found: as ``studies.trials.summary`` with columns ``network, variant, rounds, available``.
        theirs: ``studies.reference.reference("weight_distribution_runs")``, hollow.
        notes: for the titles, by network.

    Returns:
        A figure with one panel per network and number of rounds, one row per variant.
    """
    shown = _rounds(found)
    figure, axes = _by_network(shown, 7.4, 0.52 * found["variant"].nunique() + 2.6)
    for ax, (network, n) in zip(axes, shown, strict=True):
        rows = _at(found, network, n)
        given = theirs[(theirs["dataset"] == network) & theirs["prune_rounds_n"].isin((0, n))]
        _reached(ax, rows, given)
        ax.set_title(_title(rows, network, n, notes))
    bar = {"color": "black", "marker": "o", "ms": 9, "lw": 2}
    square = {"ls": "", "marker": "s", "mfc": "none", "mec": "black", "mew": 1.8, "ms": 11}
    trials = from_to(found["trials"])
    handles = [
        Line2D([], [], label=f"ours, mean of {trials} trials with its 95 % interval", **bar),
        Line2D([], [], label="theirs, corrected for their test loader", **square),
    ]
    figure.legend(handles=handles, ncols=2, **BELOW)
    return figure


def _reached(ax: Axes, rows: pd.DataFrame, theirs: pd.DataFrame):
    """One row per variant: ours as a dot with its interval, theirs as a hollow square."""
    variants = list(rows["variant"])
    colours = {name: variant_colour(name) for name in variants}
    percent = rows.assign(**100 * rows[["best_accuracy", "best_low", "best_high"]])
    hues = {"hue": "variant", "palette": colours, "legend": False}
    dots = {"order": variants, "jitter": False, "size": 9, "zorder": 3}
    sns.stripplot(percent, x="best_accuracy", y="variant", ax=ax, **hues, **dots)
    ends = percent["best_low"], percent["best_high"]
    ax.hlines(range(len(percent)), *ends, colors=list(colours.values()), lw=2)
    ours = pd.DataFrame({"place": range(len(rows)), "variant": rows["variant"].map(THEIRS)})
    ours = ours.assign(prune_rounds_n=list(rows["rounds"]), colour=list(colours.values()))
    given = ours.merge(theirs, on=["variant", "prune_rounds_n"])
    look = HOLLOW | {"edgecolors": given["colour"], "marker": "s", "s": 120}
    ax.scatter(given["mean_of_trial_max_acc_corrected_pct"], given["place"], **look)
    ax.set(xlabel="highest accuracy, %", ylabel="")
    ax.grid(axis="x", alpha=0.3)


@styled
def weight_histograms(found: pd.DataFrame, theirs: pd.DataFrame) -> Figure:
    """Weights that survive: their initial values, and what they were trained to at last.

    Args:
        found: as ``studies.weight_distributions.histograms`` with columns
            ``network, rounds, reading``.
        theirs: ``studies.reference.reference("weight_distribution_stats")``; the quantiles of 5
            and 95 % of the weights that their variants start with are dashed lines.

    Returns:
        A figure with one panel per network and number of rounds.
    """
    shown = _rounds(found)
    figure, axes = _by_network(shown, 6.6, 5.4)
    for ax, (network, n) in zip(axes, shown, strict=True):
        rows = found[(found["network"] == network) & (found["rounds"] == n)]
        _histograms(ax, rows)
        start = theirs[(theirs["prune_rounds_n"] == n) & (theirs["epoch"] == 0)]
        _quantiles(ax, start[start["dataset"] == network].set_index("variant"))
        ax.set(xlabel="weight", ylabel="density")
        ax.set_title(f"{DATASETS.get(network, network)}\nafter {n} rounds")
    handles = []
    for reading, colour in HISTOGRAM_COLOURS.items():
        label = f"of the survivors, {READINGS[reading]}"
        handles.append(Patch(color=colour, alpha=0.6, label=label))
    dashed = {"color": "black", "linestyle": DASHES}
    handles.append(Line2D([], [], label="theirs: 5 and 95 % quantile", **dashed))
    figure.legend(handles=handles, ncols=3, **BELOW)
    return figure


def _histograms(ax: Axes, rows: pd.DataFrame):
    """The densities of both readings as steps."""
    edges = sorted({*rows["left"], *rows["right"]})
    middle = (rows["left"] + rows["right"]) / 2
    hues = {"hue": "reading", "palette": HISTOGRAM_COLOURS, "legend": False}
    steps = {"bins": edges, "weights": "density", "element": "step", "alpha": 0.2, "lw": 2}
    sns.histplot(rows.assign(middle=middle), x="middle", ax=ax, **hues, **steps)


def _quantiles(ax: Axes, theirs: pd.DataFrame):
    """Where 5 and 95 % of their weights lie."""
    for reading, name in HISTOGRAMS.items():
        for place in theirs.loc[name, ["q05", "q95"]] if name in theirs.index else ():
            ax.axvline(place, color=HISTOGRAM_COLOURS[reading], lw=1.6, linestyle=DASHES)
