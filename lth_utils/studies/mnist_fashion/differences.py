"""Table of notebook 02: dense networks with one thing changed at a time."""

from __future__ import annotations

import pandas as pd

from lth_utils.studies.groups import label_rows
from lth_utils.studies.mnist_fashion.parameters import Parameters
from lth_utils.studies.trials import mean_by_weights, melt_accuracies

MEASURES = {
    "accuracy": "mean of the tasks",
    "accuracy_mnist": "mnist",
    "accuracy_fashion": "fashion",
}
"""The words for each column of accuracies; those of a task are its name."""


def dense_accuracies(table: pd.DataFrame, asked: Parameters) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Accuracies of dense networks, by what is changed.

    Args:
        table: level rows, as ``Store.table``.
        asked: what is changed; where nothing is, the main networks stand alone.

    Returns:
        The networks, a row per measure (``variant, base, seed, measure, accuracy``), and their
        means, as ``trials.mean_by_weights``.
    """
    groups = asked.dense() or {"as above": asked.main()}
    rows = label_rows(table[table["level"] == 0], groups)
    dense = melt_accuracies(rows, MEASURES)
    return dense, mean_by_weights(dense, ["measure", "variant"], "accuracy")
