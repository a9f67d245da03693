"""Claim 5 as a prediction: when does global pruning take the last weights into the outputs?

Layer collapse: pruned by magnitude over all layers at once, a network loses the layer of the
smallest weights first (Tanaka et al. 2020).  In wide networks of one hidden layer that is the layer
into the outputs, whose initial weights shrink with the width.  How many of its weights are expected
to be left is computed here from initialisation and training, and nothing in it is fitted.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from lth_utils import pruning
from lth_utils.config import RunSpec, run_id
from lth_utils.studies import statistics

Condition = tuple[float, float, int]
"""Gain of the output weights, learning rate, and cap on the epochs of one training."""

COLUMNS = ["condition", "gain", "lr", "cap", "extension", "width", "epochs", "runs", "draws"]
COLUMNS += ["separated", "share", "share_low", "share_high", "expected", "log10_expected"]
"""Columns of :func:`collapse_table`."""

AS_GOOD = 0.1
"""Rank correlations that differ by no more count as equal; stated before the runs."""

FALLS = 0.3
"""Within conditions the share falls with the extension level if they correlate by more; so too."""


def log10_output_weights(
    shape: Sequence[int], left: int, *, gain: float = 1.0, lr: float = 1e-3, steps: float = 0
) -> float:
    """The logarithm of the number of output weights expected to be left.

    Trained weights of a layer are taken for normal with variance σ² + m²: σ² is that of their
    initial values, 2 / inputs, for the outputs times gain²; and m = lr √steps, how far Adam
    walks whose steps of length lr have random signs.  The largest `left` weights of both layers
    stay.

    Args:
        shape: inputs, hidden units, outputs.
        left: weights that are left, 1 or more.
        gain: factor of the initial output weights.
        lr: learning rate.
        steps: steps of one training.

    Returns:
        The logarithm to base 10, since the number itself may be too small for a float.

    Source:
        Tanaka et al. 2020, on layer collapse under magnitude pruning.

    >>> round(log10_output_weights((4, 20, 2), 120), 6) == round(math.log10(40), 6)
    True
    """
    from scipy.optimize import brentq  # slow to import
    from scipy.special import log_ndtr, ndtr

    inputs, hidden, outputs = shape
    drift = lr**2 * steps
    into_hidden = math.sqrt(2 / inputs + drift)
    into_outputs = math.sqrt(gain**2 * 2 / hidden + drift)

    def beyond(threshold: float) -> float:
        """How many weights are larger in magnitude, less those that are to be left."""
        first = 2 * inputs * hidden * ndtr(-threshold / into_hidden)
        return first + 2 * hidden * outputs * ndtr(-threshold / into_outputs) - left

    threshold = 0.0
    if beyond(0) > 0:
        threshold = brentq(beyond, 0, 40 * max(into_hidden, into_outputs))
    tail = math.log(2 * hidden * outputs) + log_ndtr(-threshold / into_outputs)
    return float(tail / math.log(10))


def expected_output_weights(shape: Sequence[int], left: int, **options: float) -> float:
    """As :func:`log10_output_weights`, the number itself; 0 where a float cannot hold it."""
    return 10 ** log10_output_weights(shape, left, **options)


def collapse_table(
    levels_table: pd.DataFrame, groups: Mapping[Condition, Sequence[RunSpec]]
) -> pd.DataFrame:
    """How many networks separated beside the output weights expected to be left.

    Args:
        levels_table: level rows of the runs, as ``Store.table``.
        groups: runs of one hidden layer by condition, the usual one first, as
            ``Parameters.collapsing``.

    Returns:
        One row per condition and extension level with finished runs: ``condition`` in words and
        numbers, the ``width``; the median ``epochs`` of the dense trainings of the condition; how
        many of the ``runs`` on how many ``draws`` of the data ever ``separated``, their ``share``
        with its interval, and the output weights ``expected`` to be left, also as ``log10``.
    """
    rows = []
    for condition, specs in groups.items():
        of_runs = {run_id(spec): spec for spec in specs}
        table = levels_table[levels_table["run"].isin(of_runs)]
        epochs = table.loc[table["level"] == 0, "epochs"].median()
        for extension, cell in table.groupby("prune.levels"):
            spec = of_runs[cell["run"].iloc[0]]
            about = _about(condition, next(iter(groups))) | {
                "extension": int(extension),
                "epochs": epochs,
            }
            rows.append(about | _predicted(spec, epochs) | _separated(cell))
    return pd.DataFrame(rows, columns=COLUMNS)


def _about(condition: Condition, usual: Condition) -> dict:
    """A condition in words, by what differs from the usual one, and in numbers."""
    names = ("initial output weights × {:g}", "learning rate {:g}", "at most {:g} epochs")
    changes = [
        name.format(value)
        for name, value, normal in zip(names, condition, usual, strict=True)
        if value != normal
    ]
    words = ", ".join(changes) or "as the thesis"
    return {"condition": words, **dict(zip(("gain", "lr", "cap"), condition, strict=True))}


def _predicted(spec: RunSpec, epochs: float) -> dict:
    """The width of a run's network, and the output weights expected to be left of it."""
    shape, kept = pruning.plan(spec)
    points = dict(spec.data.options)["n_samples"]
    steps = epochs * math.ceil(points / spec.train.batch_size)
    widths = [width for width in shape if isinstance(width, int)]  # of dense layers
    options = {"gain": spec.output_gain, "lr": spec.train.lr, "steps": steps}
    log10 = log10_output_weights(widths, kept[-1], **options)
    return {"width": widths[1], "log10_expected": log10, "expected": 10**log10}


