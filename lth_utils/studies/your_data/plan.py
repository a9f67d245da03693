"""The runs of a study: how large the networks begin, and how far they are pruned."""

from __future__ import annotations

from collections.abc import Sequence

from lth_utils.config import (
    DataSpec,
    PruneSpec,
    RunSpec,
    Shape,
    SpecError,
    TrainSpec,
    coerce,
)
from lth_utils.data import Dataset
from lth_utils.pruning import extend

UNITS_PER_TASK = 4
"""Units of each hidden layer of the base network, for each task, as in the thesis."""

WIDTHS = (8, 64)
"""Least and largest width of the base network."""

RATE, EXTENSION = 0.32, 9
"""Share removed per level, and how many levels the base is extended; the thesis' own."""

WEIGHT_DECAY = 1e-3
"""Adam's L2 penalty. Of 0, 1e-4 and 1e-3 it told independent formulas and points from entangled
ones most surely (8 seeds of each, which no reported result uses)."""

LEFT = 4
"""Weights per output that are left at the last level, beside one for each input."""


def network_of(data: Dataset, networks: str | Sequence = "auto") -> Shape:
    """The dense network that a study begins with.

    Args:
        data: of which the network has the inputs and outputs.
        networks: ``auto``: two hidden layers with four units per task, extended 9 levels at rate
            0.32 as in the thesis; or the widths of the hidden layers.

    Raises:
        SpecError: widths that are no whole numbers of 1 or more.

    >>> from lth_utils.data import moons_circles
    >>> network_of(moons_circles(n_samples=10))
    (4, 57, 57, 2)
    """
    n_inputs, n_outputs = data.ends
    if networks == "auto":
        width = min(max(UNITS_PER_TASK * len(data.tasks), WIDTHS[0]), WIDTHS[1])
        return extend((n_inputs, width, width, n_outputs), RATE, EXTENSION)[-1]
    if isinstance(networks, str):
        raise SpecError(f"networks is {networks!r}; allowed: auto, or widths such as [20, 20]")
    hidden = coerce(networks, tuple[int, ...], "networks")
    if not hidden or min(hidden) < 1:
        raise SpecError(f"networks is {networks!r}; allowed: auto, or widths of 1 or more")
    return (n_inputs, *hidden, n_outputs)


def specs(
    name: DataSpec, data: Dataset, *, networks="auto", seeds: Sequence[int], max_epochs: int
) -> list[RunSpec]:
    """A run per seed: pruned at rate 0.32 until few weights per output are left.

    Args:
        name: the data set's spec.
        data: the data set.
        networks: see :func:`network_of`.
        seeds: of the networks.
        max_epochs: most epochs per level.
    """
    n_inputs, n_outputs = data.ends
    runs = []
    for seed in seeds:
        run = RunSpec(
            name,
            base=network_of(data, networks),
            seed=seed,
            train=TrainSpec(max_epochs=max_epochs, weight_decay=WEIGHT_DECAY),
            prune=PruneSpec(rate=RATE, target=n_inputs + LEFT * n_outputs),
            coverage="output",  # which inputs are needed is a result, so losing one is no failure
        )
        runs.append(run)
    return runs
