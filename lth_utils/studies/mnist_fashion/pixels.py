"""Tables of notebook 02 on inputs: which pixels the remaining weights look at."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd

from lth_utils.connectivity import out_degrees
from lth_utils.runs.store import Store


def pixels(results: Store, runs: Mapping[str, str]) -> pd.DataFrame:
    """How many weights leave each pixel, at every level.

    Args:
        results: the store of the runs.
        runs: run ids by name.

    Returns:
        Columns ``network`` (the name), ``level, pixel, available, active``.
    """
    parts = []
    for name, run in runs.items():
        for level, masks in enumerate(results.masks(run)):
            available, active = out_degrees(masks)
            columns = {"pixel": range(len(available)), "available": available, "active": active}
            parts.append(pd.DataFrame({"network": name, "level": level, **columns}))
    return pd.concat(parts, ignore_index=True)


def pixel_correlation(
    degrees: pd.DataFrame, variances: Mapping[str, np.ndarray], draws: int = 200
) -> pd.DataFrame:
    """Spearman's rank correlation of a pixel's active outgoing weights with its variance.

    Args:
        degrees: as :func:`pixels`.
        variances: by network, ``[pixels]``.
        draws: how often the weights are put on random pixels.

    Returns:
        One row per ``network, level``: weights ``available, active``, pixels ``connected``, the
        ``correlation``, and ``permuted_low, permuted_high`` between which 95 % of the correlations
        lie when as many weights fall on random places of the layer.
    """
    generator, rows = np.random.default_rng(0), []
    dense = degrees[degrees["level"] == 0].groupby("network")["available"].max()
    for (network, level), at in degrees.groupby(["network", "level"], sort=False):
        variance, count = _ranks(variances[network]), int(at["active"].sum())
        places = np.full(len(at), int(dense[network]))
        random = generator.multivariate_hypergeometric(
            places, count, size=draws, method="marginals"
        )
        low, high = np.percentile(_ranks(random) @ variance, [2.5, 97.5])
        rows.append(
            {
                "network": network,
                "level": level,
                "available": int(at["available"].sum()),
                "active": count,
                "connected": int((at["active"] > 0).sum()),
                "correlation": float(_ranks(at["active"].to_numpy()) @ variance),
                "permuted_low": float(low),
                "permuted_high": float(high),
            }
        )
    return pd.DataFrame(rows)


def _ranks(values: np.ndarray) -> np.ndarray:
    """Ranks of the last axis, centred and of length one; zero where all values are equal."""
    from scipy.stats import rankdata

    centred = rankdata(values, axis=-1)
    centred -= centred.mean(-1, keepdims=True)
    return centred / np.maximum(np.linalg.norm(centred, axis=-1, keepdims=True), 1e-12)
