"""Boolean functions that are made of inner functions: a structure inside of one task."""

from __future__ import annotations

import itertools

import numpy as np

from lth_utils.config import SpecError, rng
from lth_utils.data.dataset import Dataset
from lth_utils.data.tasks import Task

INNER_INPUTS = 4
"""Inputs of each inner function."""

GATES = [
    table
    for table in itertools.product((0, 1), repeat=4)
    if sum(table) % 2 or table in ((0, 1, 1, 0), (1, 0, 0, 1))
]
"""Truth tables of two bits that depend on both: AND with negations, and exclusive or."""


def gates(overlap: int = 0, reuse: int = 8, seed: int = 0) -> Dataset:
    """Outputs that are gates of the same two inner functions of four bits each.

    Every output needs all inputs, so that outputs and inputs are one group; what can be found are
    the inner functions, by the inputs that hidden units depend on.

    Args:
        overlap: how many inputs the inner functions share, 0 to 3.
        reuse: number of outputs, 1 or more, each a gate of both inner functions.
        seed: of the functions.

    Returns:
        All ``2 ** (8 - overlap)`` examples, inputs -1 or 1, in both splits; one task.

    Raises:
        SpecError: a value out of range.

    Source: Patil, Michael & Dovrolis 2023 (Neural Sculpting), the experiment on overlap and reuse.

    >>> gates(overlap=2).x_train.shape
    (64, 6)
    """
    if not 0 <= overlap < INNER_INPUTS or reuse < 1 or seed < 0:
        raise SpecError(
            f"overlap is {overlap}, reuse {reuse}, seed {seed}; allowed: overlap 0 to "
            f"{INNER_INPUTS - 1}, reuse 1 or more, seed 0 or more"
        )
    n_inputs = 2 * INNER_INPUTS - overlap
    bits = np.array(list(itertools.product((0, 1), repeat=n_inputs)))
    powers = 2 ** np.arange(INNER_INPUTS)
    stream = rng(seed, "gates", overlap)
    inner = [_inner(stream)[bits[:, list(span)] @ powers] for span in inner_inputs(overlap)]
    of_output = rng(seed, "gates", overlap, "outputs")
    chosen = of_output.integers(0, len(GATES), reuse)
    y = np.stack([np.array(GATES[n])[2 * inner[0] + inner[1]] for n in chosen], 1)
    x = (2 * bits - 1).astype(np.float32)
    tasks = (Task("gates", range(n_inputs), range(reuse), "multilabel" if reuse > 1 else "auto"),)
    return Dataset(x, y, x, y, tasks)


def inner_inputs(overlap: int) -> tuple[range, range]:
    """The inputs of the two inner functions of :func:`gates`."""
    first = INNER_INPUTS - overlap
    return range(INNER_INPUTS), range(first, first + INNER_INPUTS)


def _inner(stream: np.random.Generator) -> np.ndarray:
    """A random truth table of four bits, as many ones as zeros, that depends on every bit."""
    while True:
        table = stream.permutation(np.repeat([0, 1], 2 ** (INNER_INPUTS - 1)))
        cube = table.reshape((2,) * INNER_INPUTS)
        if all((cube != np.flip(cube, axis)).any() for axis in range(INNER_INPUTS)):
            return table
