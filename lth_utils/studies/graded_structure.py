"""Does graded structure announce a separation levels ahead?"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
import pandas as pd
import torch
from torch import Tensor

from lth_utils.config import SpecError, rng
from lth_utils.connectivity import (
    block_share,
    decided,
    degree_preserving,
    nested_random_masks,
)
from lth_utils.connectivity.modularity import active_matrices, graded, lambda2
from lth_utils.runs.history import History
from lth_utils.runs.store import Store
from lth_utils.studies import statistics

NULLS = ("counts", "degrees")
"""Random masks with as many active weights in each layer; those that also keep every unit's."""

MOST_WEIGHTS = 4096
"""Levels with more active weights are left out: they take long, and hardly differ yet."""

SIGNS = {
    "lambda2": -1,
    "lambda2_z_counts": -1,
    "lambda2_z_degrees": -1,
    "n_cut": -1,
    "modularity": 1,
    "purity": 1,
    "block_share": 1,
    "block_share_z_degrees": 1,
    "decided": 1,
    "active": -1,
    "loss": -1,
}
"""What is compared, and whether a run that will separate should have more (1) or less (-1) of it.
The last three are what was known before: task-specific units, active weights, test loss."""

FEWEST_PAIRS = 10
"""A draw of the data with fewer pairs of runs says too little to count as much as the others."""

ABOUT = ["run", "base", "levels", "draw", "level", "status"]


def graded_levels(
    results: Store,
    runs: Iterable[str],
    last: int = 8,
    nulls: int = 5,
    louvain: bool = True,
) -> pd.DataFrame:
    """Graded structure of the last levels of runs, and of random masks beside them.

    Args:
        results: the store of the runs.
        runs: ids of finished runs of dense networks.
        last: how many levels before the run's last possible one are measured, that one besides.
        nulls: random masks of each kind for each mask, 2 or more.
        louvain: whether to find communities, which takes longer than all else.

    Returns:
        One row per run and level: the ``base, levels`` of its spec, the ``draw`` of its data (0
        where it has none), the ``level``, its ``status``, and the columns of :data:`SIGNS`.
        ``_z_`` is the difference from the mean of a null in its standard deviations.

    Raises:
        SpecError: `nulls` below 2, or a run of a convolutional network.
    """
    if nulls < 2:
        raise SpecError(f"nulls is {nulls}; allowed: 2 or more")
    rows: list[dict] = []
    for run in runs:
        rows += _of_run(run, results.history(run), last, nulls, louvain)
    return pd.DataFrame(rows, columns=[*ABOUT, *SIGNS])


def _of_run(run: str, history: History, last: int, nulls: int, louvain: bool) -> list[dict]:
    """The rows of one run."""
    spec, table = history.spec, history.rows
    chosen = table["level"] >= spec.prune.levels - last
    levels = table["level"][chosen & (table["active"] <= MOST_WEIGHTS)].to_list()
    if not levels:
        return []
    by_level = history.masks()
    masks = [torch.cat([by_level[n][layer] for n in levels]) for layer in range(len(by_level[0]))]
    found = pd.DataFrame([vars(g) for g in graded(masks, history.tasks, louvain)])
    shares = decided(masks, history.tasks)[:, 1:-1].numpy()
    found["decided"] = np.nanmean(np.where(np.isnan(shares), 1.0, shares), 1)
    for name in ("active", "loss"):
        found[name] = table[name].to_numpy()[levels]
    scores = _null_scores(masks, history.tasks, found, nulls, rng(spec.seed, "graded", run))
    about = {
        "run": run,
        "base": "-".join(map(str, spec.base)),
        "levels": spec.prune.levels,
        "draw": dict(spec.data.options).get("seed", 0),
    }
    found = found.assign(**about, **scores, level=levels, status=table["status"][levels].to_list())
    return found.to_dict("records")


