"""Tables for the figures of notebook 03: shares of runs with their intervals, ours and theirs."""

from __future__ import annotations

import pandas as pd

from lth_utils.studies.outcomes import by_level
from lth_utils.studies.reference import theirs_by_level
from lth_utils.studies.statistics import columns, share
from lth_utils.studies.verdict import DEGRADED, SEPARATED

KEYS = ["network", "extension"]


def shares_by_level(runs: pd.DataFrame) -> pd.DataFrame:
    """How many runs ever separated and how many ever degraded, with the intervals of the shares.

    Args:
        runs: as ``outcomes.outcomes``.

    Returns:
        The table of ``outcomes.by_level`` with columns ``lost, lost_low, lost_high``, the share
        that ever degraded and its interval, by the same rule as the share that separated.
    """
    ever = runs["outcome"].isin(DEGRADED)
    renamed = runs.assign(outcome=ever.map({True: "separated", False: "interconnected"}))
    names = {"share": "lost", "share_low": "lost_low", "share_high": "lost_high"}
    lost = by_level(renamed).rename(columns=names)
    return by_level(runs).merge(lost[[*KEYS, *names.values()]], on=KEYS)


def their_shares() -> pd.DataFrame:
    """The thesis' outcomes, with the columns of :func:`shares_by_level`; one draw of the data."""
    table = theirs_by_level()
    rows = []
    for _, row in table.iterrows():
        separated = columns("share", share(row[list(SEPARATED)].sum(), row["runs"]))
        lost = columns("lost", share(row[list(DEGRADED)].sum(), row["runs"]))
        rows.append({**separated, **lost, "draws": 1})
    return table.join(pd.DataFrame(rows, table.index))
