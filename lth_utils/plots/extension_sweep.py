"""Figures of notebook 03."""

from __future__ import annotations

import matplotlib as mpl
import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Rectangle

from lth_utils.plots.marks import (
    HOLLOW,
    NAMES,
    OUTCOME_ORDER,
    families_in,
    outcome_bars,
    outcome_dot,
    outcome_legend,
    panel_title,
    their_outcome_steps,
)
from lth_utils.plots.style import (
    DASHES,
    OUTCOME_COLOURS,
    STATE_COLOURS,
    STATUS_COLOURS,
    THEIRS,
    panels,
    styled,
)


@styled
def trajectory(ours: pd.DataFrame, theirs: pd.DataFrame) -> Figure:
    """The idea of extension: every run of a family goes down the same stairs, from a start of its own.

    ours: columns ``network, extension, width, weights``; theirs: ``claims.reference("trajectory")``.
    """
    figure, axes = panels(1, 2, (14, 5.6))
    stairs, widths = axes[0]
    family = ours[ours["network"] == "2"].sort_values("extension")
    tops = [e for e in (3, 7, 11, 15, 19, 23) if e <= family["extension"].max()]
    shades = mpl.colormaps["viridis"](np.linspace(0.05, 0.85, max(1, len(tops))))
    for top, shade in zip(tops, shades, strict=False):
        weights = family[family["extension"] <= top]["weights"].to_numpy()[::-1]
        stairs.step(np.arange(len(weights)), weights, where="post", color=shade, lw=2.2)
        stairs.plot(
            0,
            weights[0],
            "o",
            color=shade,
            ms=8,
            label=f"extension level {top}: width {family['width'].iloc[top]}",
        )
    stairs.set(yscale="log", xlabel="prunings done", ylabel="available weights")
    stairs.legend(fontsize=11)
    panel_title(stairs, "two hidden layers: one staircase, many starts")
    for network, marker in zip(families_in(ours), "os^D", strict=False):
        rows, given = (
            ours[ours["network"] == network],
            theirs[theirs["network"].astype(str) == network],
        )
        (line,) = widths.plot(
            rows["extension"], rows["width"], lw=1.4, marker=marker, ms=5, label=NAMES[network]
        )
        widths.scatter(
            given["extension_level"],
            given["hidden_width"],
            s=90,
            marker=marker,
            **{**HOLLOW, "edgecolors": line.get_color()},
        )
    widths.set(
        yscale="log", xlabel="extension level", ylabel="width of each hidden layer (neurons)"
    )
    handles, names = widths.get_legend_handles_labels()
    widths.legend(
        [*handles, Line2D([], [], ls="", marker="o", mfc="none", mec="black", ms=10)],
        [*names, "the thesis' table"],
        fontsize=11,
    )
    panel_title(widths, "widths of the extended networks")
    return figure


@styled
def outcomes(levels: pd.DataFrame, theirs: pd.DataFrame) -> Figure:
    """Share of runs per outcome over the extension level, one panel per family; the thesis' as dashed steps.

    levels, theirs: as ``claims.by_level`` and ``claims.theirs_by_level`` give them.
    """
    networks = families_in(levels)
    figure, axes = panels(len(networks), 1, (13, 3.9 * len(networks) + 0.6))
    for ax, network in zip(axes[:, 0], networks, strict=True):
        ours, given = (
            t[t["network"] == network].sort_values("extension") for t in (levels, theirs)
        )
        outcome_bars(ax, ours["extension"], ours)
        given = given[given["extension"].between(ours["extension"].min(), ours["extension"].max())]
        if len(given):
            their_outcome_steps(ax, given["extension"], given)
        runs = sorted(set(ours["runs"]))
        many = f"{runs[0]} to {runs[-1]}" if len(runs) > 1 else f"{runs[0]}"
        ax.set(
            xticks=ours["extension"],
            xlabel="extension level",
            xlim=(ours["extension"].min() - 0.7, ours["extension"].max() + 0.7),
        )
        panel_title(
            ax,
            f"{NAMES[network]} ({many} runs per level; thesis: {given['runs'].max() if len(given) else 0})",
        )
    words = [
        w
        for w in OUTCOME_ORDER
        if levels[w].sum() or w in ("separated", "degraded", "interconnected")
    ]
    outcome_legend(figure, words, True, loc="outside lower center", ncols=3)
    return figure


