"""Parameters of notebook 07, and the runs that they ask for."""

from __future__ import annotations

from dataclasses import dataclass, replace

from lth_utils import data
from lth_utils.config import PruneSpec, RunSpec, Shape, TrainSpec, VariantSpec, choose, expand
from lth_utils.networks.layers import n_weights
from lth_utils.studies.parameters import PointsParameters, Span, StudyParameters

METHODS = {
    "iterative": {},
    "one-shot": {"prune.one_shot": [True]},
    "random": {"prune.criterion": ["random"]},
}
"""What distinguishes the ways of pruning, as axes of :func:`expand`."""


@dataclass(frozen=True)
class Images(StudyParameters):
    """The image network, its data, its prunings and its training.

    Args:
        base: its shape.
        size: pixels per side.
        per_class: training images per class, 0: all.
        rate: share of the remaining weights removed per level, in (0, 1).
        levels: number of prunings.
        batch: examples per step.
        epochs: of every training.
        seeds: one trial each.
    """

    base: Shape
    size: int
    per_class: int
    rate: float
    levels: int
    batch: int
    epochs: int
    seeds: Span


@dataclass(frozen=True)
class Steps(StudyParameters):
    """The same share left after more and more rounds; target: that share, in (0, 1)."""

    target: float
    rounds: tuple[int, ...]
    seeds: Span


@dataclass(frozen=True)
class Toy(PointsParameters):
    """Networks on moons and circles; seeds of networks on each draw of the data."""

    base: Shape = (4, 8, 8, 2)
    levels: int = 9
    seeds: Span = "0-15"
    draws: Span = "0"

    def groups(self) -> dict[str, list[RunSpec]]:
        """Runs by way of pruning."""
        prune = PruneSpec(rate=self.rate, levels=self.levels, schedule="extension")
        spec = self.spec(prune, base=self.base, stop_at=[])
        groups = {}
        for name, axes in METHODS.items():
            groups[name] = self.on_draws(spec, axes, self.draws, self.seeds)
        return groups


@dataclass(frozen=True)
class Parameters(StudyParameters):
    """What notebook 07 asks for.

    Args:
        mnist: the image network.
        scopes: ``global``, ``layer`` or both; controls are run for the first.
        many: the same share left after more and more rounds.
        toy: networks on moons and circles.
        lr: Adam's learning rate.
    """

    mnist: Images = Images(
        base=(784, 300, 100, 10),
        size=28,
        per_class=500,
        rate=0.5,
        levels=7,
        batch=64,
        epochs=15,
        seeds="0-2",
    )
    scopes: tuple[str, ...] = ("global", "layer")
    many: Steps = Steps(0.02, (1, 2, 4), "0-2")
    toy: Toy = Toy()
    lr: float = 0.001

    def check(self):
        for scope in self.scopes:
            choose(scope, ("global", "layer"), "Parameters.scopes")

    def dense(self) -> int:
        """Weights of the image network before pruning."""
        return n_weights(self.mnist.base)

    def measures(self) -> dict[str, str]:
        """When the accuracy is read, by column."""
        return {"early_accuracy": "at the lowest test loss", "final_accuracy": "at the end"}

    def methods(self) -> dict[tuple[str, str], list[RunSpec]]:
        """Runs on images by scope and way of pruning, with two controls for the first scope."""
        spec, seeds, groups = self._images(), {"seed": self.mnist.seeds}, {}
        for scope in self.scopes:
            for name, axes in METHODS.items():
                if name != "random" or scope == self.scopes[0]:
                    groups[scope, name] = expand(spec, seeds | {"prune.scope": [scope]} | axes)
        control = []
        for found in groups[self.scopes[0], "iterative"]:
            for level in range(1, self.mnist.levels + 1):
                control.append(replace(found, variant=VariantSpec(spec.train, level, "fresh")))
        groups[self.scopes[0], "fresh initialisation"] = control
        return groups

    def steps(self) -> dict[tuple[int], list[RunSpec]]:
        """Runs on images by number of rounds to the same share of weights."""
        groups, target = {}, round(self.many.target * self.dense())
        for rounds in self.many.rounds:
            spec = replace(self._images(), prune=PruneSpec(levels=rounds, target=target))
            groups[(rounds,)] = expand(spec, {"seed": self.many.seeds})
        return groups

    def as_long(self) -> dict[tuple[str], list[RunSpec]]:
        """One round of pruning with as many epochs in all as the largest number of rounds.

        The network is trained before and after the round: the epochs are shared out evenly, or all
        that are more than usual come afterwards, since longer training before moves the weights
        that magnitudes are compared with.
        """
        epochs, most = self.mnist.epochs, max(self.many.rounds)
        target = round(self.many.target * self.dense())
        once = replace(self._images(), prune=PruneSpec(levels=1, target=target))
        halves = round(epochs * (most + 1) / 2)
        later = replace(
            once,
            train=replace(once.train, patience=epochs * most, max_epochs=epochs * most),
            variant=VariantSpec(once.train, 1),
        )
        before = replace(once.train, patience=halves, max_epochs=halves)
        return {
            (f"{epochs} before, {epochs * most} after",): expand(later, self._many_seeds()),
            (f"{halves} before, {halves} after",): expand(
                replace(once, train=before), self._many_seeds()
            ),
        }

    def _many_seeds(self) -> dict:
        return {"seed": self.many.seeds}

    def toys(self) -> dict[str, list[RunSpec]]:
        """Runs on moons and circles by way of pruning."""
        return self.toy.groups()

    def points(self) -> list[RunSpec]:
        """All runs on moons and circles."""
        return [spec for group in self.toys().values() for spec in group]

    def specs(self) -> list[RunSpec]:
        """All runs, those on images first."""
        images = (self.methods(), self.steps(), self.as_long())
        groups = [*(group for of in images for group in of.values()), self.points()]
        return [spec for group in groups for spec in group]

    def _images(self) -> RunSpec:
        images = self.mnist
        return RunSpec(
            data=data.spec("mnist", size=images.size, per_class=images.per_class or None),
            base=images.base,
            train=TrainSpec(
                lr=self.lr,
                batch_size=images.batch,
                patience=images.epochs,
                max_epochs=images.epochs,
                record=True,
            ),
            prune=PruneSpec(rate=images.rate, levels=images.levels),
            coverage="output",
            stop_at=[],
        )