def _separated(cell: pd.DataFrame) -> dict:
    """How many runs ever separated."""
    draws = cell["data.seed"] if "data.seed" in cell else pd.Series(0, cell.index)
    apart = (cell["status"] == "separated").groupby([draws.rename("draw"), cell["run"]]).any()
    of_run = apart.reset_index(name="apart")
    share = statistics.clustered_share(of_run["apart"].to_numpy(), of_run["draw"].to_numpy())
    counts = {"runs": len(of_run), "draws": of_run["draw"].nunique()}
    return counts | {"separated": int(apart.sum())} | statistics.columns("share", share)


def half_points(table: pd.DataFrame) -> pd.DataFrame:
    """Where half of the networks that can separate still do, by condition.

    Args:
        table: as :func:`collapse_table`.

    Returns:
        One row per condition: its largest share ``peak`` and the last extension level that reaches
        it, ``peak_extension``; and, between the two levels beyond that where the share falls to
        half of the peak, the ``extension`` level and the ``log10_expected`` output weights,
        interpolated linearly.  NaN where it never falls so far, or none separated.
    """
    rows = []
    for condition, cells in table.groupby("condition", sort=False):
        cells = cells.sort_values("extension")
        peak = cells["share"].max()
        reached = cells.loc[cells["share"] == peak, "extension"].iloc[-1]
        falling = cells[cells["extension"] >= reached]
        found = {"condition": condition, "peak": peak, "peak_extension": reached}
        for column in ("extension", "log10_expected"):
            found[column] = _at_half(falling["share"].to_numpy(), falling[column].to_numpy(float))
        rows.append(found)
    names = ["condition", "peak", "peak_extension", "extension", "log10_expected"]
    return pd.DataFrame(rows, columns=names)


def _at_half(shares: np.ndarray, values: np.ndarray) -> float:
    """The value at which shares first fall to half of the first one; NaN where they do not."""
    half = shares[0] / 2
    below = np.flatnonzero(shares <= half)
    if not len(below) or not half:
        return np.nan
    after = below[0]
    high, low = shares[after - 1], shares[after]
    return float(np.interp(half, [low, high], [values[after], values[after - 1]]))


def rank_correlations(table: pd.DataFrame) -> dict:
    """Does the computed number order the shares of all conditions, as the level does within each?

    Args:
        table: as :func:`collapse_table`.

    Returns:
        Spearman's correlation with the share, over all cells, of the ``computed`` number and of the
        ``extension`` level; the same beyond each condition's peak, ``_falling``, since the smallest
        networks do not separate for another reason; ``within``, the mean over the conditions of
        that of the computed number, within which it only follows the level; the number of
        ``cells`` and ``cells_falling``.  The ``finding`` is ``one curve`` where ``computed`` is as
        large as ``within``; else ``less scatter`` where it is larger than that of the level, or
        ``scatter``; and ``cannot tell`` where the shares do not fall within the conditions.
    """
    peaks = half_points(table).set_index("condition")["peak_extension"]
    falling = table[table["extension"] >= table["condition"].map(peaks)]
    found: dict = {"cells": len(table), "cells_falling": len(falling)}
    for name, column in {"computed": "log10_expected", "extension": "extension"}.items():
        found[name] = _spearman(table, column)
        found[f"{name}_falling"] = _spearman(falling, column)
    of_each = [_spearman(rows, "log10_expected") for _, rows in table.groupby("condition")]
    found["within"] = float(pd.Series(of_each, dtype=float).mean())
    return found | {"finding": _finding(found)}


def _finding(found: dict) -> str:
    """What the correlations say, in words."""
    if not found["within"] > FALLS:  # also where it is not known
        return "cannot tell"
    if found["computed"] >= found["within"] - AS_GOOD:
        return "one curve"
    if found["computed"] > abs(found["extension"]) + AS_GOOD:
        return "less scatter"
    return "scatter"


def _spearman(table: pd.DataFrame, column: str) -> float:
    """The rank correlation of a column with the share; NaN where either does not vary."""
    from scipy.stats import spearmanr

    if table[column].nunique() < 2 or table["share"].nunique() < 2:
        return np.nan
    return float(spearmanr(table[column], table["share"]).statistic)
