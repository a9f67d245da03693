"""The parameters of notebook 12."""

from __future__ import annotations

from dataclasses import dataclass, field

from lth_utils import data
from lth_utils.config import DataSpec, choose
from lth_utils.studies.parameters import Span, StudyParameters

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
    width: int = 16
    epochs: int = 6
    lr: float = 0.002
    batch: int = 64
    compressions: tuple[float, ...] = (3, 10, 30, 100, 300, 1000)
    seeds: Span = "0-2"

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
class Parameters(StudyParameters):
    """Which networks are audited, and how they are pruned.

    Args:
        models: names in ``torchvision.models``; their weights are random.
        side: pixels per side of their example.
        methods: ``magnitude``, ``random`` or both.
        compressions: weights over those that are left.
        seeds: an initialisation each.
        trained: the residual network that is trained.
    """

    models: tuple[str, ...] = ("resnet18", "vgg11_bn", "densenet121", "mobilenet_v2")
    side: int = 64
    methods: tuple[str, ...] = METHODS
    compressions: tuple[float, ...] = (10, 100, 1000)
    seeds: Span = "0"
    trained: Trained = field(default_factory=Trained)

    def check(self):
        """Refuse unknown methods and compressions that compress nothing."""
        for method in self.methods:
            choose(method, METHODS, "Parameters.methods")
        self._require(min(self.compressions) >= 1, "compressions", "1 or more")
        self._require(bool(self.models), "models", "at least one name in torchvision.models")
