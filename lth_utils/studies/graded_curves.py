"""Graded structure level by level: of runs that separate, of others, and of random masks."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import pandas as pd
import torch

from lth_utils.config import rng
from lth_utils.connectivity.modularity import MEASURES, active_matrices, graded
from lth_utils.runs.store import Store
from lth_utils.studies import statistics
from lth_utils.studies.graded_structure import null_masks

GROUPS = ("separates later", "never separates", "same counts", "same degrees")
"""What has a curve: runs by what becomes of them, and two kinds of random masks beside them."""


def graded_curves(results: Store, runs: Iterable[str], nulls: int = 5) -> pd.DataFrame:
    """How graded structure changes while networks are pruned, as means of runs.

    A run counts from its dense network until it is neither interconnected nor separated; random
    masks are drawn for each of its levels.

    Args:
        results: the store of the runs.
        runs: ids of finished runs of dense networks, of one size.
        nulls: random masks of each kind for each mask.

    Returns:
        One row per group, level and measure of ``connectivity.modularity.MEASURES``: the mean
        ``value`` over the draws of the data with its interval (``_low, _high``), and the number
        of ``runs`` and of ``draws``.
    """
    parts = [_of_run(results, run, nulls) for run in runs]
    table = pd.concat(parts, ignore_index=True)
    rows = []
    for (group, level), of_level in table.groupby(["group", "level"]):
        for name in MEASURES:
            known = of_level.dropna(subset=name)
            of_draws = known.groupby("draw")[name].mean()
            interval = statistics.mean_interval(of_draws.to_numpy())
            rows.append(
                {
                    "group": group,
                    "level": level,
                    "measure": name,
                    **statistics.columns("value", interval),
                    "runs": known["run"].nunique(),
                    "draws": len(of_draws),
                }
            )
    return pd.DataFrame(rows)


def _of_run(results: Store, run: str, nulls: int) -> pd.DataFrame:
    """One row per group and level of one run, with the measures as columns."""
    history = results.history(run)
    status = history.rows["status"].to_numpy()
    usable = np.isin(status, ("interconnected", "separated"))
    last = len(status) if usable.all() else int(np.argmin(usable))
    by_level = history.masks()[:last]
    masks = [torch.cat([mask[layer] for mask in by_level]) for layer in range(len(by_level[0]))]
    drawn = null_masks(active_matrices(masks), nulls, rng(history.spec.seed, "curves", run))
    own = GROUPS[0] if "separated" in status[:last] else GROUPS[1]
    groups = {own: masks, GROUPS[2]: drawn["counts"], GROUPS[3]: drawn["degrees"]}
    about = {"run": run, "draw": dict(history.spec.data.options).get("seed", 0)}
    parts = []
    for group, of_group in groups.items():
        found = pd.DataFrame([vars(member) for member in graded(of_group, history.tasks)])
        found["level"] = np.arange(len(found)) % last
        parts.append(found.groupby("level", as_index=False).mean().assign(group=group, **about))
    return pd.concat(parts)
