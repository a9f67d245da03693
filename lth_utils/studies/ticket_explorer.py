"""Study of notebook 05: the runs of notebook 01, explored."""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd

from lth_utils.studies import toy_data


@dataclass(frozen=True)
class Parameters(toy_data.Parameters):
    """The same as those of notebook 01, so that nothing is trained twice."""


def examples(runs: pd.DataFrame, each: int = 2) -> list[str]:
    """Runs of every outcome, failures to separate included, to be kept for the set's page.

    Args:
        runs: as ``outcomes.outcomes``.
        each: how many of each outcome.

    Returns:
        Their ids: of those that separate the most accurate ones, of others the first ones.
    """
    ordered = runs.sort_values("accuracy", ascending=False, kind="stable")
    return list(ordered.groupby("outcome", sort=True).head(each)["run"])


def facts(table: pd.DataFrame, runs: pd.DataFrame, view: dict) -> dict:
    """The facts of notebook 05.

    Args:
        table: level rows.
        runs: as ``outcomes.outcomes``.
        view: what the explorer's view says: its ``words``, and plain values.
    """
    explored = f"{len(runs)} runs, {len(table)} networks to explore"
    return {
        "headline": f"{explored}; the view: {view['words']}",
        "runs": len(runs),
        "networks": len(table),
        "separated": int(runs["level"].notna().sum()),
        "view": view,
    }
