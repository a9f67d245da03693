"""Trainings compared over several trials: curves by epoch, accuracies over what is left, differences with their uncertainty.

A trial is one seed; variants of one trial share its ticket, so their differences are taken within it.
"""
from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from lth_utils.claims import holm, reference, share
from lth_utils.config import RunSpec
from lth_utils.store import Store

THEIRS = {"full": "full_Dinit", "ticket": "pruned_Dinit", "resampled, trained": "pruned_Dn", "remasked, trained": "randompruned_Dn"}
"""The variants of the course project's paper, by their names there; its code resamples trained weights, its text initial ones."""


def named(results: Store, groups: Mapping[tuple, Sequence[RunSpec]], columns: Sequence[str]) -> pd.DataFrame:
    """The recorded curves of groups of runs, as ``Store.curves``, with the group's key as `columns`, the ``seed`` and the ``available`` weights."""
    parts = []
    for key, specs in groups.items():
        about = results.table(list(specs))[["run", "level", "seed", "available"]]
        parts.append(results.curves(list(specs)).merge(about, on=["run", "level"]).assign(**dict(zip(columns, key, strict=True))))
    return pd.concat(parts, ignore_index=True)


def interval(values: Sequence[float]) -> tuple[float, float, float]:
    """Mean and its 95 % interval after Student; NaN for the interval of fewer than two values.

    >>> [round(v, 3) for v in interval([1.0, 2.0, 3.0])]
    [2.0, -0.484, 4.484]
    """
    from scipy import stats
    values = np.asarray(values, float)
    mean, n = values.mean(), len(values)
    half = stats.t.ppf(0.975, n - 1) * values.std(ddof=1) / np.sqrt(n) if n > 1 else np.nan
    return float(mean), float(mean - half), float(mean + half)


def by_epoch(curves: pd.DataFrame, keys: Sequence[str]) -> pd.DataFrame:
    """Over the trials, per key and epoch: their number, mean and range of the accuracy and of the training loss, mean of the test loss."""
    groups = curves.groupby([*keys, "epoch"], sort=False)
    ranges = groups[["accuracy", "train_loss"]].agg(["mean", "min", "max"])
    ranges.columns = [f"{name}_{which}" for name, which in ranges.columns]
    return pd.concat([groups.size().rename("trials"), ranges, groups["loss"].mean()], axis=1).reset_index()


def best(curves: pd.DataFrame, keys: Sequence[str]) -> pd.DataFrame:
    """Per key and run: highest accuracy and its epoch, accuracy at the lowest test loss (``early``) and at the end, lowest training loss."""
    index = [*keys, "seed", "run", "level"]
    groups = curves.groupby(index, sort=False)
    top, low = curves.loc[groups["accuracy"].idxmax()], curves.loc[groups["loss"].idxmin()]
    parts = [top.set_index(index)[["accuracy", "epoch"]].add_prefix("best_"), low.set_index(index)[["accuracy", "epoch"]].add_prefix("early_"),
             groups["accuracy"].last().rename("final_accuracy"), groups["train_loss"].min()]
    return pd.concat(parts, axis=1).reset_index()


def summary(means: pd.DataFrame, found: pd.DataFrame, keys: Sequence[str]) -> pd.DataFrame:
    """Per key: the largest mean accuracy with its epoch, the smallest mean training loss with its, the mean of the trials' best with its interval.

    means: as :func:`by_epoch`; found: as :func:`best`.
    """
    rows = []
    for (key, at), (_, trials) in zip(means.groupby(list(keys), sort=False), found.groupby(list(keys), sort=False), strict=True):
        top, low = at.loc[at["accuracy_mean"].idxmax()], at.loc[at["train_loss_mean"].idxmin()]
        mean, lower, upper = interval(trials["best_accuracy"])
        rows.append({**dict(zip(keys, key, strict=True)), "trials": len(trials), "accuracy": top["accuracy_mean"], "epoch": int(top["epoch"]),
                     "best_accuracy": mean, "best_low": lower, "best_high": upper, "final_accuracy": trials["final_accuracy"].mean(),
                     "train_loss": low["train_loss_mean"], "train_loss_epoch": int(low["epoch"])})
    return pd.DataFrame(rows)