@styled
def split_count(levels: pd.DataFrame, theirs: pd.DataFrame) -> Figure:
    """Share of the runs that ever separated over the extension level, with its 95 % interval; the thesis' counts as hollow dots."""
    networks = [n for n in families_in(levels) if n != "3mini"] or families_in(levels)
    figure, axes = panels(1, len(networks), (5.4 * len(networks), 4.8))
    for ax, network in zip(axes[0], networks, strict=True):
        ours, given = (
            t[t["network"] == network].sort_values("extension") for t in (levels, theirs)
        )
        ax.fill_between(
            ours["extension"],
            ours["share_low"],
            ours["share_high"],
            color=STATUS_COLOURS["separated"],
            alpha=0.25,
            lw=0,
        )
        ax.plot(
            ours["extension"],
            ours["share"],
            "o-",
            color=STATUS_COLOURS["separated"],
            ms=6,
            label="ours, with 95 % interval",
        )
        ax.scatter(
            given["extension"],
            (given["separated"] + given["separated-degraded"]) / given["runs"],
            s=70,
            **HOLLOW,
            label=f"the thesis ({theirs['runs'].min()} or {theirs['runs'].max()} runs each)",
            zorder=3,
        )
        ax.set(ylim=(-0.04, 1.04), xlabel="extension level", ylabel="share of runs that separated")
        panel_title(ax, NAMES[network])
    figure.legend(*axes[0, 0].get_legend_handles_labels(), loc="outside lower center", ncols=2)
    return figure


@styled
def active_share(runs: pd.DataFrame, theirs: pd.DataFrame) -> Figure:
    """Active share of the available weights at the end of each run over the extension level, coloured by outcome.

    runs: as ``claims.outcomes``, of two-layer networks; theirs: ``claims.reference("final_active_fraction_2layer")``.
    """
    figure, axes = panels(1, 1, (13, 6))
    ax = axes[0, 0]
    spread = np.random.default_rng(0).uniform(
        -0.3, 0.05, len(runs)
    )  # apart to the left; theirs stand to the right
    for word in OUTCOME_ORDER:
        rows = (runs["outcome"] == word).to_numpy()
        if rows.any():
            ax.scatter(
                (runs["extension"] + spread)[rows],
                (runs["active_end"] / runs["available_end"])[rows],
                s=22,
                alpha=0.75,
                label=f"{word} (ours)",
                **outcome_dot(word),
            )
    for word, rows in theirs.groupby(theirs["category"].str.replace("_", "-")):
        ax.scatter(
            rows["extension_level"] + 0.28,
            rows["active_fraction_of_available"],
            s=46,
            facecolors="none",
            linewidths=1.3,
            edgecolors=OUTCOME_COLOURS[word],
        )
    ax.set(
        xlabel="extension level",
        ylabel="active share of the available weights, at the end",
        ylim=(-0.03, 1.05),
        xticks=sorted(set(runs["extension"])),
    )
    handles, names = ax.get_legend_handles_labels()
    handles.append(Line2D([], [], ls="", marker="o", mfc="none", mec="black", ms=8))
    ax.legend(handles, [*names, "the thesis, same colours"], loc="lower left")
    return figure


