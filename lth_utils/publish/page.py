"""The one object of a notebook: its parameters, its runs, and the products that it writes."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, fields

import pandas as pd
from IPython.display import HTML, clear_output
from matplotlib.figure import Figure
from pandas.io.formats.style import Styler

from lth_utils.config import RunSpec
from lth_utils.publish import products
from lth_utils.runs import progress, sweep
from lth_utils.runs.places import outputs
from lth_utils.runs.store import Store

MOST_ROWS = 12
"""Rows up to which a table is shown unfolded."""


@dataclass(frozen=True)
class Picture:
    """A figure that every front end shows as a picture, whatever backend matplotlib has there.

    Attributes:
        figure: the figure itself.
        png: its picture.
    """

    figure: Figure
    png: bytes = field(repr=False)

    def _repr_png_(self) -> tuple[bytes, dict]:
        """The picture, as wide as the figure has inches times a hundred pixels."""
        return self.png, {"width": round(100 * self.figure.get_figwidth())}


class Page:
    """A notebook's parameters, runs and products.

    Args:
        notebook: its name, such as ``03_extension_sweep``.
        parameters: the class of its typed parameters, such as ``extension_sweep.Parameters``.
        variables: the notebook's own variables, ``globals()``, once papermill has set them.

    Attributes:
        asked: the parameters, checked.
        set_name: products go to ``outputs/<set_name>/``.
        train: False where everything is drawn from the kept tables.
        device: where runs are trained.
        results: the store of all runs.
        kept: the store beside the tables, with the runs that are kept with the set.
        specs: the runs of the notebook, once they were asked for.
        report: what the sweep did, in one line.

    Raises:
        SpecError: where a parameter is mistyped or out of its range.
    """

    def __init__(self, notebook: str, parameters: type, variables: Mapping):
        names = [entry.name for entry in fields(parameters)]
        self.notebook = notebook
        self.asked = parameters(**{name: variables[name] for name in names})
        self.set_name = variables["set_name"]
        self.train = variables.get("train", True)
        self.device = variables["device"]
        self.results = Store()
        self.kept = Store(outputs() / self.set_name)
        self.report = ""
        self.specs: list[RunSpec] = []

    @property
    def store(self) -> Store:
        """Where runs can be explored: all of them where this page may train, else those kept."""
        return self.results if self.train else self.kept

    def run(self, specs: list[RunSpec]) -> pd.DataFrame:
        """Compute what is missing of `specs`; return their level rows, kept as ``-levels``."""
        self.sweep(specs)
        return self.table("levels", self.results.table, specs, runs=specs)

    def sweep(self, specs: list[RunSpec]):
        """Compute what is missing of `specs`; progress disappears from the notebook at the end."""
        self.specs = list(specs)
        if not self.train:
            self.report = f"{len(specs)} runs, from the tables kept in outputs/{self.set_name}"
            return
        with progress.bar() as bar:
            report = sweep.run(self.specs, self.results, device=self.device, progress=bar)
        self.report = str(report)
        clear_output(wait=True)

    def keep(self, runs: Iterable[str]):
        """Copy finished runs beside the tables, where this page may train."""
        if self.train:
            self.results.copy(runs, self.kept)

    def stored(self, run: str) -> str | None:
        """A run that can be explored, or None where it is not stored."""
        return run if self.store.done(run) else None

    def table(
        self,
        key: str,
        table: pd.DataFrame | Callable[..., pd.DataFrame],
        *arguments,
        runs: list[RunSpec] | None = None,
    ) -> pd.DataFrame:
        """Write a table of the set.

        Args:
            key: the file is ``tables/<notebook>-<key>.csv``.
            table: the table, or a function that needs finished runs: it is called where this page
                may train, and its table is always read back from the file.
            arguments: of the function.
            runs: the runs whose table it is; their provenance is written beside it.

        Returns:
            The table.

        Raises:
            StoreError: where the file holds other runs than `runs`.
        """
        name = f"{self.notebook}-{key}"
        if not callable(table):
            products.write_table(self.set_name, name, table)
            return table
        if self.train:
            about = None if runs is None else self.results.about(self.specs)
            products.write_table(self.set_name, name, table(*arguments), about)
        return products.read_table(self.set_name, name, runs)

    def figure(self, key: str, figure: Figure) -> Picture:
        """Write a figure as ``figures/<key>.png`` and ``.svg``, and return it to be shown."""
        png, _ = products.write_figure(self.set_name, key, figure, self.notebook)
        return Picture(figure, png.read_bytes())

    def show(self, table: pd.DataFrame, precision: int = 4) -> Styler | HTML:
        """A table to look at, with so many decimals; folded where it has many rows."""
        styled = table.style.format(precision=precision, na_rep="–").hide(axis="index")
        if len(table) <= MOST_ROWS:
            return styled
        summary = f"<summary>table of {len(table)} rows</summary>"
        return HTML(f"<details>{summary}{styled.to_html()}</details>")

    def verdicts(self, verdicts: pd.DataFrame) -> Styler | HTML:
        """Put verdicts into the set's table, in place of those on the same claims; show them."""
        return self._judged("verdicts", verdicts)

    def predictions(self, verdicts: pd.DataFrame) -> Styler | HTML:
        """The same with verdicts on what the thesis does not say, but its story predicts."""
        return self._judged("predictions", verdicts)

    def _judged(self, name: str, verdicts: pd.DataFrame) -> Styler | HTML:
        """Put verdicts into a table of the set, and show them."""
        products.update_table(self.set_name, name, verdicts, "claim")
        return self.show(verdicts.drop(columns="test"), precision=3)

    def close(self, facts: dict) -> dict:
        """Write the facts of the notebook, a dict of plain values, and return them."""
        products.write_facts(self.set_name, self.notebook, facts)
        return facts
