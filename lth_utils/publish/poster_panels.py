"""The panels of the poster: what each shows, and the sentence that says what it found.

Every number in a sentence is computed from the kept tables, or read from the kept facts and runs.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, fields
from functools import cached_property

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.collections import PathCollection
from matplotlib.figure import SubFigure

from lth_utils import config, connectivity, plots
from lth_utils.config import RunSpec
from lth_utils.data import Dataset
from lth_utils.networks.ticket import Ticket
from lth_utils.plots.marks import BELOW
from lth_utils.publish.captions import FIGURES
from lth_utils.publish.products import read_facts, read_table
from lth_utils.runs.files import StoreError
from lth_utils.runs.index import flat_fields
from lth_utils.runs.places import outputs, project_root
from lth_utils.runs.store import Store
from lth_utils.studies import extension_sweep, groups, outcomes, pruning_level_sweep, toy_data
from lth_utils.studies.reference import reference, theirs_by_level
from lth_utils.studies.verdict import SEPARATED

FEW_DOTS = 100
"""Fewer dots are units of a network, not points of a task."""

CAPTIONS = {key: text for chapter in FIGURES.values() for key, text in chapter.items()}


@dataclass(frozen=True)
class Kept:
    """What is kept of a set: its tables, facts and runs, each read once.

    Args:
        set_name: folder of ``outputs/``.
    """

    set_name: str

    def facts(self, notebook: str) -> dict:
        """The facts of a notebook."""
        return read_facts(self.set_name, notebook)

    def table(self, name: str) -> pd.DataFrame:
        """A kept table."""
        return read_table(self.set_name, name)

    def asked(self, notebook: str, parameters: type):
        """The typed parameters of a notebook in this set."""
        file = project_root() / "parameters" / self.set_name / f"{notebook}.yaml"
        given = config.read(file) if file.is_file() else {}
        names = {entry.name for entry in fields(parameters)}
        return parameters(**{name: value for name, value in given.items() if name in names})

    @cached_property
    def store(self) -> Store:
        """The runs that are kept beside the tables."""
        return Store(outputs() / self.set_name)

    @cached_property
    def run(self) -> str:
        """The run of notebook 01 that is drawn there."""
        run = outcomes.most_accurate(self.table("01_toy_data-outcomes"))
        if self.store.done(run):
            return run
        raise StoreError(f"{self.store.folder(run)} is missing; to make it, run notebook 01")

    @cached_property
    def spec(self) -> RunSpec:
        """What was asked of that run."""
        return self.store.spec(self.run)

    @cached_property
    def way(self) -> list[Ticket]:
        """Its tickets from the dense network to the last level."""
        return toy_data.tickets_on_the_way(self.store, self.run)

    @cached_property
    def ticket(self) -> Ticket:
        """Its ticket where it separated, else at its last level."""
        return self.store.ticket(self.run)

    @cached_property
    def dataset(self) -> Dataset:
        """The points on which it was trained."""
        return self.store.dataset(self.spec.data)

    @cached_property
    def two_layers(self) -> pd.DataFrame:
        """How many two-layer networks came to each outcome, by extension level."""
        levels = self.table("03_extension_sweep-outcomes").astype({"network": str})
        return levels[levels["network"] == "2"]

    @cached_property
    def two_layer_rows(self) -> pd.DataFrame:
        """Level rows of two-layer networks of all sizes."""
        asked = self.asked("03_extension_sweep", extension_sweep.Parameters)
        rows = rows_like(self.table("03_extension_sweep-levels"), asked.families())
        rows = extension_sweep.readings(rows)
        return rows[rows["network"] == "2"]

    @cached_property
    def sizes(self) -> tuple[pd.DataFrame, pruning_level_sweep.Parameters]:
        """The level rows of notebook 04, and what it was asked."""
        return (
            self.table("04_pruning_level_sweep-levels"),
            self.asked("04_pruning_level_sweep", pruning_level_sweep.Parameters),
        )

    @cached_property
    def twenty(self) -> pd.DataFrame:
        """Runs of all sizes with twenty levels each."""
        table, asked = self.sizes
        return _runs(rows_like(table, asked.always_twenty()), asked.target)

    @cached_property
    def climb(self) -> pd.DataFrame:
        """Runs of one large network with more and more levels."""
        table, asked = self.sizes
        return _runs(rows_like(table, asked.more_and_more()), asked.target)


def rows_like(table: pd.DataFrame, specs: list[RunSpec]) -> pd.DataFrame:
    """The level rows of `specs`; where some are missing, those of runs like them.

    Args:
        table: level rows. In a table of an earlier version runs are like `specs` whatever their
            seeds, and fields that it has no columns for are not compared.
        specs: the runs.
    """
    exactly = groups.rows_of(table, specs)
    if exactly["run"].nunique() == len(specs):
        return exactly
    wanted = pd.DataFrame(map(flat_fields, specs)).drop(columns="seed")
    shared = [name for name in wanted if name in table]
    keys = {tuple(map(_plain, row)) for row in wanted[shared].itertuples(index=False)}
    runs = table.drop_duplicates("run")
    found = [tuple(map(_plain, row)) in keys for row in runs[shared].itertuples(index=False)]
    return table[table["run"].isin(runs["run"][found])]


def _plain(value) -> str:
    """A value as text, the same for 1 and 1.0, and for False, 0, None and NaN."""
    if not value or value != value:
        return ""
    return f"{value:g}" if isinstance(value, (int, float)) else str(value)


def _runs(rows: pd.DataFrame, target: int) -> pd.DataFrame:
    return pruning_level_sweep.with_sizes(outcomes.outcomes(rows), target)


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
    theirs = theirs_by_level()
    plots.split_count(kept.two_layers, theirs[theirs["network"] == "2"])


def _twenty(kept: Kept):
    plots.twenty_levels(outcomes.by_level(kept.twenty, ["width"]))


def _how_many(kept: Kept):
    counts = outcomes.by_level(kept.climb, ["levels"])
    _first_alone(plots.how_many_levels(counts, kept.climb))


def _loss(kept: Kept):
    figure = plots.performance_poster(kept.two_layer_rows, reference("poster_scatter"))
    for ax in figure.axes:
        if ax.get_legend():
            _legend_below(figure, ax)


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
    rows = kept.two_layer_rows
    dense = rows.loc[rows["level"] == 0, "loss"].median()
    apart = rows[rows["status"] == "separated"].groupby("run")["loss"].first()
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
