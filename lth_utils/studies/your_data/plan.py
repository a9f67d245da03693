"""The runs of a study: how large the networks begin, and how far they are pruned."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from lth_utils.config import (
    PruneSpec,
    RunSpec,
    Shape,
    SpecError,
    TrainSpec,
    coerce,
)
from lth_utils.data import Dataset, spec
from lth_utils.pruning import extend
from lth_utils.studies.your_data.controls import hold_out, resplit, shuffled

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


@dataclass(frozen=True)
class Asked:
    """The runs of a study of one data set.

    Attributes:
        title: of the data.
        data: the data set, with a validation split.
        runs: one per seed, and draw.
        controls: the same on shuffled labels, or none.
    """

    title: str
    data: Dataset
    runs: list[RunSpec]
    controls: list[RunSpec]


def ask(
    title: str,
    data: Dataset,
    *,
    networks: str | Sequence = "auto",
    seeds: Sequence[int],
    draws: int = 1,
    max_epochs: int = 500,
    controls: bool = True,
) -> Asked:
    """The runs of a study: networks pruned at rate 0.32 until few weights per output are left.

    Args:
        title: of the data.
        data: the data set; without a validation split, 15 % of its training split become one.
        networks: see :func:`network_of`.
        seeds: of the networks.
        draws: how many splits of the data.
        max_epochs: most epochs per level.
        controls: whether there are runs on shuffled labels.

    Raises:
        SpecError: arguments out of range.
    """
    if draws < 1:
        raise SpecError(f"draws is {draws}; allowed: 1 or more")
    data = hold_out(data)
    runs, others = [], []
    for draw in range(draws):
        drawn = resplit(data, draw)
        runs += _specs("yours", drawn, networks, seeds, max_epochs)
        if controls:
            others += _specs("shuffled", shuffled(drawn, draw), networks, seeds, max_epochs)
    return Asked(title, data, runs, others)


def _specs(
    name: str, data: Dataset, networks: str | Sequence, seeds: Sequence[int], max_epochs: int
) -> list[RunSpec]:
    """A run per seed on one split."""
    n_inputs, n_outputs = data.ends
    own, base = spec(data, name=name), network_of(data, networks)
    runs = []
    for seed in seeds:
        run = RunSpec(
            own,
            base=base,
            seed=seed,
            train=TrainSpec(max_epochs=max_epochs, weight_decay=WEIGHT_DECAY),
            prune=PruneSpec(rate=RATE, target=n_inputs + LEFT * n_outputs),
            coverage="output",  # which inputs are needed is a result, so losing one is no failure
        )
        runs.append(run)
    return runs