def _null_scores(
    masks: list[Tensor], tasks, found: pd.DataFrame, nulls: int, stream: np.random.Generator
) -> dict[str, np.ndarray]:
    """How many of a null's standard deviations each level lies from the null's mean."""
    scores = {}
    for kind, random in null_masks(active_matrices(masks), nulls, stream).items():
        shares = block_share(random, tasks)
        for name, values in (("lambda2", lambda2(random)), ("block_share", shares)):
            of_level = values.reshape(nulls, -1)
            with np.errstate(invalid="ignore", divide="ignore"):
                score = (found[name] - of_level.mean(0)) / of_level.std(0, ddof=1)
            # all alike: there is no scale to measure by
            scores[f"{name}_z_{kind}"] = score.where(np.isfinite(score)).to_numpy()
    return {name: values for name, values in scores.items() if name in SIGNS}


def null_masks(
    active: Sequence[Tensor], draws: int, stream: np.random.Generator
) -> dict[str, list[Tensor]]:
    """Random masks beside the active weights of networks.

    Args:
        active: as ``connectivity.modularity.active_matrices``, ``[M, O, I]``.
        draws: how many of each kind.
        stream: where they are drawn from.

    Returns:
        By kind, see :data:`NULLS`, bool ``[draws * M, O, I]``: one draw of all after the other.
    """
    repeated = [(matrix > 0).repeat(draws, 1, 1) for matrix in active]
    everywhere = [torch.ones_like(mask) for mask in repeated]
    return {
        "counts": nested_random_masks([everywhere, repeated], stream)[1],
        "degrees": degree_preserving(repeated, stream),
    }


def announcements(
    levels: pd.DataFrame, horizons: Sequence[int] = (1, 2, 3, 4, 5, 6), by: Sequence[str] = ()
) -> pd.DataFrame:
    """How well each measure tells runs that will separate from runs that never will.

    A run that first separates at level s is looked at at level s - h, and compared with the runs of
    the same size, on the same draw of the data, at the same level, that never separate.  All of
    them are interconnected there, and have the same number of available weights.

    Args:
        levels: as :func:`graded_levels`.
        horizons: numbers of levels h.
        by: further columns that say which runs belong together, such as ``base``.

    Returns:
        One row per horizon and measure: the chance ``auc`` that the measure is on the right side of
        a pair, on average over the draws that have :data:`FEWEST_PAIRS`, with its interval
        (``_low, _high``); the number of runs that separate ``separating``, of their ``pairs`` and
        of ``draws``.
    """
    apart = levels[levels["status"] == "separated"]
    first = apart.groupby("run")["level"].min()
    table = levels.assign(separates_at=levels["run"].map(first))
    table = table[table["status"] == "interconnected"]
    groups = [(None, table)] if not by else list(table.groupby(list(by)))
    rows = []
    for place, group in groups:
        about = {} if not by else dict(zip(by, place, strict=True))
        never = group[group["separates_at"].isna()]
        for horizon in horizons:
            cases = group[group["separates_at"] - group["level"] == horizon]
            pairs = cases.merge(
                never, on=["base", "levels", "draw", "level"], suffixes=("", "_never")
            )
            rows += [{**about, "horizon": horizon, **_announced(pairs, name)} for name in SIGNS]
    return pd.DataFrame(rows)


def _announced(pairs: pd.DataFrame, name: str) -> dict:
    """One measure at one horizon."""
    own = pairs[["run", "draw", name, f"{name}_never"]].dropna()
    difference = SIGNS[name] * (own[name] - own[f"{name}_never"])
    wins = (difference > 0) + 0.5 * (difference == 0)
    enough = own.groupby("draw")["run"].transform("size") >= FEWEST_PAIRS
    own, wins = own[enough], wins[enough]
    of_draws = wins.groupby(own["draw"]).mean()
    value, *ends = statistics.mean_interval(of_draws.to_numpy())
    low, high = np.clip(ends, 0, 1).tolist()
    return {
        "measure": name,
        **statistics.columns("auc", (value, low, high)),
        "separating": own["run"].nunique(),
        "pairs": len(own),
        "draws": len(of_draws),
    }