def against(found: pd.DataFrame, keys: Sequence[str], column: str = "variant", base: str = "ticket", value: str = "best_accuracy") -> pd.DataFrame:
    """How much less `value` each variant has than `base`, trial by trial: mean, 95 % interval, paired t-test corrected after Holm.

    found: as :func:`best`; keys: within which the base is looked for.
    """
    from scipy import stats
    rows = []
    for key, at in found.groupby(list(keys), sort=False):
        trials = at.pivot(index="seed", columns=column, values=value)
        for name in [n for n in dict.fromkeys(at[column]) if n != base and base in trials]:
            pairs = trials[[base, name]].dropna()
            lost = (pairs[base] - pairs[name]).to_numpy()
            mean, low, high = interval(lost)
            p = stats.ttest_1samp(lost, 0).pvalue if len(lost) > 1 and lost.std() else np.nan
            rows.append({**dict(zip(keys, key, strict=True)), column: name, "trials": len(lost),
                         "lost": mean, "lost_low": low, "lost_high": high, "p": p})
    table = pd.DataFrame(rows)
    table.loc[table["p"].notna(), "p_corrected"] = holm(table["p"].dropna())
    return table


def their_loss(network: str, name: str, rounds: int) -> tuple[float, float, float] | None:
    """What a variant of the course project lost against its ticket, of the corrected accuracy: mean and 95 % interval after Welch, or None.

    network: ``mnist`` or ``cifar10``; their trials share no seed, so they are compared as two samples.
    """
    from scipy import stats
    table = reference("weight_distribution_trials").query("dataset == @network and prune_rounds_n == @rounds")
    base, other = (table.loc[table["variant"] == THEIRS.get(n), "max_acc_corrected_pct"] / 100 for n in ("ticket", name))
    if not len(base) or not len(other):
        return None
    ci = stats.ttest_ind(base, other, equal_var=False).confidence_interval(0.95)
    return float(base.mean() - other.mean()), float(ci.low), float(ci.high)


def histograms(weights: Mapping[tuple, Sequence[np.ndarray]], columns: Sequence[str], bins: np.ndarray) -> pd.DataFrame:
    """Densities of weights by key, averaged over the trials: `columns`, ``left`` and ``right`` of the bin, ``density``; outside is not counted."""
    parts = []
    for key, trials in weights.items():
        density = np.mean([np.histogram(w, bins)[0] / len(w) for w in trials], axis=0) / np.diff(bins)
        parts.append(pd.DataFrame({**dict(zip(columns, key, strict=True)), "left": bins[:-1], "right": bins[1:], "density": density}))
    return pd.concat(parts, ignore_index=True)


def moments(weights: Mapping[tuple, Sequence[np.ndarray]], columns: Sequence[str]) -> pd.DataFrame:
    """Per key, averaged over the trials: count, standard deviation, smallest and median size of the weights, share above zero."""
    rows = []
    for key, trials in weights.items():
        each = [(len(w), w.std(), np.abs(w).min(), np.median(np.abs(w)), (w > 0).mean()) for w in trials]
        rows.append(dict(zip((*columns, "weights", "std", "abs_min", "abs_median", "share_positive"), (*key, *np.mean(each, axis=0)), strict=True)))
    return pd.DataFrame(rows)


def over_weights(found: pd.DataFrame, keys: Sequence[str], value: str) -> pd.DataFrame:
    """Over the trials, per key and number of ``available`` weights: their number, ``mean`` of `value`, ``low`` and ``high`` of its 95 % interval.

    The interval is Student's, or Wilson's where the values are true or false and the mean is a share.
    """
    def estimate(values):
        return share(values.sum(), len(values)) if values.dtype == bool else interval(values)

    rows = [(*key, len(at), *estimate(at[value])) for key, at in found.groupby([*keys, "available"], sort=False)]
    return pd.DataFrame(rows, columns=[*keys, "available", "trials", "mean", "low", "high"])


def smallest(found: pd.DataFrame, keys: Sequence[str], within: float = 0.01) -> pd.DataFrame:
    """Per key and seed: the smallest ``share`` of weights down to which the accuracy stays at most `within` below the dense network's.

    found: as :func:`measured` with ``share``, which is 1 for the dense network.
    """
    def reach(at):
        at = at.sort_values("share", ascending=False)
        kept = (at["accuracy"] >= at["accuracy"].iloc[0] - within).cummin()
        return at.loc[kept, "share"].min()

    return found.groupby([*keys, "seed"], sort=False)[["share", "accuracy"]].apply(reach).rename("share").reset_index()


def measured(found: pd.DataFrame, measures: Mapping[str, str]) -> pd.DataFrame:
    """Rows of :func:`best` once per way to read an accuracy: ``measure`` in words, ``accuracy``; measures: column to words."""
    rest = [c for c in found if not c.endswith("_accuracy")]
    return pd.concat([found[rest].assign(measure=words, accuracy=found[column]) for column, words in measures.items()], ignore_index=True)


def ever(table: pd.DataFrame) -> pd.DataFrame:
    """How many runs were ``apart`` at some level: columns ``apart`` and ``runs``, one row per ``method``."""
    runs = table.groupby(["method", "run"], sort=False)["apart"].any()
    return runs.groupby("method", sort=False).agg(apart="sum", runs="size")
