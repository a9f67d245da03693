"""The numbers that the thesis and the other source projects report."""

from __future__ import annotations

from importlib import resources

import pandas as pd

from lth_utils.config import choose
from lth_utils.connectivity import OUTCOMES

NETWORKS = {"1": "4-20-2", "2": "4-8-8-2", "3": "4-4-4-4-2", "3mini": "4-4-4-4-2"}
"""The families of the extension sweep, named as in the tables, with their base networks."""

SHIFT = 2
"""The thesis reads three-layer runs (network 3) so many extension levels lower than they ran."""

READ_TO = 108
"""The thesis reads its three-layer runs down to so many available weights."""


def reference(name: str) -> pd.DataFrame:
    """A table of numbers that the thesis or another source project reports.

    Args:
        name: the name of a file in the folder ``thesis``, without its ending.

    Raises:
        SpecError: if there is no such table.

    >>> reference("trajectory").query("network == '2' and extension_level == 9")["weights"].item()
    3591
    """
    folder = resources.files("lth_utils.studies").joinpath("thesis")
    known = sorted(path.name.removesuffix(".csv") for path in folder.iterdir())
    choose(name, known, "reference table")
    with folder.joinpath(f"{name}.csv").open(encoding="utf-8") as file:
        return pd.read_csv(file)


def theirs_by_level() -> pd.DataFrame:
    """The thesis' outcomes per family and extension level, with the columns of ``by_level``."""
    table = reference("extension_outcomes")
    names = {"extension_level": "extension", "n_runs": "runs"}
    for word in OUTCOMES:
        names[f"n_{word.replace('-', '_')}"] = word
    table = table.rename(columns=names).assign(fragmented=0).astype({"network": str})
    return table[["network", "extension", "runs", *OUTCOMES]]
