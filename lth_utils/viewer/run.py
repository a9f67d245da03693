"""One network through its levels, as the viewer looks at it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
import torch

from lth_utils import connectivity, pruning
from lth_utils.config import DataSpec, SpecError
from lth_utils.data import Dataset, Task
from lth_utils.data.image_files import DataError, no_download
from lth_utils.networks.layers import require_dense, split_mask
from lth_utils.networks.ticket import Ticket
from lth_utils.plots.network_layout import lifetimes_of, most_telling_level
from lth_utils.runs.store import Store

MEASURES = ("available", "active", "inactive", "zombie", "subnetworks", "status")
"""Columns that are known of a ticket alone."""


@dataclass(frozen=True, eq=False)
class Run:
    """One network through its levels, wherever it came from.

    Args:
        key: names it in addresses and files.
        title: names it for people.
        shape: units per layer, inputs first.
        tasks: of the network.
        rows: one per level, as in ``Store.table``.
        lifetimes: over layers ``[O, I]``, at how many levels each weight is available.
        ticket: opens the network at a row.
        asked_levels: how many prunings were asked for, which a run that stopped early has not.
        kind: of coverage, ``total`` or ``output``.
        dataset: None where it is not known.
    """

    key: str
    title: str
    shape: tuple[int, ...]
    tasks: tuple[Task, ...]
    rows: pd.DataFrame
    lifetimes: list[np.ndarray]
    ticket: Callable[[int], Ticket]
    asked_levels: int | None = None
    kind: str = "total"
    dataset: Dataset | None = None

    def chosen(self) -> int:
        """The row to look at first: where the network first separated, if it did."""
        return most_telling_level(self.rows["status"])


def open_run(source: Store, run_id: str, with_data: bool = True) -> Run:
    """A finished run as the viewer needs it.

    Args:
        source: the run's store.
        run_id: its id.
        with_data: whether to look for its data set on this machine; nothing is downloaded.
    """
    history = source.history(run_id)
    spec, shape = history.spec, history.shape
    require_dense(shape, run_id)
    lifetimes = np.minimum(history.pruned_at, len(history.rows)).astype(np.int64)
    layers = split_mask(torch.from_numpy(lifetimes)[None], shape)
    return Run(
        key=run_id,
        title=title_of(shape, spec.seed, dict(spec.data.options).get("seed")),
        shape=shape,
        tasks=history.tasks,
        rows=history.rows,
        lifetimes=[layer[0].numpy() for layer in layers],
        ticket=history.ticket,
        asked_levels=len(pruning.plan(spec)[1]) - 1,
        kind=spec.coverage,
        dataset=_dataset_at_hand(source, spec.data) if with_data else None,
    )


def title_of(shape: Sequence[int], seed: int, draw: int | None = None) -> str:
    """What a run is called; the network's seed and the data's are different things.

    >>> title_of((4, 8, 8, 2), 3, 0)
    '4-8-8-2 · network seed 3 · data seed 0'
    """
    of_data = "" if draw is None else f" · data seed {draw}"
    return f"{'-'.join(map(str, shape))} · network seed {seed}{of_data}"


def _dataset_at_hand(source: Store, spec: DataSpec) -> Dataset | None:
    """The data of a run if they are on this machine: nothing is downloaded to look at a run."""
    try:
        with no_download():
            return source.dataset(spec)
    except (SpecError, DataError):
        return None


def run_of_tickets(tickets: Sequence[Ticket]) -> Run:
    """One network at the levels at hand; what training reported is not known.

    Args:
        tickets: of one network, sorted by level.
    """
    first, rows = tickets[0], []
    for ticket in tickets:
        measures = connectivity.measure(ticket.masks, ticket.tasks)[0]
        row = {name: getattr(measures, name) for name in MEASURES}
        rows.append({"level": ticket.level, **row})
    shape = "-".join(map(str, first.shape))
    return Run(
        key=f"{'-'.join(t.name for t in first.tasks)}-{shape}-seed{first.seed}",
        title=title_of(first.shape, first.seed),
        shape=first.shape,
        tasks=first.tasks,
        rows=pd.DataFrame(rows),
        lifetimes=lifetimes_of(tickets),
        ticket=tickets.__getitem__,
    )


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
