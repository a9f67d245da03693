"""Parameters of notebook 11, and the runs that they ask for."""

from __future__ import annotations

from dataclasses import dataclass, replace

from lth_utils import data
from lth_utils.config import PruneSpec, RunSpec, Shape, TrainSpec, expand
from lth_utils.networks.layers import n_weights
from lth_utils.pruning import extend, trajectory
from lth_utils.studies.other_sparsifiers.ways import (
    IN_TRAINING,
    WAYS,
    check_ways,
    kind_of,
    with_way,
)
from lth_utils.studies.parameters import PointsParameters, Span, StudyParameters

SCALED = "whole"
"""Digits have one mean and one variance over all pixels, as is usual for this network. SNIP depends
on it: where each pixel is standardised by itself, as elsewhere in this project, pixels that hardly
vary become large, and of seeds 100 to 106 at a compression of 1000 six networks have no path left,
else one. It was chosen by looking at the anchors: that SNIP agrees with them is no test."""


@dataclass(frozen=True)
class Toy(PointsParameters):
    """Networks on moons and circles.

    Args:
        base: the network before its extension.
        levels: of extension, and prunings.
        ways: keys of ``ways.WAYS``.
        targets: how many of the last levels are reached by masks that change in training, each in
            a run of its own.
        seeds: of networks on each draw of the data.
        draws: of the data.
        rounds: of iterative SNIP and SynFlow, on the way from one level to the next.
        updates: of masks that change in training.
        every: epochs between two updates.
        l1: the penalty of the way ``L1``.
        least: a task of lower accuracy counts as lost.
    """

    base: Shape = (4, 8, 8, 2)
    levels: int = 9
    ways: tuple[str, ...] = tuple(WAYS)
    targets: int = 1
    seeds: Span = "0-2"
    draws: Span = "0"
    rounds: int = 10
    updates: int = 40
    every: int = 5
    l1: float = 3e-4
    least: float = 0.75

    def check(self):
        check_ways(self.ways)

    def groups(self) -> dict[str, list[RunSpec]]:
        """Runs by way."""
        return {way: self._runs(way) for way in self.ways}

    def counts(self) -> list[int]:
        """Weights that are left at each level."""
        return [n_weights(shape) for shape in extend(self.base, self.rate, self.levels)[::-1]]

    def _runs(self, way: str) -> list[RunSpec]:
        how = {"rounds": self.rounds, "updates": self.updates, "every": self.every}
        how |= {"examples": 0, "l1": self.l1}
        prune = PruneSpec(rate=self.rate, levels=self.levels, schedule="extension")
        spec = self.spec(prune, base=self.base, stop_at=[])
        if kind_of(way) != IN_TRAINING:
            return self.on_draws(with_way(spec, way, **how), {}, self.draws, self.seeds)
        runs = []
        dense = extend(self.base, self.rate, self.levels)[-1]
        for target in self.counts()[::-1][: self.targets]:
            own = replace(spec, base=dense, prune=PruneSpec(levels=1, target=target))
            runs += self.on_draws(with_way(own, way, **how), {}, self.draws, self.seeds)
        return runs


@dataclass(frozen=True)
class Anchors(StudyParameters):
    """Image networks that are pruned at initialisation and never trained.

    Args:
        base: the network.
        size: pixels per side.
        ways: keys of ``ways.WAYS`` that score initial values.
        compressions: how many times fewer weights are left.
        seeds: of the networks.
        rounds: of iterative ways, from the dense network to each compression.
        examples: for gradients.
    """

    base: Shape = (784, 300, 100, 10)
    size: int = 28
    ways: tuple[str, ...] = ("random", "random, ERK", "magnitude", "SNIP", "SynFlow")
    compressions: tuple[int, ...] = (10, 100, 1000)
    seeds: Span = "0-2"
    rounds: int = 30
    examples: int = 2560

    def check(self):
        allowed = tuple(w for w in WAYS if WAYS[w][1].get("scored") == "initial" or w == "random")
        check_ways(self.ways, tuple(w for w in allowed if kind_of(w) != IN_TRAINING))

    def spec(self, way: str) -> RunSpec:
        """What says how a way prunes; its runs are not trained."""
        spec = RunSpec(
            data.spec("mnist", size=self.size, standardised=SCALED),
            base=self.base,
            prune=PruneSpec(levels=0),
        )
        how = {"updates": 0, "every": 1, "examples": self.examples, "l1": 0.0}
        spec = with_way(spec, way, rounds=self.rounds, **how)
        return replace(spec, prune=replace(spec.prune, scored="initial"))


