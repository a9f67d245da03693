"""Groups of runs: their specs, their names, and their rows in a table."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import pandas as pd

from lth_utils.config import RunSpec, run_id


def unique(*groups: Iterable[RunSpec]) -> list[RunSpec]:
    """The specs of several groups in order, each once."""
    return list({run_id(spec): spec for group in groups for spec in group}.values())


def labels(groups: Mapping[str, Iterable[RunSpec]]) -> dict[str, str]:
    """The name of its group by run id; a run of several groups bears the last one's name."""
    names = {}
    for name, specs in groups.items():
        names |= dict.fromkeys(map(run_id, specs), name)
    return names


def rows_of(table: pd.DataFrame, specs: Iterable[RunSpec]) -> pd.DataFrame:
    """The rows of a table with a column ``run`` that belong to `specs`."""
    return table[table["run"].isin([run_id(spec) for spec in specs])]


def label_rows(
    table: pd.DataFrame, groups: Mapping[str, Iterable[RunSpec]], column: str = "variant"
) -> pd.DataFrame:
    """The rows that belong to `groups`, with the name of their group in a new column."""
    names = labels(groups)
    rows = table[table["run"].isin(names)]
    return rows.assign(**{column: rows["run"].map(names)})
