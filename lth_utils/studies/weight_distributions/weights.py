"""Tables of notebook 06: the weights that survive."""

from __future__ import annotations

import functools
from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from lth_utils.config import RunSpec
from lth_utils.runs.store import Store
from lth_utils.runs.variants import surviving_weights


class SurvivingWeights:
    """The weights that tickets keep, before they are trained again.

    Args:
        results: the store of the runs.
        groups: as ``Parameters.groups``.
    """

    KEYS = ("network", "rounds", "reading")

    def __init__(self, results: Store, groups: Mapping[tuple, Sequence[RunSpec]]):
        self._results = results
        self._groups = groups

    @functools.cached_property
    def weights(self) -> dict[tuple, list[np.ndarray]]:
        """By network, rounds and reading (``initial`` or ``trained``), an array per trial."""
        weights = {}
        for (network, variant, rounds), specs in self._groups.items():
            if variant == "ticket":
                for reading, values in surviving_weights(self._results, specs).items():
                    weights[network, rounds, reading] = values
        return weights

    def histograms(self) -> pd.DataFrame:
        """As :func:`histograms`, between -0.25 and 0.25."""
        return histograms(self.weights, self.KEYS, np.linspace(-0.25, 0.25, 101))

    def moments(self) -> pd.DataFrame:
        """As :func:`moments`."""
        return moments(self.weights, self.KEYS)


def histograms(
    weights: Mapping[tuple, Sequence[np.ndarray]], names: Sequence[str], bins: np.ndarray
) -> pd.DataFrame:
    """Densities of weights, averaged over the trials.

    Args:
        weights: by key, an array per trial.
        names: columns for the parts of a key.
        bins: edges; weights outside are not counted.

    Returns:
        Columns `names`, ``left`` and ``right`` of the bin, ``density``.
    """
    parts = []
    for key, trials in weights.items():
        shares = [np.histogram(values, bins)[0] / len(values) for values in trials]
        density = np.mean(shares, axis=0) / np.diff(bins)
        columns = {"left": bins[:-1], "right": bins[1:], "density": density}
        parts.append(pd.DataFrame({**dict(zip(names, key, strict=True)), **columns}))
    return pd.concat(parts, ignore_index=True)


def moments(weights: Mapping[tuple, Sequence[np.ndarray]], names: Sequence[str]) -> pd.DataFrame:
    """What distinguishes the distributions of weights, averaged over the trials.

    Args:
        weights: by key, an array per trial.
        names: columns for the parts of a key.

    Returns:
        Columns `names`, ``weights`` (their number), ``std, abs_min, abs_median`` and
        ``share_positive``.
    """
    rows = []
    for key, trials in weights.items():
        means = pd.DataFrame([_moments(values) for values in trials]).mean()
        rows.append({**dict(zip(names, key, strict=True)), **means})
    return pd.DataFrame(rows)


def _moments(values: np.ndarray) -> dict[str, float]:
    sizes = np.abs(values)
    return {
        "weights": len(values),
        "std": float(values.std()),
        "abs_min": float(sizes.min()),
        "abs_median": float(np.median(sizes)),
        "share_positive": float((values > 0).mean()),
    }
