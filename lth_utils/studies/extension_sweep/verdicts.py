"""All verdicts of notebook 03, and its facts."""

from __future__ import annotations

import pandas as pd

from lth_utils.studies.extension_sweep.layer_verdicts import layer_rows
from lth_utils.studies.extension_sweep.loss_verdicts import loss_rows
from lth_utils.studies.extension_sweep.outcome_verdicts import (
    chance_rows,
    outcome_rows,
    remedy_rows,
    share_that,
)
from lth_utils.studies.extension_sweep.weight_verdicts import weight_rows
from lth_utils.studies.outcomes import by_level
from lth_utils.studies.reference import theirs_by_level
from lth_utils.studies.statistics import columns
from lth_utils.studies.verdict import SEPARATED, count_verdicts, headline, in_percent, verdict_table


def extension(
    runs: pd.DataFrame,
    table: pd.DataFrame,
    chance: pd.DataFrame,
    decided: pd.DataFrame,
    layerwise: pd.DataFrame,
) -> pd.DataFrame:
    """Verdicts on claims 1, 2, 4, 5 and 6.

    Args:
        runs: as ``outcomes.outcomes`` of both readings.
        table: level rows of the two-layer runs.
        chance: as ``extension_sweep.separated_by_chance``, of the two-layer runs.
        decided: as ``nulls.structure``, of three-layer runs that separated.
        layerwise: as ``extension_sweep.layerwise``.
    """
    rows = outcome_rows(runs, theirs_by_level())
    rows += weight_rows(runs, table)
    rows += loss_rows(table)
    rows += chance_rows(chance)
    rows += remedy_rows(runs, layerwise)
    rows += layer_rows(decided)
    return verdict_table(rows)


def facts(
    runs: pd.DataFrame, layerwise: pd.DataFrame, verdicts: pd.DataFrame, *, n_runs: int
) -> dict:
    """The facts of notebook 03.

    Args:
        runs, layerwise: as of :func:`extension`.
        verdicts: as :func:`extension`.
        n_runs: how many runs it is about.
    """
    above = ever_separated(runs, "2", 9)
    shares = {}
    for network, rows in by_level(runs).groupby("network"):
        shares[network] = rows.set_index("extension")["share"].round(3).to_dict()
    remedied = by_level(layerwise, ["extension"]).set_index("extension")["share"]
    return {
        "headline": f"{above['sentence']}; {headline(verdicts)}",
        "runs": n_runs,
        "above_level_9": above,
        "verdicts": count_verdicts(verdicts),
        "separated": shares,
        "layerwise": remedied.round(3).to_dict(),
    }


def ever_separated(runs: pd.DataFrame, network: str, first: int) -> dict:
    """How many runs of a family ever separated, at extension level `first` and above.

    Args:
        runs: as ``outcomes.outcomes``.
        network: the family.
        first: the lowest extension level that counts.

    Returns:
        Plain values with a ``sentence``.
    """
    rows = runs[(runs["network"] == network) & (runs["extension"] >= first)]
    if rows.empty:
        sentence = f"no two-layer network was extended {first} levels or more"
        return {"separated": 0, "runs": 0, "sentence": sentence}
    count, share = int(rows["outcome"].isin(SEPARATED).sum()), share_that(rows, SEPARATED)
    draws = rows["draw"].nunique()
    sentence = (
        f"{count} of {len(rows)} two-layer networks extended {first} levels or more separated, "
        f"{in_percent(*share)} over {draws} draw{'s' * (draws > 1)} of the points"
    )
    return {"separated": count, "runs": len(rows), **columns("share", share), "sentence": sentence}
