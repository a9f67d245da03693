"""The numbers that the thesis and the other source projects report."""

from __future__ import annotations

from importlib import resources

import pandas as pd

from lth_utils.config import choose
from lth_utils.connectivity import OUTCOMES


def reference(name: str) -> pd.DataFrame:
    """A table of numbers reported by the thesis: ``reference("trajectory")``.

    >>> reference("trajectory").query("network == '2' and extension_level == 9")["weights"].item()
    3591
    """
    folder = resources.files("lth_utils.studies").joinpath("thesis")
    choose(name, sorted(p.name.removesuffix(".csv") for p in folder.iterdir()), "reference table")
    with folder.joinpath(f"{name}.csv").open(encoding="utf-8") as file:
        return pd.read_csv(file)


NETWORKS = {"1": "4-20-2", "2": "4-8-8-2", "3": "4-4-4-4-2", "3mini": "4-4-4-4-2"}
"""The families of the extension sweep, named as in the reference tables, with their base networks."""

SHIFT, READ_TO = 2, 108
"""The thesis reads its three-layer runs (network 3) two levels lower than they ran, and only down to so many weights."""


def theirs_by_level() -> pd.DataFrame:
    """The thesis' outcomes per family and extension level, with the columns of :func:`by_level`."""
    there = reference("extension_outcomes").rename(
        columns={"extension_level": "extension", "n_runs": "runs"}
    )
    names = {f"n_{word.replace('-', '_')}": word for word in OUTCOMES}
    return (
        there.rename(columns=names)
        .assign(fragmented=0)
        .astype({"network": str})[["network", "extension", "runs", *OUTCOMES]]
    )
