"""The panels of the poster: what each shows, and the sentence that says what it found.

Every number in a sentence is computed from the kept tables, or read from the kept facts and runs.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.collections import PathCollection
from matplotlib.figure import SubFigure

from lth_utils import connectivity, plots
from lth_utils.plots.marks import BELOW
from lth_utils.publish.captions import FIGURES
from lth_utils.publish.poster_kept import Kept
from lth_utils.studies import extension_sweep, outcomes
from lth_utils.studies.reference import reference
from lth_utils.studies.verdict import SEPARATED

FEW_DOTS = 100
"""Fewer dots are units of a network, not points of a task."""

CAPTIONS = {key: text for chapter in FIGURES.values() for key, text in chapter.items()}


# what is drawn


def _data(kept: Kept):
    figure = plots.data(kept.dataset)
    figure.suptitle("").set_in_layout(False)
    _name_inputs(figure, size=4)
    for ax in figure.axes:
        said = ax.get_title(loc="left").replace(" coloured by the labels", " labels")
        ax.set_title("", loc="left")
        ax.set_title(said, loc="center")
        ax.get_legend().remove()


def _name_inputs(figure: SubFigure, size: float):
    """Scatter plots bear the names of inputs alone; their dots become smaller."""
    for ax in figure.axes:
        for axis in (ax.xaxis, ax.yaxis):
            name = axis.get_label_text().removesuffix(" (standardised)").removeprefix("input ")
            axis.set_label_text(name)
            axis.labelpad = 1
            axis.set_ticks([])
        for dots in ax.collections:
            if isinstance(dots, PathCollection) and len(dots.get_offsets()) > FEW_DOTS:
                dots.set_sizes([size])


def _dense(kept: Kept):
    plots.dense_network(kept.way[0]).axes[0].set_title("")


def _levels(kept: Kept):
    figure = plots.imp_levels(kept.way)
    for ax in figure.axes:
        ax.set_title(ax.get_title(loc="left").replace(": ", "\n"))
        for text in ax.texts:
            text.set_text(text.get_text().partition("\n")[0])  # the tasks have their colours


def _tickets(kept: Kept):
    figure = plots.independent_tickets(kept.ticket, kept.dataset)
    network, *regions = figure.axes
    _legend_below(figure, network)
    _name_inputs(figure, size=4)
    for ax in regions:
        ax.set_title(ax.get_title(loc="left").replace(" on the ", "\non the "))
        ax.get_legend().remove()


def _legend_below(figure: SubFigure, ax: Axes):
    """The legend of one panel goes below the whole drawing."""
    legend = ax.get_legend()
    handles, names = legend.legend_handles, [text.get_text() for text in legend.get_texts()]
    legend.remove()
    figure.legend(handles, names, **BELOW)


def _states(kept: Kept):
    plots.parameter_states()


def _extension(kept: Kept):
    asked = kept.asked("03_extension_sweep", extension_sweep.Parameters)
    widths = extension_sweep.trajectories(asked.rate)
    figure = plots.trajectory(widths, reference("trajectory"))
    _first_alone(figure)
    left, right = figure.axes[0].get_xlim()
    figure.axes[0].set_xlim(left, right + 0.35 * (right - left))  # room for the legend


def _first_alone(figure: SubFigure):
    """The first panel takes the place of all."""
    first, *others = figure.axes
    for ax in others:
        ax.remove()
    first.set_subplotspec(figure.add_gridspec(1, 1)[0])


def _split(kept: Kept):
    theirs = extension_sweep.their_shares()
    plots.split_count(kept.two_layers, theirs[theirs["network"] == "2"])


def _twenty(kept: Kept):
    plots.twenty_levels(outcomes.by_level(kept.twenty, ["width"]))


def _how_many(kept: Kept):
    counts = outcomes.by_level(kept.climb, ["levels"])
    _first_alone(plots.how_many_levels(counts, kept.climb))


def _loss(kept: Kept):
    figure = plots.performance_poster(kept.scaled_rows, reference("poster_scatter"))
    for ax in figure.axes:
        ax.set_ylabel("validation loss")
        if ax.get_legend():
            _legend_below(figure, ax)
    short = {}
    for legend in list(figure.legends):
        names = [text.get_text() for text in legend.get_texts()]
        for handle, name in zip(legend.legend_handles, names, strict=True):
            short.setdefault(name.partition(" (")[0].partition(";")[0], handle)
        legend.remove()
    figure.legend(list(short.values()), list(short), ncols=2, **BELOW)


# what was found


def _unrelated(kept: Kept) -> str:
    names = " and ".join(task.name for task in kept.dataset.tasks)
    return f"{names.capitalize()}: the inputs of one task say nothing about the other's labels."


def _joined(kept: Kept) -> str:
    shape = kept.way[0].shape
    return (
        f"{shape[0]} inputs side by side, {shape[-1]} outputs: one dense network learns both tasks."
    )


def _pruned(kept: Kept) -> str:
    rate = kept.spec.prune.rate
    share = f"{rate:.0%} of the" if rate else "the smallest"
    return (
        f"Each level removes the smallest {share} weights that are left, resets the others to "
        "their initial values and trains again."
    )


def _apart(kept: Kept) -> str:
    found = connectivity.structure(kept.ticket.masks, kept.ticket.tasks)
    said = str(kept.facts("01_toy_data").get("headline", "")).partition(";")[0]
    if found.status != "separated":
        return f"Here {said or 'no network separated'}."
    return f"{CAPTIONS['independent-tickets']} Here {said.partition(', with')[0]}."


def _split_words(kept: Kept) -> str:
    above = kept.facts("03_extension_sweep").get("above_level_9", {})
    said = str(above.get("sentence", CAPTIONS["split-count"].removesuffix(".")))
    return f"{said[:1].upper()}{said[1:]}."


def _loss_words(kept: Kept) -> str:
    rows = kept.scaled_rows
    dense = rows.loc[rows["level"] == 0, "watched_loss"].median()
    apart = rows[rows["status"] == "separated"].groupby("run")["watched_loss"].first()
    if apart.empty:
        return f"The loss of dense networks is {dense:.2g} (median); none separated."
    return (
        f"The loss of dense networks is {dense:.2g} (median); where they first separate, it is "
        f"{apart.median():.2g}."
    )


def _from_half_on(runs: pd.DataFrame, column: str) -> tuple[int | None, str, str]:
    """Where at least half first separated, and how many did below and from there on.

    Args:
        runs: as ``outcomes.outcomes``.
        column: of the places, in their order.
    """
    apart = runs["outcome"].isin(SEPARATED)
    shares = apart.groupby(runs[column]).mean()
    places = shares.index[shares >= 0.5]
    first = int(places[0]) if len(places) else None
    before = runs[column] < first if first is not None else runs[column] >= 0
    counts = [f"{int(apart[part].sum())} of {int(part.sum())}" for part in (before, ~before)]
    return first, *counts


def _twenty_words(kept: Kept) -> str:
    first, before, after = _from_half_on(kept.twenty, "width")
    if first is None:
        return f"With twenty levels for each, {before} separated; at no width did half of them."
    return (
        f"Half of them first separate at width {first}: {before} narrower ones, and {after} from "
        "there on."
    )


def _how_many_words(kept: Kept) -> str:
    shape = kept.climb["base"].iloc[0]
    first, before, after = _from_half_on(kept.climb, "levels")
    if first is None:
        return f"{before} networks {shape} separated; at no number of levels did half of them."
    return (
        f"Half of the networks {shape} first separate in {first} levels: {before} in fewer, and "
        f"{after} from there on."
    )


@dataclass(frozen=True)
class Panel:
    """One numbered panel.

    Args:
        key: of the figure, as in ``captions``.
        heading: a few words.
        draw: draws it by functions of ``plots``.
        finding: the sentence below the heading, where the figure has no title of its own.
        style: entries of the style sheet that are changed.
    """

    key: str
    heading: str
    draw: Callable[[Kept], None]
    finding: Callable[[Kept], str] | None = None
    style: dict = field(default_factory=dict)

    def sentence(self, kept: Kept, drawn: SubFigure) -> str:
        """What it found; a title of the whole figure, which says so, is taken out of it."""
        title = drawn.get_suptitle()
        if title:
            drawn.suptitle("").set_in_layout(False)
            return " ".join(title.split())
        return self.finding(kept) if self.finding else CAPTIONS[self.key]


SMALL = {"font.size": 11, "axes.titlesize": 11}

PANELS = (
    Panel("data", "Two independent tasks", _data, _unrelated, SMALL),
    Panel("dense-network", "One network", _dense, _joined),
    Panel("imp-levels", "Pruned, level by level", _levels, _pruned, SMALL),
    Panel("independent-tickets", "Independent tickets", _tickets, _apart, SMALL),
    Panel("parameter-states", "States of a weight", _states, style=SMALL),
    Panel("trajectory", "Extended at a fixed rate", _extension, style=SMALL),
    Panel("split-count", "How many split?", _split, _split_words, SMALL),
    Panel("twenty-levels", "All with twenty levels", _twenty, _twenty_words, SMALL),
    Panel("how-many-levels", "How many levels?", _how_many, _how_many_words, SMALL),
    Panel("performance-poster", "At what loss?", _loss, _loss_words, SMALL),
)
"""In the order of the thesis' poster."""
