"""Tables of notebook 07: sizes that keep the accuracy, and networks that separate."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pandas as pd

from lth_utils.studies.trials import melt_accuracies, paired_differences


def accuracies(trained: pd.DataFrame, measures: Mapping[str, str], dense: int) -> pd.DataFrame:
    """Accuracies of trainings by the share of weights that is left.

    Args:
        trained: as ``trials.summarise_training``.
        measures: the words for each column of accuracies.
        dense: weights of the network before pruning.

    Returns:
        As ``trials.melt_accuracies``, with the column ``share``.
    """
    melted = melt_accuracies(trained, measures)
    return melted.assign(share=melted["available"] / dense)


def accuracy_drops(reached: pd.DataFrame, dense: int) -> pd.DataFrame:
    """How much less accurate each way of pruning is than iterative pruning, at equal sizes.

    Args:
        reached: as :func:`accuracies`.
        dense: weights of the network before pruning, which are left out.

    Returns:
        As ``trials.paired_differences``.
    """
    return paired_differences(
        reached[reached["available"] < dense],
        ["scope", "measure", "share"],
        column="method",
        base="iterative",
        value="accuracy",
    )


def sizes(reached: pd.DataFrame) -> pd.DataFrame:
    """:func:`smallest_lossless_share` of every scope, measure and way of pruning."""
    return smallest_lossless_share(reached, ["scope", "measure", "method"])


def smallest_lossless_share(
    reached: pd.DataFrame, keys: Sequence[str], within: float = 0.01
) -> pd.DataFrame:
    """The smallest share of weights down to which the dense network's accuracy is kept.

    Args:
        reached: columns `keys`, ``seed, share`` (1 for the dense network) and ``accuracy``.
        keys: what is looked at apart.
        within: the accuracy may be so much below that of the dense network.

    Returns:
        One row per combination of `keys` and ``seed``, with the ``share``.
    """

    def smallest(at):
        at = at.sort_values("share", ascending=False)
        kept = (at["accuracy"] >= at["accuracy"].iloc[0] - within).cummin()
        return at.loc[kept, "share"].min()

    groups = reached.groupby([*keys, "seed"], sort=False)[["share", "accuracy"]]
    return groups.apply(smallest).rename("share").reset_index()


def accuracies_at_target(stepped: pd.DataFrame, measures: Mapping[str, str]) -> pd.DataFrame:
    """Accuracies of the last sizes, as ``trials.melt_accuracies``.

    Args:
        stepped: as ``trials.summarise_training`` of runs that end with the same number of weights.
        measures: the words for each column of accuracies.
    """
    return melt_accuracies(stepped[stepped["available"] == stepped["available"].min()], measures)


def label_levels(table: pd.DataFrame, methods: Mapping[str, str]) -> pd.DataFrame:
    """Level rows with the columns ``method`` and ``apart``: whether the network is separated.

    Args:
        table: level rows, as ``Store.table``.
        methods: the way of pruning by run id.
    """
    return table.assign(method=table["run"].map(methods), apart=table["status"] == "separated")


def separated_at_any_level(table: pd.DataFrame) -> pd.DataFrame:
    """How many runs were separated at some level.

    Args:
        table: level rows with columns ``method, run, apart``.

    Returns:
        Columns ``apart`` and ``runs``, one row per ``method``.
    """
    runs = table.groupby(["method", "run"], sort=False)["apart"].any()
    return runs.groupby("method", sort=False).agg(apart="sum", runs="size")