@styled
def weights_at_separation(runs: pd.DataFrame, theirs: pd.DataFrame) -> Figure:
    """Active and available weights at the level of separation over the extension level: mean, min to max; linear and log.

    runs: as ``claims.outcomes``; theirs: ``claims.reference("active_available_at_split")``.
    """
    there = runs.dropna(subset=["level"])
    networks = families_in(runs)
    figure, axes = panels(len(networks), 2, (15, 4.2 * len(networks) + 0.6))
    colours = {"active": STATE_COLOURS["active"], "available": "#555555"}
    for row, network in zip(axes, networks, strict=True):
        ours, given = (
            there[there["network"] == network],
            theirs[theirs["network"].astype(str) == network],
        )
        for ax, scale in zip(row, ("linear", "log"), strict=True):
            for kind, colour in colours.items():
                values = (
                    ours.groupby("extension")[kind]
                    .agg(["mean", "min", "max", "count"])
                    .astype(float)
                )
                middle = values["mean"]
                ax.errorbar(
                    values.index - 0.12,
                    middle,
                    (middle - values["min"], values["max"] - middle),
                    fmt="o-",
                    color=colour,
                    ms=6,
                    lw=1.2,
                    elinewidth=2.2,
                    capsize=0,
                )
                middle = given[f"{kind}_mean"]
                ax.errorbar(
                    given["extension_level"] + 0.18,
                    middle,
                    (middle - given[f"{kind}_min"], given[f"{kind}_max"] - middle),
                    fmt="s",
                    mfc="none",
                    color=colour,
                    ms=7,
                    elinewidth=1.0,
                    capsize=2,
                    alpha=0.9,
                )
            ax.set(yscale=scale, xlabel="extension level", ylabel="weights at separation")
            ax.xaxis.set_major_locator(mpl.ticker.MaxNLocator(integer=True))
            panel_title(ax, f"{NAMES[network]}, {scale}")
    handles = [
        Line2D(
            [],
            [],
            color=c,
            marker="o",
            lw=1.4,
            label=f"{kind} (ours: mean, bar from smallest to largest)",
        )
        for kind, c in colours.items()
    ]
    handles.append(
        Line2D(
            [], [], color="black", marker="s", mfc="none", ls="", label="the thesis, same colours"
        )
    )
    figure.legend(handles=handles, loc="outside lower center", ncols=3)
    return figure


@styled
def performance(table: pd.DataFrame, theirs: pd.DataFrame | None = None) -> Figure:
    """Validation loss over active weights, log-log, one dot per run and level, coloured by status.

    table: columns ``active``, ``loss``, ``status``; theirs: the thesis' clusters of dots
    (``claims.reference("performance_clusters")``), drawn as outlined boxes.
    """
    figure, axes = panels(1, 1, (10, 6.4))
    ax, many = axes[0, 0], len(table) > 500
    for word in (w for w in STATUS_COLOURS if w in set(table["status"])):
        rows = table[(table["status"] == word) & (table["active"] > 0)]
        ax.scatter(
            rows["active"],
            rows["loss"],
            s=10 if many else 46,
            color=STATUS_COLOURS[word],
            alpha=0.45 if many else 0.8,
            linewidths=0,
            label=f"{word} (ours)",
            zorder=3,
            rasterized=many,
        )
    inside = (
        theirs[theirs["active_weights_min"] <= 2 * table["active"].max()]
        if theirs is not None
        else []
    )
    for _, box in inside.iterrows() if len(inside) else ():
        low, high = box["active_weights_min"], box["active_weights_max"]
        low, high = (low / 1.08, high * 1.08) if low == high else (low, high)
        ax.add_patch(
            Rectangle(
                (low, box["val_loss_min"]),
                high - low,
                max(box["val_loss_max"] - box["val_loss_min"], 1e-5),
                zorder=4,
                edgecolor="black" if many else STATUS_COLOURS[box["category"]],
                **THEIRS,
            )
        )
    ax.set(
        xscale="log",
        yscale="log",
        xlabel="active weights",
        ylabel="validation loss (mean over the tasks)",
    )
    names = [h.get_label() for h in ax.collections]
    handles = [
        Line2D([], [], ls="", marker="o", ms=7, color=STATUS_COLOURS[n.split()[0]]) for n in names
    ]
    if len(inside):
        handles.append(Rectangle((0, 0), 1, 1, edgecolor="black", **THEIRS))
        names.append("ranges in the thesis" + ("" if many else ",\nin the same colours"))
    ax.legend(handles, names, loc="upper left", bbox_to_anchor=(1, 1))
    return figure


