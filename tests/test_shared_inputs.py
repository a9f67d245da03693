"""Tasks that share inputs: connectivity, coverage and status against a plain restatement.

Separated then means that the tasks share nothing but these inputs.
"""

from itertools import pairwise

import numpy as np
import pytest
import torch
from oracles import random_masks, random_tasks, shared_status

from lth_utils import connectivity
from lth_utils.data import Task


def case(number):
    """Four members and tasks with scattered positions, of which some inputs are shared."""
    rng = np.random.default_rng(number)
    tasks = random_tasks(rng)
    n_inputs = max(task.inputs.stop for task in tasks)
    n_outputs = max(task.outputs.stop for task in tasks)
    places, ends = rng.permutation(n_inputs), rng.permutation(n_outputs)
    scattered = []
    for task in tasks:
        own = {int(places[i]) for i in task.inputs}
        shared = rng.choice(n_inputs, rng.integers(0, 3), replace=False)
        outputs = [int(ends[o]) for o in task.outputs]
        scattered.append(Task(task.name, sorted(own | set(map(int, shared))), outputs))
    # hidden units work for one task, or for one output alone
    groups = scattered
    if number % 3 == 2:
        groups = [Task(f"{t.name}{o}", t.inputs, [o]) for t in scattered for o in t.outputs]
    hidden = [int(n) for n in rng.integers(len(groups), 9, rng.integers(1, 3))]
    shape = (n_inputs, *hidden, n_outputs)
    masks = random_masks(rng, shape, members=4, low=0.85 if number % 3 else 0.3)
    if number % 3:
        owner = [np.arange(width) % len(groups) for width in hidden]
        first = np.array([[i in groups[k].inputs for i in range(n_inputs)] for k in owner[0]])
        middle = [after[:, None] == before for before, after in pairwise(owner)]
        last = np.array([[o in groups[k].outputs for k in owner[-1]] for o in range(n_outputs)])
        ideal = [torch.from_numpy(layer) for layer in (first, *middle, last)]
        masks = [mask & layer for mask, layer in zip(masks, ideal, strict=True)]
    return masks, scattered


@pytest.mark.parametrize("kind", connectivity.served.KINDS)
def test_status_and_coverage_are_those_of_the_oracle(kind):
    seen = set()
    for number in range(150):
        masks, tasks = case(number)
        words = connectivity.status(masks, tasks, kind)
        tables = connectivity.coverage(masks, tasks, kind)
        measures = connectivity.measure(masks, tasks, kind)
        for member, (word, table) in enumerate(zip(words, tables, strict=True)):
            expected, shares = shared_status([m[member] for m in masks], tasks, kind)
            assert word == expected == measures[member].status, number
            wanted = np.array(shares, dtype=float).reshape(-1, len(tasks))
            assert measures[member].subnetworks == len(wanted)
            np.testing.assert_allclose(
                table[np.lexsort(table.T)], wanted[np.lexsort(wanted.T)], rtol=1e-12
            )
            seen.add(word)
    assert seen == {"separated", "interconnected", "fragmented", "degraded"}


def test_separated_means_that_tasks_share_nothing_but_the_inputs_that_are_theirs_together():
    """Two outputs of the same two inputs: apart with hidden units of their own, else not."""
    tasks = [Task("sum", [0, 1], [0]), Task("product", [0, 1], [1])]
    first = torch.ones(1, 2, 2, dtype=torch.bool)
    apart = [first, torch.eye(2).bool()[None]]
    joined = [first, torch.ones(1, 2, 2, dtype=torch.bool)]
    assert connectivity.status(apart, tasks) == ["separated"]
    assert connectivity.status(joined, tasks) == ["interconnected"]
    found = connectivity.structure(apart, tasks)
    assert found.subnetworks[0].tolist() == [-1, -1] and found.coverage.tolist() == [[1, 0], [0, 1]]
    # without tasks that say so, an input joins what it feeds
    assert connectivity.components(apart)[0].tolist() == [[0, 0]]
