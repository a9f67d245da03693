"""Study of notebook 04: size against number of prunings."""

from __future__ import annotations

import numpy as np
import pandas as pd

from lth_utils.studies.statistics import compare, share
from lth_utils.studies.verdict import (
    ALPHA,
    COLUMNS,
    SEPARATED,
    WILSON,
    in_percent,
    judge,
    never_row,
    verdict_row,
)


def pruning_levels(runs: pd.DataFrame, theirs: pd.DataFrame) -> pd.DataFrame:
    """Claim 3.

    runs: as ``claims.outcomes`` with columns ``width`` and ``rate`` (effective, per level);
    theirs: ``claims.reference("separations_by_size_and_levels")``.
    """
    ever = runs.assign(ever=runs["outcome"].isin(SEPARATED))
    rows = []
    for width in (31, 38):
        mine, given = ever[ever["width"] == width], theirs[theirs["hidden_width"] == width]
        rows.append(
            never_row(
                "3",
                f"width {width} never separates at target 112",
                int(mine["ever"].sum()),
                len(mine),
                (int(given["n_separated"].sum()), int(given["n_runs"].sum())),
            )
        )
    for width in (48, 57):
        mine, given = ever[ever["width"] == width], theirs[theirs["hidden_width"] == width]
        if len(mine):
            value, low, high = share(int(mine["ever"].sum()), len(mine))
            rows.append(
                verdict_row(
                    "3",
                    f"width {width} does separate at target 112",
                    f"{given['n_separated'].sum()} of {given['n_runs'].sum()}",
                    f"{mine['ever'].sum()} of {len(mine)}, {in_percent(value, low, high)}",
                    len(mine),
                    WILSON,
                    "agrees" if value else "differs",
                )
            )
    rows += _rates(ever[ever["width"] == 48], theirs[theirs["hidden_width"] == 48])
    names = {
        "hidden_width": "width",
        "pruning_levels": "levels",
        "n_separated": "apart",
        "n_runs": "runs",
    }
    cells = ever.groupby(["width", "levels"])["ever"].agg(apart="sum", runs="size").reset_index()
    cells, given = (
        t.assign(rest=t["runs"] - t["apart"]) for t in (cells, theirs.rename(columns=names))
    )
    both = compare(cells, given, ["width", "levels"], ["apart", "rest"])
    if len(both):
        differ = int((both["p_corrected"] < ALPHA).sum())
        rows.append(
            verdict_row(
                "3",
                "the number of separated runs in every cell of the grid",
                "4 runs each",
                f"{differ} of {len(both)} cells differ",
                int(both["runs"].sum()),
                "exact test per cell, corrected after Holm",
                "differs" if differ else "agrees",
                both["p_corrected"].min(),
                f"smallest uncorrected p {both['p'].min():.2g}",
            )
        )
    return pd.DataFrame(rows, columns=COLUMNS)


def _rates(ever: pd.DataFrame, theirs: pd.DataFrame) -> list[dict]:
    """Width 48: what the pruning rate per level decides."""
    low_rates, given = ever[ever["rate"] < 0.41], theirs[theirs["pruning_levels"] >= 6]
    rows = []
    if len(low_rates):
        cells = low_rates.groupby("levels")["ever"].agg(["sum", "size"])
        bounds = [share(k, n) for k, n in cells.itertuples(index=False)]
        value, low, high = share(int(low_rates["ever"].sum()), len(low_rates))
        rows.append(
            verdict_row(
                "3",
                "rates below 0.41 separate width 48 consistently (most runs at each number of levels)",
                f"{', '.join(map(str, given['n_separated']))} of {given['n_runs'].max()}",
                f"{in_percent(value, low, high)} taken together, by level {min(bounds)[0]:.0%} to {max(bounds)[0]:.0%}",
                len(low_rates),
                f"{WILSON} of every number of levels against one half",
                judge([b[1] > 0.5 for b in bounds], [b[2] < 0.5 for b in bounds]),
            )
        )
    if ever["ever"].any():
        top = ever.loc[ever["ever"], "rate"].max()
        at_top = ever[np.isclose(ever["rate"], top)]
        their_top = (
            theirs[theirs["n_separated"] > 0].nlargest(1, "pruning_rate_effective_mean").iloc[0]
        )
        rows.append(
            verdict_row(
                "3",
                "the largest rate that separates width 48 is about 0.65",
                f"{their_top['pruning_rate_effective_mean']:.3f} ({their_top['n_separated']:.0f} of {their_top['n_runs']:.0f})",
                f"{top:.3f} ({int(at_top['ever'].sum())} of {len(at_top)})",
                len(ever),
                "largest rate seen",
                "agrees"
                if abs(top - their_top["pruning_rate_effective_mean"]) < 0.02
                else "differs",
                note="more runs see rarer events: a maximum can only grow with their number",
            )
        )
    return rows
