"""Figures of notebook 07."""

from __future__ import annotations

import matplotlib as mpl
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from lth_utils.plots.style import TRIAL_COLOURS, panels, styled
from lth_utils.plots.weight_distributions import variant_colour


@styled
def one_shot_or_iterative(found: pd.DataFrame) -> Figure:
    """Accuracy over the share of weights left, for each way to choose them: mean and 95 % interval over the trials; dotted: dense.

    found: as ``trials.over_weights`` with columns ``measure, scope, method, share``.
    """
    measures, scopes = (list(dict.fromkeys(found[name])) for name in ("measure", "scope"))
    figure, axes = panels(len(measures), len(scopes), (8.4 * len(scopes), 5.2 * len(measures)))
    for row, measure in zip(axes, measures, strict=True):
        for ax, scope in zip(row, scopes, strict=True):
            at = found[(found["measure"] == measure) & (found["scope"] == scope)]
            for method, rows in at.groupby("method", sort=False):
                _with_interval(ax, rows["share"], rows, method)
            ax.axhline(
                at.loc[at["share"] == 1, "mean"].mean(),
                color="black",
                lw=1.2,
                linestyle=":",
                label="dense",
            )
            ax.set(
                xscale="log",
                xlabel="share of the weights left",
                ylabel=f"accuracy {measure}",
                title="smallest of the whole network"
                if scope == "global"
                else "smallest of each layer",
            )
            ax.xaxis.set_major_formatter(mpl.ticker.PercentFormatter(1, decimals=None))
            ax.invert_xaxis()
            _stretched(ax, at["mean"])
            ax.legend(loc="lower left")
    return figure


def _stretched(ax: Axes, accuracies: pd.Series):
    """An axis of accuracies on which a point counts the more the nearer it is to 100 %."""
    ticks = [
        v for v in (0.1, 0.2, 0.5, 0.8, 0.9, 0.95, 0.97, 0.98, 0.99) if accuracies.min() / 1.5 < v
    ]
    ax.set_yscale("logit")
    ax.set_yticks(ticks, [f"{v:.0%}" for v in ticks])
    ax.set_yticks([], minor=True)
    ax.set_ylim(max(0.05, accuracies.min() / 1.5), min(0.995, 1 - (1 - accuracies.max()) / 2))


def _with_interval(ax: Axes, x: pd.Series, rows: pd.DataFrame, method: str):
    marker = {"iterative": "o", "one-shot": "s", "fresh": "D", "random": "^"}[
        method.partition(" ")[0]
    ]
    ax.fill_between(
        x,
        rows["low"].clip(0.001),
        rows["high"].clip(upper=0.999),
        color=variant_colour(method),
        alpha=0.2,
        lw=0,
    )  # shares, all of them
    ax.plot(
        x, rows["mean"], color=variant_colour(method), lw=2.2, marker=marker, ms=7, label=method
    )


@styled
def rounds_to_target(found: pd.DataFrame, target: str) -> Figure:
    """The same target in one round or in many: mean accuracy and 95 % interval over the number of rounds.

    found: as ``trials.over_weights`` with columns ``measure, rounds``; target: in words.
    """
    figure, axes = panels(1, 1, (9.4, 5.6))
    ax = axes[0, 0]
    for (measure, rows), marker, line in zip(
        found.groupby("measure", sort=False), "os", ("-", "--"), strict=False
    ):
        spread = rows["mean"] - rows["low"], rows["high"] - rows["mean"]
        ax.errorbar(
            rows["rounds"],
            rows["mean"],
            spread,
            marker=marker,
            linestyle=line,
            color=TRIAL_COLOURS["ticket"],
            lw=2,
            capsize=4,
            label=measure,
        )
    ax.set(
        xlabel="rounds of pruning",
        ylabel="accuracy on the test half",
        title=f"pruned to {target}",
        xticks=sorted(set(found["rounds"])),
    )
    ax.legend(loc="lower right")
    return figure


@styled
def one_shot_separation(found: pd.DataFrame) -> Figure:
    """Share of the networks that are separated over the weights left, for each way to choose them, with 95 % intervals.

    found: as ``trials.over_weights`` with the column ``method``.
    """
    figure, axes = panels(1, 1, (9.4, 5.6))
    ax = axes[0, 0]
    for method, rows in found.groupby("method", sort=False):
        _with_interval(ax, rows["available"], rows, method)
    ax.set(
        xscale="log",
        xlabel="unpruned weights",
        ylabel="share of the runs that are separated",
        ylim=(-0.03, 1.03),
        title=f"moons and circles, {found['trials'].max()} runs each",
    )
    ax.invert_xaxis()
    ax.legend(loc="upper left")
    return figure
