"""Which tickets of notebook 09 are drawn, and what its dials show."""

from __future__ import annotations

import pandas as pd

from lth_utils.networks.ticket import Ticket
from lth_utils.runs.store import Store
from lth_utils.studies.controls_and_dials.parameters import DIALS, PAIR
from lth_utils.studies.controls_and_dials.tables import change

CAUSES = {
    "dependence": "dependent labels",
    "rotation": "rotated inputs",
    "overlap": "shared inputs",
}
"""What each dial adds."""

MOST = 5
"""Tickets of a dial that are drawn."""


def pictured(found: pd.DataFrame) -> pd.DataFrame:
    """The runs that are drawn: along each dial those of one draw of the data and one seed.

    Of the first draw and seed that stand in the tables of all dials, whatever became of the runs.

    Args:
        found: as ``tables.found_table``.

    Returns:
        Rows of `found`, at most :data:`MOST` per dial.
    """
    own = found[(found["n_samples"] == PAIR.n_samples) & found["dial"].isin(DIALS)]
    if own.empty:
        return own
    places = own.groupby("seed")[["dial", "value"]].agg(tuple)
    most = places["value"].map(len).max()
    seed = places.index[places["value"].map(len) == most].min()
    chosen = own[own["seed"] == seed].sort_values(["dial", "value"])
    return chosen.groupby("dial").head(MOST)


def dial_tickets(chosen: pd.DataFrame, store: Store) -> dict[str, list[tuple[float, Ticket]]]:
    """The tickets of :func:`pictured` by dial, in order.

    Args:
        chosen: as :func:`pictured`.
        store: that holds these runs.
    """
    tickets = {}
    for dial in DIALS:
        rows = chosen[chosen["dial"] == dial]
        if len(rows):
            tickets[dial] = [
                (row.value, store.ticket(row.run, row.level)) for row in rows.itertuples()
            ]
    return tickets


def dials_title(found: pd.DataFrame) -> str:
    """How the share of networks that part their tasks changes from end to end of each dial.

    Args:
        found: as ``tables.found_table``.
    """
    words = []
    for dial in DIALS:
        if not (found["dial"] == dial).any():
            continue
        (value, low, high), _ = change(found, dial, PAIR.n_samples, "apart")
        known = low > 0 or high < 0
        trend = "more" if value > 0 else "fewer"
        words.append(f"{trend if known else 'not clearly changed'} with {CAUSES[dial]}")
    return f"Networks that part their tasks: {', '.join(words)}" if words else "No dial was turned"