@dataclass(frozen=True)
class Images(StudyParameters):
    """Image networks that are trained at each size.

    Args:
        base: the network.
        size: pixels per side.
        per_class: training images per class, 0: all.
        ways: keys of ``ways.WAYS``.
        levels: prunings, each by the root of ten.
        batch: examples per step.
        epochs: of every training.
        seeds: of the networks.
        rounds: of iterative ways, on the way from one level to the next.
        examples: for gradients.
        lr: Adam's learning rate.
    """

    base: Shape = (784, 300, 100, 10)
    size: int = 28
    per_class: int = 60
    ways: tuple[str, ...] = ("tickets", "random", "random, ERK", "SNIP", "SynFlow")
    levels: int = 6
    batch: int = 64
    epochs: int = 4
    seeds: Span = "0"
    rounds: int = 12
    examples: int = 2560
    lr: float = 0.001

    def check(self):
        check_ways(self.ways, tuple(way for way in WAYS if kind_of(way) != IN_TRAINING))

    def groups(self) -> dict[str, list[RunSpec]]:
        """Runs by way."""
        train = TrainSpec(
            lr=self.lr, batch_size=self.batch, patience=self.epochs, max_epochs=self.epochs
        )
        dense = n_weights(self.base)
        spec = RunSpec(
            data.spec(
                "mnist",
                size=self.size,
                per_class=self.per_class or None,
                standardised=SCALED,
            ),
            base=self.base,
            train=train,
            prune=PruneSpec(levels=self.levels, target=round(dense / 10 ** (self.levels / 2))),
            coverage="output",
            stop_at=[],
        )
        how = {"rounds": self.rounds, "updates": 0, "every": 1, "l1": 0.0}
        groups = {}
        for way in self.ways:
            own = with_way(spec, way, examples=self.examples, **how)
            groups[way] = expand(own, {"seed": self.seeds})
        return groups

    def counts(self) -> list[int]:
        """Weights that are left at each level."""
        dense = n_weights(self.base)
        return trajectory(dense, levels=self.levels, target=round(dense / 10 ** (self.levels / 2)))


@dataclass(frozen=True)
class Convolutions(StudyParameters):
    """A digit and a garment as the two channels of one image.

    Args:
        layers: of the network, after its two channels.
        size: pixels per side.
        labels: of digits, and of garments, that are told apart.
        per_class: training images per class.
        rate: share of the remaining weights removed per level.
        levels: number of prunings.
        batch: examples per step.
        epochs: of every training.
        seeds: of the networks; the data are drawn with the same.
        lr: Adam's learning rate.
    """

    layers: tuple[tuple[int, int, int] | int, ...] = ((8, 3, 2), (16, 3, 2), 48, 10)
    size: int = 14
    labels: tuple[int, ...] = (0, 1, 2, 3, 4)
    per_class: int = 40
    rate: float = 0.5
    levels: int = 6
    batch: int = 64
    epochs: int = 4
    seeds: Span = "0"
    lr: float = 0.003

    def names(self) -> list[str]:
        """Of the layers of units, but the outputs."""
        hidden = list(self.layers[:-1])
        filters = sum(isinstance(layer, tuple) for layer in hidden)
        names = [f"filters {n + 1}" for n in range(filters)]
        names += [f"hidden units {n + 1}" for n in range(len(hidden) - filters)]
        return ["inputs", *names]

    def groups(self) -> dict[str, list[RunSpec]]:
        """Tickets, and random pruning beside them."""
        train = TrainSpec(
            lr=self.lr, batch_size=self.batch, patience=self.epochs, max_epochs=self.epochs
        )
        groups: dict[str, list[RunSpec]] = {}
        for way in ("tickets", "random"):
            prune = PruneSpec(rate=self.rate, levels=self.levels, **WAYS[way][1])
            groups[way] = []
            for seed in self.seeds:
                run = RunSpec(
                    data.spec(
                        "mnist_fashion",
                        size=self.size,
                        digits=self.labels,
                        garments=self.labels,
                        per_class=self.per_class,
                        seed=seed,
                    ),
                    base=((2, self.size), *self.layers),
                    seed=seed,
                    train=train,
                    prune=prune,
                    coverage="output",
                    stop_at=[],
                )
                groups[way].append(run)
        return groups


@dataclass(frozen=True)
class Parameters(StudyParameters):
    """What notebook 11 asks for.

    Args:
        toy: networks on moons and circles.
        anchors: image networks pruned at initialisation.
        images: image networks pruned and trained.
        convolutions: networks on two channels.
    """

    toy: Toy = Toy()
    anchors: Anchors = Anchors()
    images: Images = Images()
    convolutions: Convolutions = Convolutions()

    def points(self) -> list[RunSpec]:
        """All runs on moons and circles."""
        return [spec for group in self.toy.groups().values() for spec in group]

    def pictures(self) -> list[RunSpec]:
        """All runs on MNIST."""
        return [spec for group in self.images.groups().values() for spec in group]

    def channels(self) -> list[RunSpec]:
        """All convolutional runs."""
        return [spec for group in self.convolutions.groups().values() for spec in group]

    def specs(self) -> list[RunSpec]:
        """All runs, those on points first."""
        return [*self.points(), *self.pictures(), *self.channels()]

    def by_worth(self) -> list[RunSpec]:
        """All runs, whole draws of the points first, so that a part of them is a study, too."""
        draws: dict = {}
        for spec in self.points():
            draws.setdefault(spec.data, []).append(spec)
        points = [spec for runs in draws.values() for spec in runs]
        return [*points, *self.pictures(), *self.channels()]
