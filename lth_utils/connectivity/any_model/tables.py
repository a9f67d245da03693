"""A model's graph as tables: by layer, by group of units, by subnetwork."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from lth_utils.connectivity.any_model.graph import ModelGraph
from lth_utils.connectivity.states import STATE_NAMES

if TYPE_CHECKING:
    import pandas as pd


def layer_table(graph: ModelGraph) -> pd.DataFrame:
    """Weights by layer.

    Returns:
        One row per parameter: ``layer, weight, kind, weights, available, active, inactive,
        zombie, direct_compression`` (weights over available ones) and ``effective_compression``
        (weights over active ones; infinite where there are none).
    """
    import pandas as pd  # slow to import

    rows = []
    for name, states in graph.weight_states.items():
        path, kind = graph.layers[name]
        counts = np.bincount(states.ravel(), minlength=len(STATE_NAMES)).tolist()
        row = {"layer": path or name, "weight": name, "kind": kind, "weights": states.size}
        row["available"] = states.size - counts[0]
        row |= dict(zip(STATE_NAMES[1:], counts[1:], strict=True))
        rows.append(row)
    columns = ["layer", "weight", "kind", "weights", "available", *STATE_NAMES[1:]]
    table = pd.DataFrame(rows, columns=columns)
    for kind, column in (("direct", "available"), ("effective", "active")):
        left = table[column].where(table[column] > 0)
        table[f"{kind}_compression"] = (table["weights"] / left).fillna(np.inf)
    return table


def unit_table(graph: ModelGraph) -> pd.DataFrame:
    """Units by group: columns ``group, kind, units, active, inactive, zombie``."""
    import pandas as pd

    rows = []
    for group in graph.groups:
        states = graph.unit_states[group.start : group.start + group.count]
        counts = np.bincount(states, minlength=len(STATE_NAMES))[1:].tolist()
        rows.append((group.name, group.kind, group.count, *counts))
    return pd.DataFrame(rows, columns=["group", "kind", "units", *STATE_NAMES[1:]])


def subnetwork_table(graph: ModelGraph) -> pd.DataFrame:
    """Subnetworks, in the order of their first inputs: ``units, inputs, outputs`` of each."""
    import pandas as pd

    labels = graph.labels()
    n = int(labels.max(initial=-1)) + 1
    found = {}
    for column, of in (
        ("units", labels),
        ("inputs", labels[graph.inputs]),
        ("outputs", labels[graph.outputs]),
    ):
        found[column] = np.bincount(of[of >= 0], minlength=n)
    return pd.DataFrame(found).rename_axis("subnetwork").reset_index()
