"""Trainings compared over several trials: curves by epoch, accuracies over what is left, differences with their uncertainty.

A trial is one seed; variants of one trial share its ticket, so their differences are taken within it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from lth_utils.config import RunSpec
from lth_utils.runs.store import Store
from lth_utils.studies.statistics import holm, interval, share


def label_curves(
    results: Store, groups: Mapping[tuple, Sequence[RunSpec]], columns: Sequence[str]
) -> pd.DataFrame:
    """The recorded curves of groups of runs, as ``Store.curves``, with the group's key as `columns`, the ``seed`` and the ``available`` weights."""
    parts = []
    for key, specs in groups.items():
        about = results.table(list(specs))[["run", "level", "seed", "available"]]
        parts.append(
            results.curves(list(specs))
            .merge(about, on=["run", "level"])
            .assign(**dict(zip(columns, key, strict=True)))
        )
    return pd.concat(parts, ignore_index=True)


def by_epoch(curves: pd.DataFrame, keys: Sequence[str]) -> pd.DataFrame:
    """Over the trials, per key and epoch: their number, mean and range of the accuracy and of the training loss, mean of the test loss."""
    groups = curves.groupby([*keys, "epoch"], sort=False)
    ranges = groups[["accuracy", "train_loss"]].agg(["mean", "min", "max"])
    ranges.columns = [f"{name}_{which}" for name, which in ranges.columns]
    return pd.concat(
        [groups.size().rename("trials"), ranges, groups["loss"].mean()], axis=1
    ).reset_index()


def summarise_training(curves: pd.DataFrame, keys: Sequence[str]) -> pd.DataFrame:
    """Per key and run: highest accuracy and its epoch, accuracy at the lowest test loss (``early``) and at the end, lowest training loss."""
    index = [*keys, "seed", "run", "level"]
    groups = curves.groupby(index, sort=False)
    top, low = curves.loc[groups["accuracy"].idxmax()], curves.loc[groups["loss"].idxmin()]
    parts = [
        top.set_index(index)[["accuracy", "epoch"]].add_prefix("best_"),
        low.set_index(index)[["accuracy", "epoch"]].add_prefix("early_"),
        groups["accuracy"].last().rename("final_accuracy"),
        groups["train_loss"].min(),
    ]
    return pd.concat(parts, axis=1).reset_index()


def summary(means: pd.DataFrame, found: pd.DataFrame, keys: Sequence[str]) -> pd.DataFrame:
    """Per key: the largest mean accuracy with its epoch, the smallest mean training loss with its, the mean of the trials' best with its interval.

    means: as :func:`by_epoch`; found: as :func:`summarise_training`.
    """
    rows = []
    for (key, at), (_, trials) in zip(
        means.groupby(list(keys), sort=False), found.groupby(list(keys), sort=False), strict=True
    ):
        top, low = at.loc[at["accuracy_mean"].idxmax()], at.loc[at["train_loss_mean"].idxmin()]
        mean, lower, upper = interval(trials["best_accuracy"])
        rows.append(
            {
                **dict(zip(keys, key, strict=True)),
                "trials": len(trials),
                "accuracy": top["accuracy_mean"],
                "epoch": int(top["epoch"]),
                "best_accuracy": mean,
                "best_low": lower,
                "best_high": upper,
                "final_accuracy": trials["final_accuracy"].mean(),
                "train_loss": low["train_loss_mean"],
                "train_loss_epoch": int(low["epoch"]),
            }
        )
    return pd.DataFrame(rows)


def paired_differences(
    found: pd.DataFrame,
    keys: Sequence[str],
    column: str = "variant",
    base: str = "ticket",
    value: str = "best_accuracy",
) -> pd.DataFrame:
    """How much less `value` each variant has than `base`, trial by trial: mean, 95 % interval, paired t-test corrected after Holm.

    found: as :func:`summarise_training`; keys: within which the base is looked for.
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
            rows.append(
                {
                    **dict(zip(keys, key, strict=True)),
                    column: name,
                    "trials": len(lost),
                    "lost": mean,
                    "lost_low": low,
                    "lost_high": high,
                    "p": p,
                }
            )
    table = pd.DataFrame(rows)
    table.loc[table["p"].notna(), "p_corrected"] = holm(table["p"].dropna())
    return table


def mean_by_weights(found: pd.DataFrame, keys: Sequence[str], value: str) -> pd.DataFrame:
    """Over the trials, per key and number of ``available`` weights: their number, ``mean`` of `value`, ``low`` and ``high`` of its 95 % interval.

    The interval is Student's, or Wilson's where the values are true or false and the mean is a share.
    """

    def estimate(values):
        return share(values.sum(), len(values)) if values.dtype == bool else interval(values)

    rows = [
        (*key, len(at), *estimate(at[value]))
        for key, at in found.groupby([*keys, "available"], sort=False)
    ]
    return pd.DataFrame(rows, columns=[*keys, "available", "trials", "mean", "low", "high"])


def melt_accuracies(found: pd.DataFrame, measures: Mapping[str, str]) -> pd.DataFrame:
    """Rows of :func:`summarise_training` once per way to read an accuracy: ``measure`` in words, ``accuracy``; measures: column to words."""
    rest = [c for c in found if not c.endswith("_accuracy")]
    return pd.concat(
        [
            found[rest].assign(measure=words, accuracy=found[column])
            for column, words in measures.items()
        ],
        ignore_index=True,
    )
