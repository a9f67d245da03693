"""One network through its levels, as the explorer looks at it, and how it is drawn."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from lth_utils.data import Dataset, Task
from lth_utils.networks.ticket import Ticket
from lth_utils.plots.network_layout import most_telling_level
from lth_utils.plots.style import STYLE

COLOURS = {
    "state": "state of each weight",
    "subnetwork": "subnetwork, by the task it serves",
    "task": "task whose outputs it leads to",
}
"""What colours may mean, as ``plots.draw_network`` and as people say it."""

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

    Args:
        key: names it in caches and files.
        title: names it for people.
        shape: units per layer, inputs first.
        tasks: of the network.
        rows: one per level, as in ``Store.table``.
        lifetimes: over layers uint8 ``[O, I]``, at how many levels each weight is available.
        ticket: opens the network at a row.
        kind: of coverage, ``total`` or ``output``.
        dataset: None where it is not known.
        class_names: by the task's name.
        cache: what was computed for pictures, by what it is and its row.
    """

    key: str
    title: str
    shape: tuple[int, ...]
    tasks: tuple[Task, ...]
    rows: pd.DataFrame
    lifetimes: list[np.ndarray]
    ticket: Callable[[int], Ticket]
    kind: str = "total"
    dataset: Dataset | None = None
    class_names: dict[str, Sequence[str]] = field(default_factory=dict)
    cache: dict = field(default_factory=dict)

    def chosen(self) -> int:
        """The row to look at first: where the network first separated, if it did."""
        return most_telling_level(self.rows["status"])


@dataclass(frozen=True)
class Options:
    """How to draw.

    Args:
        colours: a key of ``COLOURS``.
        pruned: whether pruned weights are drawn, too.
        neuron: layer and position of the unit to light up, or None.
    """

    colours: str = "state"
    pruned: bool = False
    neuron: tuple[int, int] | None = None


def has_unit(shape: Sequence[int], neuron: tuple[int, int] | None) -> bool:
    """Whether a network of this shape has a unit at this layer and position."""
    return neuron is not None and neuron[0] < len(shape) and neuron[1] < shape[neuron[0]]


def relatives(masks: Sequence[np.ndarray], layer: int, unit: int) -> list[np.ndarray]:
    """A unit with its ancestors and descendants.

    Args:
        masks: over layers bool ``[O, I]``.
        layer: of the unit, 0 for the inputs.
        unit: its position.

    Returns:
        Over layers of units bool ``[U]``: ancestors before the unit, descendants after it.
    """
    units = [np.zeros(m.shape[1], bool) for m in masks] + [np.zeros(masks[-1].shape[0], bool)]
    units[layer][unit] = True
    for n in range(layer, len(masks)):
        units[n + 1] = masks[n][:, units[n]].any(1)
    for n in range(layer, 0, -1):
        units[n - 1] = masks[n - 1][units[n]].any(0)
    return units
