"""Tables of notebook 11: who separates at equal budget, and accuracies at equal sizes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import numpy as np
import pandas as pd

from lth_utils.config import RunSpec
from lth_utils.connectivity import decided
from lth_utils.runs.store import Store
from lth_utils.studies.groups import labels
from lth_utils.studies.masks import masks_by_level
from lth_utils.studies.other_sparsifiers.anchors import KNOWN
from lth_utils.studies.other_sparsifiers.ways import IN_TRAINING, WAYS, kind_of
from lth_utils.studies.statistics import (
    clustered_difference,
    clustered_mean,
    clustered_share,
    columns,
    mean_interval,
    median_interval,
    share,
)


def levels(results: Store, specs: Sequence[RunSpec]) -> pd.DataFrame:
    """Level rows of runs as ``Store.table``, without losses: of these nothing is asked here."""
    table = results.table(specs)
    return table.drop(columns=[name for name in table if "loss" in name])


def points(table: pd.DataFrame, groups: Mapping[str, Iterable[RunSpec]], least: float):
    """Level rows of the runs on points, with what is compared.

    Args:
        table: as :func:`levels`.
        groups: runs by way.
        least: a task of lower accuracy counts as lost.

    Returns:
        Columns ``way, kind, run, draw, seed, level, available, active, status, accuracy``; whether
        a task is ``lost``; and whether the network is ``apart``: separated without a lost task.
        Runs whose mask changes in training have no row of their dense level.
    """
    rows = table[table["run"].isin(labels(groups))]
    rows = rows.assign(way=rows["run"].map(labels(groups)), draw=rows["data.seed"])
    rows["kind"] = rows["way"].map(kind_of)
    rows = rows[(rows["kind"] != IN_TRAINING) | (rows["level"] > 0)]
    tasks = [name for name in rows if name.startswith("accuracy_")]
    rows["lost"] = rows[tasks].min(axis=1) < least
    rows["apart"] = (rows["status"] == "separated") & ~rows["lost"]
    names = ["way", "kind", "run", "draw", "seed", "level", "available", "active", "status"]
    return rows[[*names, "accuracy", "lost", "apart"]].reset_index(drop=True)


def by_budget(rows: pd.DataFrame) -> pd.DataFrame:
    """What each way has at each number of weights.

    Args:
        rows: as :func:`points`.

    Returns:
        One row per ``way`` (in the order of ``WAYS``) and ``available``: its ``kind``, ``runs``,
        ``draws``, the shares ``apart`` and ``lost`` with their intervals, and the mean
        ``accuracy`` with its own; the draw of the data is a random factor.
    """
    found = []
    for (way, available), own in rows.groupby(["way", "available"]):
        found.append(
            {
                "way": way,
                "kind": kind_of(way),
                "available": available,
                "runs": len(own),
                "draws": own["draw"].nunique(),
                **columns("apart", clustered_share(own["apart"], own["draw"])),
                **columns("lost", clustered_share(own["lost"], own["draw"])),
                **columns("accuracy", clustered_mean(own["accuracy"], own["draw"])),
            }
        )
    return _in_order(pd.DataFrame(found))


def at_any_level(rows: pd.DataFrame) -> pd.DataFrame:
    """Whether each run was apart at some level: columns ``way, run, draw, apart``."""
    keys = ["way", "run", "draw"]
    return rows.groupby(keys, sort=False)["apart"].any().reset_index()


def beside_tickets(rows: pd.DataFrame) -> pd.DataFrame:
    """By how much tickets differ from every other way at the smallest budget, within draws.

    Args:
        rows: as :func:`points`.

    Returns:
        One row per way: the difference of the shares ``apart`` and of the mean ``accuracy``,
        tickets less the way, with their intervals, and ``draws`` and ``runs``.
    """
    last = rows[rows["available"] == rows["available"].min()]
    tickets, found = last[last["way"] == "tickets"], []
    for way, own in last.groupby("way"):
        if way == "tickets":
            continue
        about = {"way": way, "runs": len(own), "draws": own["draw"].nunique()}
        for name in ("apart", "accuracy"):
            pairs = (tickets[name], tickets["draw"], own[name], own["draw"])
            about |= columns(name, clustered_difference(*pairs))
        found.append(about)
    return _in_order(pd.DataFrame(found))


def _in_order(table: pd.DataFrame) -> pd.DataFrame:
    """Rows in the order of ``WAYS``, the most weights first."""
    by = ["way", "available"] if "available" in table else ["way"]
    places = {way: place for place, way in enumerate(WAYS)}
    order = table.assign(way=table["way"].map(places), available=-table.get("available", 0))
    return table.loc[order.sort_values(by).index].reset_index(drop=True)


def compressions(found: pd.DataFrame) -> pd.DataFrame:
    """Effective compression of each way, beside the anchors.

    Args:
        found: as ``anchors.effective_compression``.

    Returns:
        One row per way and compression: ``runs``, how many are ``dead``, the ``effective``
        compression (median of the runs, infinite where most are dead) with the interval of the
        median; and of the anchors ``known``, ``known_dead`` and ``known_runs``.
    """
    rows = []
    for (way, compression), own in found.groupby(["way", "compression"], sort=False):
        about = {"way": way, "compression": compression, "runs": len(own)}
        ends = median_interval(own["effective"])
        rows.append(about | {"dead": int(own["dead"].sum())} | columns("effective", ends))
    names = {"effective": "known", "dead": "known_dead", "runs": "known_runs"}
    known = KNOWN.rename(columns=names)
    return pd.DataFrame(rows).merge(known, on=["way", "compression"], how="left")


def images(table: pd.DataFrame, groups: Mapping[str, Iterable[RunSpec]]) -> pd.DataFrame:
    """Level rows of the image runs: ``way, seed, level, available, active, accuracy``, and direct
    and ``effective`` compression (infinite where nothing is active)."""
    rows = table[table["run"].isin(labels(groups))]
    rows = rows.assign(way=rows["run"].map(labels(groups)))
    dense = rows["available"].max()
    rows["compression"] = dense / rows["available"]
    rows["effective"] = np.where(rows["active"] > 0, dense / rows["active"].clip(1), np.inf)
    names = ["way", "run", "seed", "level", "available", "active", "compression", "effective"]
    return rows[[*names, "accuracy"]].reset_index(drop=True)


def accuracy_at(rows: pd.DataFrame, sizes: Sequence[float], axis: str) -> pd.DataFrame:
    """Accuracy of each run at given compressions, between its levels on a logarithmic scale.

    Args:
        rows: as :func:`images`.
        sizes: compressions.
        axis: ``compression`` or ``effective``.

    Returns:
        Columns ``way, seed, axis, size, accuracy``; NaN beyond a run's last level with a path.
    """
    found = []
    for (way, seed), own in rows.groupby(["way", "seed"], sort=False):
        own = own[np.isfinite(own[axis])].sort_values("level")
        values = np.interp(np.log(sizes), np.log(own[axis]), own["accuracy"], right=np.nan)
        for size, value in zip(sizes, values, strict=True):
            found.append((way, seed, axis, size, value))
    return pd.DataFrame(found, columns=["way", "seed", "axis", "size", "accuracy"])


def mean_accuracies(accuracies: pd.DataFrame) -> pd.DataFrame:
    """Means of :func:`accuracy_at` over the seeds that have a value: with interval and ``runs``."""
    rows = []
    for (axis, way, size), own in accuracies.dropna().groupby(["axis", "way", "size"], sort=False):
        about = {"axis": axis, "way": way, "size": size, "runs": len(own)}
        rows.append(about | columns("accuracy", mean_interval(own["accuracy"])))
    return pd.DataFrame(rows)


def on_both_axes(rows: pd.DataFrame, counts: Sequence[int]) -> pd.DataFrame:
    """Mean accuracies over direct and over effective compression.

    Args:
        rows: as :func:`images`.
        counts: weights left at each level, the dense network's first.

    Returns:
        As :func:`mean_accuracies`: direct compression at the levels, effective compression at two
        sizes for each power of ten.
    """
    direct = [counts[0] / count for count in counts]
    most = rows.loc[np.isfinite(rows["effective"]), "effective"].max()
    sizes = [10 ** (n / 2) for n in range(int(2 * np.log10(most) + 1e-9) + 1)]
    parts = [
        accuracy_at(rows, direct, "compression"),
        accuracy_at(rows, sizes, "effective"),
    ]
    return mean_accuracies(pd.concat(parts, ignore_index=True))


def ever_apart(rows: pd.DataFrame) -> dict[str, tuple[int, int]]:
    """Per way how many runs separated at some level, and of how many; rows: ``way, run, status``"""
    runs = rows.assign(apart=rows["status"] == "separated").groupby(["way", "run"], sort=False)
    counts = runs["apart"].any().groupby("way", sort=False).agg(["sum", "size"])
    return {str(way): (int(count), int(total)) for way, count, total in counts.itertuples()}


def layer_shares(results: Store, groups: Mapping[str, Iterable[RunSpec]]) -> pd.DataFrame:
    """How task-specific each layer of units is at each level.

    Args:
        results: the store of the runs.
        groups: runs by way.

    Returns:
        One row per run, level and ``layer`` (0 for the inputs): ``way``, ``available`` weights, and
        the share of the layer's active units that lead to the outputs of exactly one task
        (``decided``, NaN where none is active).
    """
    names, rows = labels(groups), []
    for run, level, masks, tasks in masks_by_level(results, names):
        shares = decided(masks, tasks)[0].tolist()
        left = sum(int(mask.sum()) for mask in masks)
        for layer, value in enumerate(shares[:-1]):  # every output is a task's own
            rows.append((names[run], run, level, left, layer, value))
    return pd.DataFrame(rows, columns=["way", "run", "level", "available", "layer", "decided"])


def layer_means(rows: pd.DataFrame) -> pd.DataFrame:
    """Means of :func:`layer_shares` over the runs, by way, layer and number of weights."""
    found = []
    for (way, layer, left), own in rows.groupby(["way", "layer", "available"], sort=False):
        about = {"way": way, "layer": layer, "available": left, "runs": len(own)}
        found.append(about | columns("decided", mean_interval(own["decided"].dropna())))
    return pd.DataFrame(found)


def late_leads(rows: pd.DataFrame, status: pd.DataFrame) -> pd.DataFrame:
    """How much more of the last hidden layer is task-specific than of the first filters.

    Args:
        rows: as :func:`layer_shares`.
        status: columns ``run, seed`` of these runs, further rows and columns do not matter.

    Returns:
        A column per way, a row per ``seed`` and ``level``; NaN where no unit is active.
    """
    seeds = status.drop_duplicates("run").set_index("run")["seed"]
    keys = ["way", "seed", "level"]
    layers = rows.assign(seed=rows["run"].map(seeds))
    layers = layers.pivot(index=keys, columns="layer", values="decided")
    return (layers[layers.columns.max()] - layers[1]).unstack("way")


def shares_dead(found: pd.DataFrame) -> pd.DataFrame:
    """Dead networks of each way and compression, as ``strata.pooled_difference`` takes them."""
    rows = []
    for (way, compression), own in found.groupby(["way", "compression"], sort=False):
        count = int(own["dead"].sum())
        rows.append((f"{way}, {compression}", 0, count, len(own), *share(count, len(own))))
    names = ["stratum", "draw", "count", "runs", "share", "low", "high"]
    return pd.DataFrame(rows, columns=names)
