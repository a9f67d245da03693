"""Tables for the figures of notebook 03: shares of runs with their intervals, ours and theirs."""

from __future__ import annotations

import pandas as pd

from lth_utils.studies.outcomes import by_level
from lth_utils.studies.reference import NETWORKS, theirs_by_level
from lth_utils.studies.statistics import clustered_mean, columns, share
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


def state_shares(structure: pd.DataFrame) -> pd.DataFrame:
    """Inactive, zombie and active shares of the available weights, of runs and of random masks.

    Args:
        structure: rows per run, level, kind and repeat with columns ``run, kind, base, levels,
            draw, level, available, active, inactive, zombie``, as ``studies.nulls.structure``.

    Returns:
        One row per ``network, extension, level, available, kind``: the mean ``inactive, zombie,
        active``, each with its interval over the draws (``_low``, ``_high``), and ``runs, draws``.
    """
    families = {base: network for network, base in NETWORKS.items()}  # 3mini: as they ran
    names = ["inactive", "zombie", "active"]
    shares = structure[names].div(structure["available"], axis=0)
    rows = structure[["run", "draw", "level", "available", "kind"]].join(shares)
    rows = rows.assign(network=structure["base"].map(families), extension=structure["levels"])
    return _over_draws(rows, ["network", "extension", "level", "available", "kind"], names)


def layer_shares(structure: pd.DataFrame) -> pd.DataFrame:
    """Decided shares of every layer, of runs and of random masks.

    Args:
        structure: as for :func:`state_shares`, of networks of one size, with columns
            ``decided_outputs_n`` and ``decided_inputs_n`` for layer n, 0 the inputs.

    Returns:
        One row per ``kind, layer, level``: the mean ``decided_outputs, decided_inputs``, each with
        its interval over the draws (``_low``, ``_high``), and ``runs, draws``.
    """
    names = ["decided_outputs", "decided_inputs"]
    layers = structure.columns[structure.columns.str.match(r"decided_outputs_\d+$")]
    parts = []
    for layer in sorted(int(name.rpartition("_")[2]) for name in layers):
        columns_of = {f"{name}_{layer}": name for name in names}
        rows = structure[["run", "draw", "level", "kind", *columns_of]].rename(columns=columns_of)
        parts.append(rows.assign(layer=layer))
    return _over_draws(pd.concat(parts, ignore_index=True), ["kind", "layer", "level"], names)


def _over_draws(rows: pd.DataFrame, by: list[str], names: list[str]) -> pd.DataFrame:
    """Means with their intervals, the draw a random factor, within 0 and 1."""
    runs = rows.groupby([*by, "draw", "run"], observed=True)[names].mean().reset_index()
    found = []
    for place, cell in runs.groupby(by, observed=True):
        row = dict(zip(by, place, strict=True))
        row |= {"runs": len(cell), "draws": cell["draw"].nunique()}
        for name in names:
            values = cell.dropna(subset=name)
            mean, low, high = clustered_mean(values[name], values["draw"])
            row |= columns(name, (mean, max(low, 0), min(high, 1)))
        found.append(row)
    return pd.DataFrame(found)
