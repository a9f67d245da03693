"""One network through its levels, as the explorer looks at it, and how it is drawn."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from lth_utils.data import Dataset, Task
from lth_utils.networks.ticket import Ticket
from lth_utils.plots.style import STYLE

COLOURS = {
    "state": "state of each weight",
    "subnetwork": "subnetwork, by the task it serves",
    "task": "task whose outputs it leads to",
}

LOOK = {
    **STYLE,
    "font.size": 10.5,
    "axes.titlesize": 11,
    "axes.labelsize": 10,
    "xtick.labelsize": 9,
    "ytick.labelsize": 9,
    "axes.linewidth": 0.7,
    "lines.linewidth": 1.8,
    "path.simplify_threshold": 0.5,
}


@dataclass(frozen=True, eq=False)
class Run:
    """One network through its levels, wherever it came from.

    key: names it in caches and files; title: names it for people; rows: one per level, as in
    ``Store.table``; alive: over layers ``[O, I]``, at how many levels each weight was there; ticket:
    opens a row; kind: of coverage; dataset: None where it is not known; names: of classes, by the task's name.
    """

    key: str
    title: str
    shape: tuple[int, ...]
    tasks: tuple[Task, ...]
    rows: pd.DataFrame
    alive: list[np.ndarray]
    ticket: Callable[[int], Ticket]
    kind: str = "total"
    dataset: Dataset | None = None
    names: dict[str, Sequence[str]] = field(default_factory=dict)
    kept: dict = field(default_factory=dict)

    def chosen(self) -> int:
        """The row to look at first: where the network first separated, else the last one that is not degraded, else the last."""
        words = list(self.rows["status"])
        whole = [n for n, word in enumerate(words) if word != "degraded"]
        return words.index("separated") if "separated" in words else (whole or [len(words) - 1])[-1]


@dataclass(frozen=True)
class Options:
    """How to draw: colours, a key of ``COLOURS``; pruned: pruned weights too; neuron: (layer, unit) to light up, or None."""

    colours: str = "state"
    pruned: bool = False
    neuron: tuple[int, int] | None = None


def relatives(masks: Sequence[np.ndarray], layer: int, unit: int) -> list[np.ndarray]:
    """Over layers bool ``[U]``: the unit, its ancestors (before it) and its descendants (after it)."""
    units = [np.zeros(m.shape[1], bool) for m in masks] + [np.zeros(masks[-1].shape[0], bool)]
    units[layer][unit] = True
    for n in range(layer, len(masks)):
        units[n + 1] = masks[n][:, units[n]].any(1)
    for n in range(layer, 0, -1):
        units[n - 1] = masks[n - 1][units[n]].any(0)
    return units
