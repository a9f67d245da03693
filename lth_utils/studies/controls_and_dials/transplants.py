"""Separated tickets trained on what they were not found for."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import torch

from lth_utils.config import rng
from lth_utils.connectivity import nested_random_masks
from lth_utils.data import Dataset, load
from lth_utils.networks.population import Population, rewind
from lth_utils.runs.store import Store
from lth_utils.studies import statistics
from lth_utils.studies.controls_and_dials.parameters import PAIR, TRANSPLANTED_TO, Parameters
from lth_utils.studies.controls_and_dials.tables import condition
from lth_utils.training.trainer import train

OWN = "its own data"

SWAPPED, ACROSS = "tasks swapped", "inputs across the blocks"

TRANSPLANTS = (OWN, "another draw", SWAPPED, ACROSS, "mask shuffled in each layer")
"""What a ticket is trained on, or instead of it; see :func:`transplanted`."""


def rearranged(data: Dataset, name: str) -> Dataset:
    """The same examples with their columns in another order.

    Args:
        data: circles beside moons.
        name: ``tasks swapped``: the moons on the inputs and the output of the circles, and the
            other way round; ``inputs across the blocks``: inputs 1 and 2 change places, so that
            each block has an input of either task, and the outputs stay.
    """
    inputs = {SWAPPED: [2, 3, 0, 1], ACROSS: [0, 2, 1, 3]}[name]
    outputs = [1, 0] if name == SWAPPED else [0, 1]
    changed = {}
    for split in data.splits:
        changed[f"x_{split}"] = np.ascontiguousarray(getattr(data, f"x_{split}")[:, inputs])
        changed[f"y_{split}"] = np.ascontiguousarray(getattr(data, f"y_{split}")[:, outputs])
    return replace(data, **changed)


def transplanted(found: pd.DataFrame, asked: Parameters, store: Store) -> pd.DataFrame:
    """The separated tickets of the pair, rewound and trained once more.

    The ticket is that of the first level at which the run is separated with both tasks kept. It is
    trained on the data that it was found for, on another draw of the same problems, on that data
    rearranged (see :func:`rearranged`), and, on its own data, with its mask shuffled within each
    layer. Initial values and the order of batches stay the same.

    Args:
        found: as ``tables.found_table``.
        asked: the notebook's parameters.
        store: of the finished runs.

    Returns:
        One row per ticket and entry of :data:`TRANSPLANTS`: ``run, draw, seed, level, transplant``
        and the ``accuracy`` on fresh points, the mean of both tasks, and that of the ``worse`` one.
    """
    pair = condition(found, PAIR)
    rows: list[dict] = []
    for draw, own in pair[pair["apart"]].groupby("draw"):
        tickets = _tickets(own, store)
        shuffled = _shuffled(tickets)
        home = load(asked.data_of(int(draw)))
        trained: dict[str, tuple[Population, Dataset]] = {
            OWN: (tickets, home),
            "another draw": (tickets, load(asked.data_of(int(draw) + TRANSPLANTED_TO))),
            SWAPPED: (tickets, rearranged(home, SWAPPED)),
            ACROSS: (tickets, rearranged(home, ACROSS)),
            "mask shuffled in each layer": (shuffled, home),
        }
        for name, (population, data) in trained.items():
            _, training = train(population, data, asked.train_spec())
            for ticket, score in zip(own.itertuples(), training.score, strict=True):
                row = {"run": ticket.run, "draw": draw, "seed": ticket.seed}
                row |= {"level": int(ticket.apart_at), "transplant": name}
                rows.append(row | {"accuracy": score.mean(), "worse": score.min()})
    columns = ["run", "draw", "seed", "level", "transplant", "accuracy", "worse"]
    return pd.DataFrame(rows, columns=columns)


def _tickets(runs: pd.DataFrame, store: Store) -> Population:
    """The tickets of several runs before they are trained."""
    histories = [store.history(run) for run in runs["run"]]
    tickets = [h.ticket(int(n)) for h, n in zip(histories, runs["apart_at"], strict=True)]
    masks = [torch.cat([mask.flatten() for mask in ticket.masks]) for ticket in tickets]
    # of pruned weights, too: a shuffled mask has others than the ticket
    initial = torch.from_numpy(np.stack([history.initial for history in histories]))
    shape = tickets[0].shape
    whole = torch.ones(len(masks), len(masks[0]), dtype=torch.bool)
    start = Population(shape, tuple(map(int, runs["seed"])), initial, initial, whole)
    return rewind(start, torch.stack(masks))


def _shuffled(tickets: Population) -> Population:
    """The same networks with as many weights in each layer, at random places."""
    drawn = []
    for m, seed in enumerate(tickets.seeds):
        masks = [mask[m : m + 1] for mask in tickets.masks]
        dense = [torch.ones_like(mask) for mask in masks]
        random = nested_random_masks([dense, masks], rng(seed, "transplant"))[1]
        drawn.append(torch.cat([mask.flatten() for mask in random]))
    return rewind(tickets, torch.stack(drawn))


def accuracy_drops(trained: pd.DataFrame) -> pd.DataFrame:
    """How much less accurate tickets are elsewhere than on their own data, ticket by ticket.

    Args:
        trained: as :func:`transplanted`.

    Returns:
        One row per transplant: ``transplant, tickets, draws``, the mean ``accuracy``, the ``drop``
        of it with its interval, and that of the worse task, ``worse_drop``, likewise.
    """
    pairs = {name: trained.pivot(index="run", columns="transplant", values=name) for name in WHAT}
    draws = trained.groupby("run")["draw"].first()
    rows = []
    for name in [n for n in TRANSPLANTS[1:] if n in pairs["accuracy"]]:
        row = {"transplant": name, "tickets": len(draws), "draws": draws.nunique()}
        row["accuracy"] = pairs["accuracy"][name].mean()
        for what, column in WHAT.items():
            drop = pairs[what][OWN] - pairs[what][name]
            row |= statistics.columns(column, statistics.clustered_mean(drop, draws[drop.index]))
        rows.append(row)
    return pd.DataFrame(rows, columns=None if rows else DROP_COLUMNS)


WHAT = {"accuracy": "drop", "worse": "worse_drop"}
"""Columns of :func:`transplanted` by those of :func:`accuracy_drops`."""

DROP_COLUMNS = ["transplant", "tickets", "draws", "accuracy"]
DROP_COLUMNS += [f"{name}{end}" for name in WHAT.values() for end in ("", "_low", "_high")]
