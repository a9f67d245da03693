"""The panels of the poster: what each shows, and the sentence that says what it found.

Every number in a sentence is computed from the kept tables, or read from the kept facts and runs.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, fields
from functools import cached_property

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import SubFigure

from lth_utils import config, connectivity, plots
from lth_utils.config import RunSpec
from lth_utils.data import Dataset
from lth_utils.networks.ticket import Ticket
from lth_utils.publish.captions import FIGURES
from lth_utils.publish.products import read_facts, read_table
from lth_utils.runs.files import StoreError
from lth_utils.runs.index import flat_fields
from lth_utils.runs.places import outputs, project_root
from lth_utils.runs.store import Store
from lth_utils.studies import extension_sweep, outcomes, pruning_level_sweep, toy_data
from lth_utils.studies.reference import reference, theirs_by_level
from lth_utils.studies.verdict import SEPARATED

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
    def _sizes(self) -> tuple[pd.DataFrame, pruning_level_sweep.Parameters]:
        return (
            self.table("04_pruning_level_sweep-levels"),
            self.asked("04_pruning_level_sweep", pruning_level_sweep.Parameters),
        )

    @cached_property
    def twenty(self) -> pd.DataFrame:
        """Runs of all sizes with twenty levels each."""
        table, asked = self._sizes
        return _runs(rows_like(table, asked.always_twenty()), asked.target)

    @cached_property
    def climb(self) -> pd.DataFrame:
        """Runs of one large network with more and more levels."""
        table, asked = self._sizes
        return _runs(rows_like(table, asked.more_and_more()), asked.target)


def rows_like(table: pd.DataFrame, specs: Iterable[RunSpec]) -> pd.DataFrame:
    """The level rows whose runs were asked for as one of `specs`, whatever their seeds.

    Args:
        table: level rows; columns of fields that it lacks are not compared, so that tables of an
            earlier version can be drawn, too.
        specs: the runs.
    """
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
    for ax in figure.axes:
        name, _, owner = ax.get_title().partition(", coloured by the labels of ")
        other = "" if name == owner else "\n(no pattern)"
        ax.set_title(f"{name}, labels of {owner}{other}" if other else f"{name}, own labels")
        ax.set_xlabel(ax.get_xlabel().removesuffix(" (standardised)"))
        ax.set_ylabel(ax.get_ylabel().removesuffix(" (standardised)"))


def _dense(kept: Kept):
    figure = plots.dense_network(kept.way[0])
    figure.axes[0].set_title("")


def _levels(kept: Kept):
    figure = plots.imp_levels(kept.way)
    for ax in figure.axes:
        ax.set_title(ax.get_title().replace(": ", "\n"))


def _tickets(kept: Kept):
    figure = plots.independent_tickets(kept.ticket, kept.dataset)
    for ax in figure.axes:
        ax.set_xlabel(ax.get_xlabel().removesuffix(" (standardised)"))
        ax.set_ylabel(ax.get_ylabel().removesuffix(" (standardised)"))
    figure.axes[0].get_legend().set_ncols(1)


def _states(kept: Kept):
    plots.parameter_states()


def _extension(kept: Kept):
    asked = kept.asked("03_extension_sweep", extension_sweep.Parameters)
    figure = plots.trajectory(extension_sweep.trajectories(asked.rate), reference("trajectory"))
    for ax in figure.axes[1:]:
        ax.remove()


def _split(kept: Kept):
    theirs = theirs_by_level()
    plots.split_count(kept.two_layers, theirs[theirs["network"] == "2"])


def _twenty(kept: Kept):
    plots.twenty_levels(outcomes.by_level(kept.twenty, ["width"]))


def _how_many(kept: Kept):
    figure = plots.how_many_levels(outcomes.by_level(kept.climb, ["levels"]), kept.climb)
    figure.axes[1].remove()


def _loss(kept: Kept):
    plots.performance_poster(kept.two_layer_rows, reference("poster_scatter"))


# what was found


def _joined(kept: Kept) -> str:
    shape = kept.way[0].shape
    return (
        f"The {shape[0]} inputs are put side by side, the {shape[-1]} labels too; one dense network "
        f"{config.shape_text(shape)} learns both tasks."
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
        return f"In this set: {said}."
    return f"{CAPTIONS['independent-tickets']} In this set {said.partition(', with')[0]}."


def _split_words(kept: Kept) -> str:
    return str(kept.facts("03_extension_sweep").get("above_level_9", {}).get("sentence", "")) + "."


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
        return f"Pruned in twenty levels to the same size, {before} separated, whatever the width."
    return (
        f"With twenty levels for each, {before} narrower than {first} separated; from this "
        f"width on, {after}."
    )


def _how_many_words(kept: Kept) -> str:
    shape = kept.climb["base"].iloc[0]
    first, before, after = _from_half_on(kept.climb, "levels")
    if first is None:
        return f"{before} networks {shape} separated, whatever the number of levels."
    return (
        f"{CAPTIONS['how-many-levels']} {shape}: {before} in fewer than {first} levels, {after} "
        "in more."
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


SMALL = {"font.size": 11, "axes.titlesize": 11, "axes.labelsize": 11}

PANELS = (
    Panel("data", "Two independent tasks", _data, style=SMALL),
    Panel("dense-network", "One network", _dense, _joined),
    Panel("imp-levels", "Pruned, level by level", _levels, _pruned, SMALL),
    Panel("independent-tickets", "Independent tickets", _tickets, _apart, SMALL),
    Panel("parameter-states", "What becomes of a weight", _states),
    Panel("trajectory", "Larger and larger starts", _extension),
    Panel("split-count", "How many split?", _split, _split_words),
    Panel("twenty-levels", "All with twenty levels", _twenty, _twenty_words),
    Panel("how-many-levels", "How many levels?", _how_many, _how_many_words),
    Panel("performance-poster", "Is anything lost?", _loss, lambda _: CAPTIONS["performance"]),
)
"""In the order of the thesis' poster."""


# what keeps drawings inside their places


def fit(drawn: SubFigure, wrap: Callable[[str, float, float], str]):
    """Break titles and labels, and narrow legends, that are wider than there is room.

    Args:
        drawn: after its layout was computed once.
        wrap: a text in lines, from the text, inches in the figure and the size of its letters.
    """
    for ax in drawn.axes:
        width, height = _room(ax)
        for text, inches in ((ax.title, width), (ax._left_title, width)):
            _break(text, inches, wrap)
        _break(ax.xaxis.label, width, wrap)
        _break(ax.yaxis.label, height, wrap)
    for legend in drawn.legends:
        while legend.get_window_extent().width > drawn.bbox.width and legend._ncols > 1:
            legend.set_ncols(legend._ncols - 1)


def _break(text, inches: float, wrap):
    said = text.get_text()
    if said:
        text.set_text(wrap(said, inches, text.get_fontsize()))


def _room(ax: Axes) -> tuple[float, float]:
    """Inches that a title and a vertical label may take."""
    part = ax.figure
    width, height = part.bbox.width / part.dpi, part.bbox.height / part.dpi
    place = ax.get_subplotspec()
    if place is None:
        return width, height
    grid = place.get_gridspec()
    return (
        0.92 * width * len(place.colspan) / grid.ncols,
        0.75 * height * len(place.rowspan) / grid.nrows,
    )
