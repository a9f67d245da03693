"""What the poster is drawn from: the kept tables, facts and runs of a set, each read once."""

from __future__ import annotations

from dataclasses import dataclass, fields
from functools import cached_property

import pandas as pd

from lth_utils import config
from lth_utils.config import RunSpec
from lth_utils.data import Dataset
from lth_utils.networks.ticket import Ticket
from lth_utils.publish.products import read_facts, read_table
from lth_utils.runs.files import StoreError
from lth_utils.runs.index import flat_fields
from lth_utils.runs.places import outputs, project_root
from lth_utils.runs.store import Store
from lth_utils.studies import extension_sweep, groups, outcomes, pruning_level_sweep, toy_data


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
    def scaled_rows(self) -> pd.DataFrame:
        """Level rows of two-layer networks on inputs from 0 to 1, as the original poster's."""
        asked = self.asked("03_extension_sweep", extension_sweep.Parameters)
        return groups.rows_of(self.table("03_extension_sweep-levels"), asked.scaled_to_unit())

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
