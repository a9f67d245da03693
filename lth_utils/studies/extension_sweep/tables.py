"""Tables of notebook 03: runs as the thesis counts them, their layers, and changed experiments."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import pandas as pd

from lth_utils import pruning
from lth_utils.connectivity import ACTIVE, decided, weight_states
from lth_utils.networks.layers import n_weights
from lth_utils.runs.store import Store
from lth_utils.studies.masks import LevelMasks, masks_by_level
from lth_utils.studies.nulls import separations
from lth_utils.studies.outcomes import outcomes
from lth_utils.studies.reference import NETWORKS, READ_TO, SHIFT
from lth_utils.studies.statistics import clustered_difference, clustered_share, columns
from lth_utils.studies.verdict import SEPARATED

HIGHEST = {"1": 16, "2": 25, "3": 16, "3mini": 18}
"""The highest extension level of the thesis, by family."""

AS_THE_THESIS = "as the thesis"
"""The name of the runs that changed ones are compared with."""


def readings(table: pd.DataFrame) -> pd.DataFrame:
    """Level rows with the ``network`` and the ``extension`` level as the thesis counts them.

    Three-layer runs appear in both readings: ``3mini`` as they ran, and ``3`` shifted and cut as in
    the thesis' figures.

    Args:
        table: level rows of extended networks, as ``Store.table``.
    """
    parts = []
    for network, base in NETWORKS.items():
        rows = table[table["base"] == base]
        rows = rows.assign(extension=rows["prune.levels"], network=network)
        if network == "3":
            rows = rows.assign(extension=rows["extension"] - SHIFT)
            rows = rows[(rows["extension"] >= 0) & (rows["available"] >= READ_TO)]
        parts.append(rows)
    return pd.concat(parts, ignore_index=True)


def trajectories(rate: float = 0.32, highest: dict[str, int] | None = None) -> pd.DataFrame:
    """The size of every extended network.

    Args:
        rate: share of the remaining weights removed per level, in (0, 1).
        highest: the highest extension level by family, default the thesis'.

    Returns:
        Columns ``network, extension, width, weights``.
    """
    rows = []
    for network, top in (highest or HIGHEST).items():
        base = [int(width) for width in NETWORKS[network].split("-")]
        shift = SHIFT if network == "3" else 0
        for level, shape in enumerate(pruning.extend(base, rate, top + shift)[shift:]):
            sizes = {"width": shape[1], "weights": n_weights(shape)}
            rows.append({"network": network, "extension": level, **sizes})
    return pd.DataFrame(rows)


def runs_with_layers(runs: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The runs whose layers are looked at.

    Args:
        runs: as ``outcomes.outcomes`` of :func:`readings`.

    Returns:
        The widest three-layer runs, those that separated if there are any; and one-layer runs of
        few seeds and some sizes, all if there are none of these.
    """
    deep, shallow = runs[runs["network"] == "3mini"], runs[runs["network"] == "1"]
    deep = deep[deep["extension"] == deep["extension"].max()]
    if deep["level"].notna().any():
        deep = deep.dropna(subset=["level"])
    few = (shallow["seed"] <= 5) & shallow["extension"].isin([2, 5, 8, 11, 14, 16])
    return deep, shallow[few] if few.any() else shallow


def layers(results: Store, runs: Iterable[str]) -> pd.DataFrame:
    """What every layer of finished runs looks like at every level.

    Args:
        results: the store of the runs.
        runs: their ids.

    Returns:
        One row per ``run, level, layer`` (0: the inputs): the ``available`` and ``active`` weights
        that leave the layer, missing for the outputs, and the share of its neurons decided, seen
        from the outputs and from the inputs: ``decided_outputs, decided_inputs``.
    """
    parts = [_layers_at(level) for level in masks_by_level(results, runs)]
    return pd.concat(parts, ignore_index=True)


def _layers_at(at: LevelMasks) -> pd.DataFrame:
    """The rows of :func:`layers` for one run and level."""
    available = [int(mask.sum()) for mask in at.masks]
    active = [int((states == ACTIVE).sum()) for states in weight_states(at.masks)]
    return pd.DataFrame(
        {
            "run": at.run,
            "level": at.level,
            "layer": range(len(available) + 1),
            "available": [*available, np.nan],
            "active": [*active, np.nan],
            "decided_outputs": decided(at.masks, at.tasks, seen_from="outputs")[0].tolist(),
            "decided_inputs": decided(at.masks, at.tasks, seen_from="inputs")[0].tolist(),
        }
    )


def layerwise(table: pd.DataFrame) -> pd.DataFrame:
    """The runs of one-layer networks pruned layer by layer.

    Args:
        table: their level rows.

    Returns:
        As ``outcomes.outcomes``, with the column ``extension``.
    """
    name = "one hidden layer, pruned layer by layer"
    return outcomes(table.assign(network=name, extension=table["prune.levels"]))


def variants(runs: pd.DataFrame, column: str = "variant") -> pd.DataFrame:
    """Does a change of the experiment change the share that separates?

    Args:
        runs: as ``outcomes.outcomes``, with a column that names the change.
        column: its name.

    Returns:
        One row per change: ``separated`` of ``runs`` on ``draws`` of the data, the ``share`` and
        its ``difference`` from the runs named ``as the thesis``, each with its interval, and the
        ``median_loss`` at separation. Empty where there are no such runs.
    """
    runs = runs.assign(apart=runs["outcome"].isin(SEPARATED).astype(float))
    usual = runs[runs[column] == AS_THE_THESIS]
    rows = []
    for name, at in runs.groupby(column, sort=False) if len(usual) else ():
        difference = (0.0, np.nan, np.nan)
        if name != AS_THE_THESIS:
            difference = clustered_difference(
                at["apart"], at["draw"], usual["apart"], usual["draw"]
            )
        rows.append(
            {
                column: name,
                "separated": int(at["apart"].sum()),
                "runs": len(at),
                "draws": at["draw"].nunique(),
                **columns("share", clustered_share(at["apart"], at["draw"])),
                **columns("difference", difference),
                "median_loss": at["loss"].median(),
            }
        )
    return pd.DataFrame(rows)


def separated_by_chance(structure: pd.DataFrame) -> pd.DataFrame:
    """How many runs separate at some level, and how many random masks at the same levels do.

    Args:
        structure: as ``nulls.structure``.

    Returns:
        One row per ``extension, kind, draw``: ``separated`` of ``masks``.
    """
    found = separations(structure).rename(columns={"levels": "extension"})
    groups = found.groupby(["extension", "kind", "draw"], observed=True)["level"]
    return groups.agg(separated="count", masks="size").reset_index()