@styled
def performance_poster(table: pd.DataFrame, theirs: pd.DataFrame) -> Figure:
    """Validation loss over active weights, averaged over the seeds of a network and level; separated in the majority marked.

    theirs: ``claims.reference("poster_scatter")``, a preliminary experiment with inputs scaled to 0..1, so only its shape compares.
    """
    means = (
        table.assign(apart=table["status"] == "separated")
        .groupby(["prune.levels", "level"])[["active", "loss", "apart"]]
        .mean()
    )
    figure, axes = panels(1, 1, (10, 6.4))
    ax = axes[0, 0]
    for apart, marker, word in ((False, "o", "interconnected"), (True, "^", "separated")):
        rows = means[(means["apart"] > 0.5) == apart]
        ax.scatter(
            rows["active"],
            rows["loss"],
            s=52,
            marker=marker,
            color=STATUS_COLOURS[word],
            linewidths=0,
            alpha=0.85,
            zorder=3,
            label=f"ours, {'most' if apart else 'at most half'} of the seeds separated",
        )
        given = theirs[theirs["marker"].str.startswith("separated") == apart]
        ax.scatter(
            given["active_weights"],
            given["val_loss"],
            s=60,
            marker=marker,
            facecolors="none",
            edgecolors="black",
            linewidths=1.2,
            label=f"poster, {'separated' if apart else 'all'} (averages of 4)",
        )
    ax.set(
        xscale="log",
        yscale="log",
        xlabel="active weights, mean over the seeds",
        ylabel="validation loss, mean over tasks and seeds",
    )
    ax.legend(loc="upper left", bbox_to_anchor=(1, 1))
    return figure


@styled
def inactive_zombie(table: pd.DataFrame, theirs: pd.DataFrame) -> Figure:
    """Inactive and zombie weights, relative and absolute, over the available weights, one line per extension level.

    table: level rows of two-layer runs; theirs: ``claims.reference("inactive_zombie")``.  Means over the runs still going.
    """
    means = table.groupby(["extension", "available"])[["inactive", "zombie"]].mean().reset_index()
    shown = sorted(set(theirs["extension_level"]) & set(means["extension"]))
    shades = dict(
        zip(shown, mpl.colormaps["viridis"](np.linspace(0, 0.9, len(shown))), strict=True)
    )
    figure, axes = panels(2, 2, (15, 10))
    for row, kind in zip(axes, ("inactive", "zombie"), strict=True):
        for ax, relative in zip(row, (True, False), strict=True):
            for level, shade in shades.items():
                ours, given = (
                    means[means["extension"] == level],
                    theirs[theirs["extension_level"] == level],
                )
                values = (
                    given[f"{kind}_relative"]
                    if relative
                    else given[f"{kind}_absolute_from_relative"]
                )
                ax.plot(
                    ours["available"],
                    ours[kind] / (ours["available"] if relative else 1),
                    color=shade,
                    lw=2,
                )
                ax.plot(given["available_weights"], values, color=shade, lw=1.2, linestyle=DASHES)
            ax.set(
                xscale="log",
                xlabel="available weights",
                ylabel=f"{kind} weights" + (" / available weights" if relative else ""),
            )
            ax.invert_xaxis()
            panel_title(ax, f"{kind}, {'share of the available' if relative else 'number'}")
    handles = [
        Line2D([], [], color=shade, lw=3, label=f"extension level {level}")
        for level, shade in shades.items()
    ]
    handles += [
        Line2D([], [], color="black", lw=2, label="ours"),
        Line2D([], [], color="black", lw=1.2, ls=DASHES, label="the thesis"),
    ]
    figure.legend(handles=handles, loc="outside lower center", ncols=6)
    return figure


