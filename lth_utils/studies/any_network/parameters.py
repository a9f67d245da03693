"""The parameters of notebook 12."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from lth_utils import data
from lth_utils.config import DataSpec, PruneSpec, RunSpec, choose
from lth_utils.studies.groups import unique
from lth_utils.studies.parameters import PointsParameters, Span, StudyParameters

METHODS = ("magnitude", "random")
"""Ways to choose weights: the smallest of the whole network, or any."""

CIFAR = {"set": "cifar10", "source": "jpeg", "per_class": 200}


@dataclass(frozen=True)
class Trained(StudyParameters):
    """A small residual network that is trained, pruned and trained on.

    Args:
        images: ``set``, the name of a data set of images with one task, and its options.
        width: channels of its first stage; the others have two and four times as many.
        epochs: of training before the first pruning, and after each pruning.
        lr: Adam's learning rate.
        batch: examples per step.
        compressions: weights over those that are left, ascending.
        seeds: a network each.
    """

    images: dict = field(default_factory=lambda: dict(CIFAR))
    width: int = 8
    epochs: int = 4
    lr: float = 0.002
    batch: int = 64
    compressions: tuple[float, ...] = (3, 10, 30, 100, 300)
    seeds: Span = "0-1"

    def check(self):
        """Refuse what makes no data, no network or no order."""
        self._require("set" in self.images, "images", "a set and its options")
        self.data()
        self._require(self.width >= 1, "width", "1 or more")
        self._require(self.epochs >= 1, "epochs", "1 or more")
        ascending = list(self.compressions) == sorted(set(self.compressions))
        self._require(ascending, "compressions", "ascending numbers")

    def data(self) -> DataSpec:
        """The images, or a part of them."""
        options = {name: value for name, value in self.images.items() if name != "set"}
        return data.spec(self.images["set"], **options)


@dataclass(frozen=True)
class Size(StudyParameters):
    """Extended networks of one base, as in notebook 03.

    Args:
        base: widths of the base network.
        levels: extension levels.
        seeds: of the networks on each draw.
        draws: seeds of the data.
    """

    base: tuple[int, ...]
    levels: Span
    seeds: Span
    draws: Span = "0"


@dataclass(frozen=True)
class Graded(PointsParameters):
    """Runs on the points, trained where they are not finished, and what is measured of them.

    Args:
        sizes: which runs; of the first size's first level curves are drawn.
        nulls: random masks of each kind beside each mask, 2 or more.
    """

    sizes: tuple[Size, ...] = (Size((4, 20, 2), "4", "0-9", "0-4"),)
    nulls: int = 5

    def check(self):
        """Refuse what has no runs or no spread."""
        self._require(bool(self.sizes), "sizes", "at least one size")
        self._require(self.nulls >= 2, "nulls", "2 or more")

    def specs(self) -> list[RunSpec]:
        """All runs, each once."""
        return unique(*(self._of(size, size.levels) for size in self.sizes))

    @property
    def name(self) -> str:
        """The size that curves are drawn of, in words."""
        size = self.sizes[0]
        return f"{'-'.join(map(str, size.base))} at extension level {size.levels[0]}"

    def of_curves(self) -> list[RunSpec]:
        """The runs that curves are drawn of."""
        return self._of(self.sizes[0], self.sizes[0].levels[:1])

    def _of(self, size: Size, levels: Span | tuple[int, ...]) -> list[RunSpec]:
        """The runs of some extension levels of a base."""
        prune = PruneSpec(rate=self.rate, levels=levels[0], schedule="extension")
        spec = replace(self.spec(prune), base=size.base)
        return self.on_draws(spec, {"prune.levels": levels}, size.draws, size.seeds)


@dataclass(frozen=True)
class Parameters(StudyParameters):
    """Which networks are audited, and how they are pruned.

    Args:
        models: names in ``torchvision.models``; their weights are random.
        side: pixels per side of their example.
        methods: ``magnitude``, ``random`` or both.
        compressions: weights over those that are left.
        seeds: an initialisation each.
        trained: the residual network that is trained.
        graded: the runs whose graded structure is measured.
    """

    models: tuple[str, ...] = ("resnet18", "densenet121", "mobilenet_v2", "squeezenet1_1")
    side: int = 64
    methods: tuple[str, ...] = METHODS
    compressions: tuple[float, ...] = (10, 100, 1000)
    seeds: Span = "0"
    trained: Trained = field(default_factory=Trained)
    graded: Graded = field(default_factory=Graded)

    def check(self):
        """Refuse unknown methods and compressions that compress nothing."""
        for method in self.methods:
            choose(method, METHODS, "Parameters.methods")
        self._require(min(self.compressions) >= 1, "compressions", "1 or more")
        self._require(bool(self.models), "models", "at least one name in torchvision.models")

    def specs(self) -> list[RunSpec]:
        """The runs on the points; the other networks are torch's own."""
        return self.graded.specs()
