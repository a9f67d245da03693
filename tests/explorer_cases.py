"""Small runs and an odd network, for the tests of the explorer."""

from dataclasses import replace

import numpy as np
import torch

from lth_utils import config, data
from lth_utils.config import PruneSpec, RunSpec, TrainSpec
from lth_utils.networks.ticket import Ticket
from lth_utils.runs import sweep
from lth_utils.runs.store import Store

SPEC = RunSpec(
    data.spec("moons_circles", n_samples=60),
    base=(4, 8, 8, 2),
    train=TrainSpec(batch_size=32, max_epochs=4),
    prune=PruneSpec(rate=0.5, levels=5),
    stop_at=(),
)
TASKS = data.load(SPEC.data).tasks


def explored_store(folder):
    """Runs of all kinds.

    Two seeds pruned to next to nothing, a run of one level, one that degrades at its first pruning,
    and one of another data set.
    """
    specs = config.expand(SPEC, {"seed": [0, 1]})
    specs += [
        replace(SPEC, prune=PruneSpec(levels=0, rate=0.5)),
        replace(SPEC, prune=PruneSpec(target=3, levels=1)),
        replace(SPEC, data=data.spec("moons_circles", n_samples=60, noise=0.2)),
    ]
    store = Store(folder)
    sweep.run(specs, store, device="cpu")
    return store


def ids_in(results):
    """Run ids by number of levels (0, 1, 5) and seed, of the usual noise only."""
    ids = {}
    for run_id, entry in results.entries().items():
        if entry["head"]["data.noise"] == 0.1:
            ids[entry["head"]["prune.levels"], entry["head"]["seed"]] = run_id
    return ids


def rows_of(results, run_id):
    """The levels of one run."""
    table = results.table()
    return table[table["run"] == run_id].reset_index(drop=True)


def odd_ticket():
    """A network with units in all states.

    x1 -> a -> d -> y1 is active; no input reaches b, which leads to d and e; c leads nowhere;
    no input reaches f, which alone leads to y2; x2 has no weight.
    """
    masks = [
        torch.tensor([[[1, 0], [0, 0], [1, 0]]]),
        torch.tensor([[[1, 1, 0], [0, 1, 0], [0, 0, 0]]]),
        torch.tensor([[[1, 1, 0], [0, 0, 1]]]),
    ]
    masks, shape = [m.bool() for m in masks], (2, 3, 3, 2)
    flat = torch.cat([m.flatten() for m in masks]).numpy()
    stream = np.random.default_rng(3)
    values = np.concatenate(
        [flat * stream.standard_normal(len(flat)), stream.uniform(0.5, 1, 8)]
    ).astype(np.float32)
    values[6], values[7], values[10] = -2, 0.7, 0.8  # a large a puts d out, b keeps e alight
    tasks = (
        data.Task("left", range(0, 1), range(0, 1)),
        data.Task("right", range(1, 2), range(1, 2)),
    )
    return Ticket(shape, masks, values, values, tasks, 0, 4)


def by_hand(ticket, x, silenced=None):
    """Every unit's value, over layers, from the plain torch model."""
    value, given = torch.from_numpy(x), [torch.from_numpy(x)]
    for module in ticket.model():
        value = module(value)
        if isinstance(module, torch.nn.ReLU):
            if silenced and silenced[0] == len(given):
                value = value.index_fill(1, torch.tensor([silenced[1]]), 0.0)
            given.append(value)
    return [v.detach().numpy() for v in (*given, value)]