@styled
def layer_separation(layers: pd.DataFrame, theirs: pd.DataFrame) -> Figure:
    """Share of decided neurons per layer over the prunings, seen from the outputs and from the inputs.

    layers: as ``claims.layers``, of separated three-layer runs: thick lines are means, bands the middle 80 % of the runs;
    theirs: ``claims.reference("layer_separation")``, one run.
    """
    last = int(layers["layer"].max())
    names = ["input", *(f"hidden-{n}" for n in range(1, last)), "output"]
    shades = mpl.colormaps["viridis"](np.linspace(0, 0.88, last + 1))
    figure, axes = panels(1, 2, (15, 6.2))
    for ax, side in zip(axes[0], ("outputs", "inputs"), strict=True):
        for layer in range(last + 1):
            if names[layer] == ("output" if side == "outputs" else "input"):
                continue  # where the view starts every neuron is decided
            rows = layers[layers["layer"] == layer].groupby("level")[f"decided_{side}"]
            ax.plot(rows.mean(), color=shades[layer], lw=3, label=names[layer])
            ax.fill_between(
                rows.mean().index,
                rows.quantile(0.1),
                rows.quantile(0.9),
                color=shades[layer],
                alpha=0.15,
                lw=0,
            )
            given = theirs[(theirs["view_from"] == side) & (theirs["layer"] == names[layer])]
            ax.plot(
                given["prunings_done"],
                given["share_decided"],
                color=shades[layer],
                lw=1.4,
                linestyle=DASHES,
                marker=".",
                ms=5,
            )
        ax.xaxis.set_major_locator(mpl.ticker.MaxNLocator(integer=True))
        ax.set(
            xlabel="prunings done",
            ylabel=f"share of neurons decided, seen from the {side}",
            ylim=(-0.03, 1.03),
        )
        handles, labels = ax.get_legend_handles_labels()
        ax.legend(
            [*handles, Line2D([], [], color="black", lw=1.4, ls=DASHES, marker=".")],
            [*labels, "the thesis, one run"],
            loc="upper left",
        )
        runs = layers["run"].nunique()
        panel_title(ax, f"seen from the {side} (ours: {runs} run{'s' * (runs > 1)})")
    return figure


@styled
def which_layer_is_lost(
    layers: pd.DataFrame, chosen: tuple[int, ...] = (5, 8, 11, 14, 16)
) -> Figure:
    """One-layer networks: the share of each layer's weights that is left, and what is active of it, as pruning goes on.

    layers: as ``claims.layers`` with a column ``extension``.
    """
    levels = [e for e in chosen if e in set(layers["extension"])] or sorted(
        set(layers["extension"])
    )
    shades = dict(
        zip(levels, mpl.colormaps["viridis"](np.linspace(0, 0.88, len(levels))), strict=True)
    )
    figure, axes = panels(1, 3, (18, 5.6))
    for level, shade in shades.items():
        rows = layers[layers["extension"] == level]
        both = rows.groupby(["level", "layer"])[["available", "active"]].mean().unstack("layer")
        total = both["available"][0] + both["available"][1]
        for ax, values in zip(
            axes[0],
            (
                both["available"][0] / total,
                both["available"][1],
                both["active"][0] + both["active"][1],
            ),
            strict=True,
        ):
            ax.plot(total, values, color=shade, lw=2, marker=".")
    titles = (
        "share of the available weights that leave the inputs",
        "available weights into the outputs",
        "active weights",
    )
    for ax, title in zip(axes[0], titles, strict=True):
        ax.set(xscale="log", xlabel="available weights", ylabel=title)
        ax.invert_xaxis()
    axes[0, 1].set(yscale="log")
    axes[0, 2].set(yscale="log")
    handles = [
        Line2D([], [], color=shade, lw=3, label=f"extension level {level}")
        for level, shade in shades.items()
    ]
    figure.legend(handles=handles, loc="outside lower center", ncols=len(levels))
    return figure
