"""Parameters of notebook 02, and the runs that they ask for."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np

from lth_utils import data
from lth_utils.config import (
    DataSpec,
    PruneSpec,
    RunSpec,
    SpecError,
    TrainSpec,
    coerce,
    expand,
    run_id,
)
from lth_utils.studies.groups import unique
from lth_utils.studies.parameters import Span, StudyParameters

PAIRS = "mnist_fashion"
"""The data set of two images side by side."""


@dataclass(frozen=True)
class Network(StudyParameters):
    """One architecture, how far it is pruned, and how often it is run.

    Args:
        hidden: widths of the hidden layers.
        levels: number of prunings.
        target: weights left after the last.
        seeds: one run each.
        batch: examples per step.
    """

    hidden: tuple[int, ...]
    levels: int
    target: int
    seeds: Span
    batch: int


def _variants() -> dict:
    return {"loss summed": {"train.loss": "sum"}, "layer by layer": {"prune.scope": "layer"}}


@dataclass(frozen=True)
class Parameters(StudyParameters):
    """What notebook 02 asks for.

    Args:
        size: pixels per side.
        digits: classes of MNIST.
        garments: classes of Fashion-MNIST.
        per_class: training images per class, 0: all.
        pairing: ``random``, or ``file`` as the files have them.
        both: the main networks, on two images.
        alone: networks on one image.
        wide: networks on two images whose inputs are drawn.
        variants: by name, fields of the main networks' specs with other values, and ``seeds``.
        variant_seeds: seeds of variants that name none.
        differences: by name, what could explain that dense networks are more accurate than the
            thesis'; options of the data, or fields of the spec.
        difference_seeds: their seeds.
        shown: levels of the pictures of inputs.
        lr: Adam's learning rate.
        loss: ``mean`` or ``sum`` over the tasks.
        patience: epochs above the best loss before training stops.
        max_epochs: cap on the epochs of one training.
    """

    size: int = 28
    digits: tuple[int, ...] = tuple(range(10))
    garments: tuple[int, ...] = tuple(range(10))
    per_class: int = 0
    pairing: str = "random"
    both: Network = Network((784, 392), 20, 600, "0-2", 512)
    alone: Network = Network((300, 100), 18, 600, "0", 128)
    wide: Network = Network((784, 784), 18, 600, "0", 128)
    variants: dict = field(default_factory=_variants)
    variant_seeds: Span = "0"
    differences: dict = field(default_factory=dict)
    difference_seeds: Span = "0-1"
    shown: tuple[int, ...] = (1, 4, 7, 11, 15, 17)
    lr: float = 0.001
    loss: str = "mean"
    patience: int = 10
    max_epochs: int = 1000

    def check(self):
        self.others()
        self.dense()

    def images(self, name: str = PAIRS, standardised: bool = True) -> DataSpec:
        """A data set of the chosen classes: ``mnist``, ``fashion`` or ``mnist_fashion``."""
        options = {"size": self.size, "per_class": self.per_class or None}
        if name in ("mnist", PAIRS):
            options["digits"] = self.digits
        if name in ("fashion", PAIRS):
            options["garments"] = self.garments
        if name == PAIRS:
            options["pairing"] = self.pairing
        if not standardised:
            options["standardised"] = False
        return data.spec(name, **options)

    def main(self) -> list[RunSpec]:
        """The networks that the notebook is about."""
        return self._specs(PAIRS, self.both)

    def networks(self) -> dict[str, list[RunSpec]]:
        """The networks whose inputs are drawn, by data set."""
        return {
            "mnist": self._specs("mnist", self.alone),
            "fashion": self._specs("fashion", self.alone),
            PAIRS: self._specs(PAIRS, self.wide),
        }

    def drawn(self) -> dict[str, str]:
        """The id of the run whose inputs are drawn, by data set."""
        return {name: run_id(specs[0]) for name, specs in self.networks().items()}

    def variances(self) -> dict[str, np.ndarray]:
        """The variance of every pixel of the training images, by data set."""
        names = self.networks()
        return {name: data.load(self.images(name, False)).x_train.var(0) for name in names}

    def others(self) -> dict[str, list[RunSpec]]:
        """The main networks changed, by the name of the change."""
        spec, groups = self.main()[0], {}
        for name, changes in self.variants.items():
            where = f"Parameters.variants.{name}"
            axes = {}
            for key, value in coerce(changes, dict, where).items():
                axes[key] = [value]
            axes["seed"] = Span(axes.pop("seeds", [self.variant_seeds])[0])
            try:
                groups[name] = expand(spec, axes)
            except SpecError as error:
                raise SpecError(f"{where}: {error}") from None
        return groups

    def dense(self) -> dict[str, list[RunSpec]]:
        """Dense networks, by the name of what is changed; those ``as above`` first."""
        spec = replace(self.main()[0], prune=PruneSpec(levels=0))
        groups = {"as above": expand(spec, {"seed": self.difference_seeds})}
        for name, changes in self.differences.items():
            axes: dict = {"seed": self.difference_seeds}
            options = dict(spec.data.options)
            for key, value in changes.items():
                if key in options:
                    options[key] = value
                else:
                    axes[key] = [value]
            changed = replace(spec, data=data.spec(PAIRS, **options))
            groups[name] = expand(changed, axes)
        return groups if self.differences else {}

    def methods(self) -> dict[str, list[RunSpec]]:
        """Every way to find a ticket, the thesis' own first."""
        return {"as the thesis": self.main(), **self.others()}

    def specs(self) -> list[RunSpec]:
        """All runs, each once."""
        return unique(
            self.main(), *self.networks().values(), *self.others().values(), *self.dense().values()
        )

    def _specs(self, name: str, network: Network) -> list[RunSpec]:
        pairs = name == PAIRS
        outputs = {"mnist": len(self.digits), "fashion": len(self.garments)}
        outputs[PAIRS] = sum(outputs.values())
        spec = RunSpec(
            data=self.images(name),
            base=[self.size**2 * (2 if pairs else 1), *network.hidden, outputs[name]],
            coverage="output",
            stop_at=["separated", "degraded"] if pairs else [],
            train=TrainSpec(
                lr=self.lr,
                loss=self.loss,
                patience=self.patience,
                max_epochs=self.max_epochs,
                batch_size=network.batch,
            ),
            prune=PruneSpec(levels=network.levels, target=network.target),
        )
        return expand(spec, {"seed": network.seeds})
