"""Tables of notebook 04: runs with the size of their networks."""

from __future__ import annotations

import pandas as pd

from lth_utils.networks.layers import n_weights


def with_sizes(runs: pd.DataFrame, target: int) -> pd.DataFrame:
    """Runs with the columns ``width`` and ``rate``.

    Args:
        runs: as ``outcomes.outcomes``.
        target: weights left after the last level.

    Returns:
        `runs` with the width of the hidden layers, and the effective share of the remaining weights
        that is removed per level; missing where nothing is pruned.
    """
    shapes = runs["base"].str.split("-")
    weights = {}
    for base in runs["base"].unique():
        weights[base] = n_weights([int(width) for width in base.split("-")])
    left, levels = target / runs["base"].map(weights), runs["levels"].where(runs["levels"] > 0)
    return runs.assign(width=shapes.str[1].astype(int), rate=1 - left ** (1 / levels))
