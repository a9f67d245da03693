"""Trainings compared over several trials: curves by epoch, accuracies, paired differences.

A trial is one seed. Variants of one trial share its ticket, so differences are taken within it.
"""

from __future__ import annotations

import functools
from collections.abc import Mapping, Sequence

import pandas as pd

from lth_utils.config import RunSpec
from lth_utils.runs.store import Store
from lth_utils.studies.statistics import (
    add_corrected,
    columns,
    mean_interval,
    paired_test,
    share,
)


def label_curves(
    results: Store, groups: Mapping[tuple, Sequence[RunSpec]], names: Sequence[str]
) -> pd.DataFrame:
    """The recorded curves of groups of runs.

    Args:
        results: the store of the runs.
        groups: specs by key.
        names: columns for the parts of a key.

    Returns:
        As ``Store.curves``, with the columns `names`, ``seed`` and ``available``.
    """
    parts = []
    for key, specs in groups.items():
        about = results.table(list(specs))[["run", "level", "seed", "available"]]
        curves = results.curves(list(specs)).merge(about, on=["run", "level"])
        parts.append(curves.assign(**dict(zip(names, key, strict=True))))
    return pd.concat(parts, ignore_index=True)


class Curves:
    """The recorded curves of groups of runs, read when they are first needed.

    Args:
        results: the store of the runs.
        groups: specs by key.
        keys: columns for the parts of a key, and ``available``.
    """

    def __init__(
        self, results: Store, groups: Mapping[tuple, Sequence[RunSpec]], keys: Sequence[str]
    ):
        self._results = results
        self._groups = groups
        self._keys = keys

    @functools.cached_property
    def curves(self) -> pd.DataFrame:
        """As :func:`label_curves`."""
        return label_curves(self._results, self._groups, self._keys[:-1])

    def by_epoch(self) -> pd.DataFrame:
        """As :func:`by_epoch`."""
        return by_epoch(self.curves, self._keys)

    def summarise(self) -> pd.DataFrame:
        """As :func:`summarise_training`."""
        return summarise_training(self.curves, self._keys)


def by_epoch(curves: pd.DataFrame, keys: Sequence[str]) -> pd.DataFrame:
    """Curves averaged over the trials.

    Args:
        curves: as :func:`label_curves`.
        keys: what is averaged apart.

    Returns:
        One row per combination of `keys` and ``epoch``: the number of ``trials``, mean, minimum and
        maximum of ``accuracy`` and ``train_loss``, and the mean of the test ``loss``.
    """
    groups = curves.groupby([*keys, "epoch"], sort=False)
    ranges = groups[["accuracy", "train_loss"]].agg(["mean", "min", "max"])
    ranges.columns = [f"{name}_{which}" for name, which in ranges.columns]
    parts = [groups.size().rename("trials"), ranges, groups["loss"].mean()]
    return pd.concat(parts, axis=1).reset_index()


def summarise_training(curves: pd.DataFrame, keys: Sequence[str]) -> pd.DataFrame:
    """What each training reached.

    Args:
        curves: as :func:`label_curves`.
        keys: its columns that are kept.

    Returns:
        One row per combination of `keys` and run: the highest accuracy and its epoch
        (``best_accuracy, best_epoch``), those at the lowest test loss (``early_…``), the accuracy
        at the end (``final_accuracy``), and the lowest ``train_loss``.
    """
    index = [*keys, "seed", "run", "level"]
    groups = curves.groupby(index, sort=False)
    best = curves.loc[groups["accuracy"].idxmax()].set_index(index)[["accuracy", "epoch"]]
    early = curves.loc[groups["loss"].idxmin()].set_index(index)[["accuracy", "epoch"]]
    parts = [
        best.add_prefix("best_"),
        early.add_prefix("early_"),
        groups["accuracy"].last().rename("final_accuracy"),
        groups["train_loss"].min(),
    ]
    return pd.concat(parts, axis=1).reset_index()


def summary(means: pd.DataFrame, trained: pd.DataFrame, keys: Sequence[str]) -> pd.DataFrame:
    """What the mean curve of each key reaches, and the mean of what each trial reaches.

    Args:
        means: as :func:`by_epoch`.
        trained: as :func:`summarise_training`.
        keys: of both.

    Returns:
        One row per key: ``trials``; the largest mean ``accuracy`` and its ``epoch``; the mean of
        the trials' highest accuracies, ``best_accuracy``, and its interval ``best_low, best_high``;
        the mean ``final_accuracy``; the smallest mean ``train_loss``, its ``train_loss_epoch``.
    """
    rows, trials_by_key = [], trained.groupby(list(keys), sort=False)
    for key, at in means.groupby(list(keys), sort=False):
        trials = trials_by_key.get_group(key)
        top = at.loc[at["accuracy_mean"].idxmax()]
        low = at.loc[at["train_loss_mean"].idxmin()]
        mean, lower, upper = mean_interval(trials["best_accuracy"])
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
    trained: pd.DataFrame,
    keys: Sequence[str],
    column: str = "variant",
    base: str = "ticket",
    value: str = "best_accuracy",
) -> pd.DataFrame:
    """How much less accurate each variant is than `base`, trial by trial.

    Args:
        trained: as :func:`summarise_training`.
        keys: variants are compared within these.
        column: names the variant.
        base: the variant that the others are compared with.
        value: the accuracy that is compared.

    Returns:
        One row per combination of `keys` and variant: ``trials``, the mean ``accuracy_drop`` with
        its interval ``accuracy_drop_low, accuracy_drop_high``, the ``p`` of the paired test, and
        ``p_corrected``.
    """
    rows = []
    for key, at in trained.groupby(list(keys), sort=False):
        trials = at.pivot(index="seed", columns=column, values=value)
        names = [name for name in at[column].unique() if name != base]
        for name in names if base in trials else []:
            pairs = trials[[base, name]].dropna()
            drops = (pairs[base] - pairs[name]).to_numpy()
            rows.append(
                {
                    **dict(zip(keys, key, strict=True)),
                    column: name,
                    "trials": len(drops),
                    **columns("accuracy_drop", mean_interval(drops)),
                    "p": paired_test(drops),
                }
            )
    return add_corrected(pd.DataFrame(rows))


def mean_by_weights(trained: pd.DataFrame, keys: Sequence[str], value: str) -> pd.DataFrame:
    """Means over the trials by number of weights, with their interval.

    The interval is Student's, or Clopper and Pearson's where the values are true or false and the
    mean is a share.

    Args:
        trained: columns `keys`, ``available`` and `value`.
        keys: what is averaged apart.
        value: what is averaged.

    Returns:
        Columns `keys`, ``available, trials, mean, low, high``.
    """
    rows = []
    for key, at in trained.groupby([*keys, "available"], sort=False):
        values = at[value]
        if values.dtype == bool:
            estimate = share(values.sum(), len(values))
        else:
            estimate = mean_interval(values)
        rows.append((*key, len(values), *estimate))
    return pd.DataFrame(rows, columns=[*keys, "available", "trials", "mean", "low", "high"])


def melt_accuracies(trained: pd.DataFrame, measures: Mapping[str, str]) -> pd.DataFrame:
    """Each training once per way to read its accuracy.

    Args:
        trained: as :func:`summarise_training`.
        measures: the words for each column of accuracies.

    Returns:
        `trained` with ``measure`` (the words) and ``accuracy`` in place of those columns.
    """
    rest = trained[[name for name in trained if not name.endswith("_accuracy")]]
    parts = []
    for column, words in measures.items():
        parts.append(rest.assign(measure=words, accuracy=trained[column]))
    return pd.concat(parts, ignore_index=True)
