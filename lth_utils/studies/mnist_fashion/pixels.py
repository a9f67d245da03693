"""Tables and verdicts of notebook 02 on inputs: which pixels the remaining weights look at."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd

from lth_utils.connectivity import out_degrees
from lth_utils.runs.store import Store
from lth_utils.studies.reference import reference
from lth_utils.studies.statistics import mean_interval
from lth_utils.studies.verdict import Verdict, by_interval, in_numbers

CLAIM = "7"


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


def connected_inputs(correlation: pd.DataFrame) -> list[Verdict]:
    """Pixels that still have a weight, at the thesis' levels and sizes, once some have none.

    Args:
        correlation: as :func:`pixel_correlation`.
    """
    theirs = reference("input_connectivity")
    theirs["dense"] = theirs["inputs"] * theirs["network"].str.split("-").str[1].astype(int)
    names = {"pruning_level": "level", "inputs_connected": "theirs"}
    theirs = theirs.assign(network=theirs["dataset"]).rename(columns=names)
    first = correlation[correlation["level"] == 0].rename(columns={"available": "dense"})
    both = correlation.merge(first[["network", "dense"]]).merge(
        theirs[["network", "dense", "level", "theirs", "inputs"]]
    )
    both = both[both[["connected", "theirs"]].min(axis=1) < both["inputs"]]
    if both.empty:
        return []
    ratio = mean_interval(np.log(both["connected"] / both["theirs"]))
    ratio = tuple(np.exp(ratio))
    return [
        by_interval(
            CLAIM,
            "as many inputs are connected as in the thesis' pictures, within a tenth",
            ratio,
            (0.9, 1 / 0.9),
            theirs=f"{len(both)} pictures of {both['network'].nunique()} networks",
            ours=f"{in_numbers(ratio)} times theirs",
            test="mean of the ratios' logarithms over the pictures (Student)",
            n=both["network"].nunique(),
            draws=1,
            note="one run of each network, as theirs; levels of one run are not independent",
        )
    ]


def at_varying_pixels(correlation: pd.DataFrame) -> list[Verdict]:
    """How many levels of each network are beyond what random pixels give.

    Args:
        correlation: as :func:`pixel_correlation`.
    """
    rows = []
    pruned = correlation[correlation["level"] > 0]
    for name, at in pruned.groupby("network", sort=False):
        end = at.iloc[-1]
        excess = end["correlation"] - end[["correlation", "permuted_high", "permuted_low"]]
        beyond = int((at["correlation"] > at["permuted_high"]).sum())
        rows.append(
            by_interval(
                CLAIM,
                f"the remaining weights gather at the pixels that vary ({name}, last level)",
                tuple(excess),
                (0.0, np.inf),
                theirs="by eye",
                ours=f"rank correlation {end['correlation']:.2f}, chance up to "
                f"{end['permuted_high']:.2f}; beyond it at {beyond} of {len(at)} levels",
                test="permutation: less what 95 % of random pixels have",
                n=1,
                draws=1,
                note="one network",
            )
        )
    return rows


def _ranks(values: np.ndarray) -> np.ndarray:
    """Ranks of the last axis, centred and of length one; zero where all values are equal."""
    from scipy.stats import rankdata

    centred = rankdata(values, axis=-1)
    centred -= centred.mean(-1, keepdims=True)
    return centred / np.maximum(np.linalg.norm(centred, axis=-1, keepdims=True), 1e-12)
