"""What was asked: hyper-parameters as frozen dataclasses."""

from __future__ import annotations

from dataclasses import dataclass, field

from lth_utils.config.checks import Checked, SpecError, choose, frozen
from lth_utils.config.shapes import Shape, smallest

MAX_LEVELS = 10_000
"""Most prunings of a run."""


@dataclass(frozen=True)
class DataSpec(Checked):
    """A data set by name and its complete options, as ``data.spec`` makes it.

    Args:
        name: a key of ``data.DATASETS``.
        options: ``((name, value), …)``, sorted.
    """

    name: str = "moons_circles"
    options: tuple = ()

    def check(self):
        """Sort the options by name."""
        items = dict(self.options)
        object.__setattr__(self, "options", tuple(sorted((k, frozen(v)) for k, v in items.items())))


@dataclass(frozen=True)
class TrainSpec(Checked):
    """How one network is trained.

    Args:
        lr: Adam's learning rate, above 0.
        batch_size: examples per step; the last batch of an epoch may be smaller, and all examples
            are one batch where there are fewer.
        patience: epochs above the best loss on the test split before training stops; as many as
            `max_epochs` for a fixed number of epochs.
        max_epochs: cap on the number of epochs.
        loss: ``mean`` or ``sum`` over the tasks.
        weight_decay: Adam's L2 penalty as torch defines it, biases included; 0 or more.
        record: whether each epoch's losses and accuracy are kept (see ``Store.curves``).
        l1: L1 penalty, whose subgradient is added to the loss's gradient, biases included; 0 or
            more.

    Source:
        thesis, section on the experimental setup.
    """

    lr: float = 1e-3
    batch_size: int = 64
    patience: int = 30
    max_epochs: int = 3000
    loss: str = "mean"
    weight_decay: float = 0.0
    record: bool = False
    l1: float = 0.0

    def check(self):
        """Refuse numbers out of range and other losses."""
        self._require(self.lr > 0, "lr", "above 0")
        self._require(self.weight_decay >= 0, "weight_decay", "0 or more")
        self._require(self.l1 >= 0, "l1", "0 or more")
        for name in ("batch_size", "patience", "max_epochs"):
            self._require(getattr(self, name) >= 1, name, "1 or more")
        choose(self.loss, ("mean", "sum"), "TrainSpec.loss")


@dataclass(frozen=True)
class PruneSpec(Checked):
    """How many weights survive each level, and which.

    Args:
        rate: share of the remaining weights removed per level, above 0 and below 1.
        levels: number of prunings.
        target: weights left after the last level.
        schedule: ``rate``, where two of the three above fix the third and the counts are rounded
            powers; or ``extension``, where the run's base network is extended `levels` levels at
            `rate` and the counts are those of the extended networks.
        criterion: a key of ``pruning.CRITERIA``.
        scope: ``global`` over all layers; ``layer``, the same share in each; or ``erk``, shares
            by Erdős and Rényi's random graphs, larger in layers of few units.
        alive: whether weights on no path from an input to an output are pruned first, so that
            they take no room in the budget.
        rewind: epochs of the dense training after which the weights are taken that every level is
            reset to; 0: their initialisation.
        one_shot: whether every level is pruned straight from the trained dense network.
        biases: ``reset`` with the weights, or ``kept`` as the level before left them.
        scored: the values that the criterion sees: ``trained``, or ``initial``, which is pruning at
            initialisation.
        start: what a level is trained from: ``rewound``, the initial values; ``trained``, those
            that the level before ended with, which is fine-tuning; or ``fresh``, drawn anew for
            each level.
        rounds: prunings on the way from one level to the next, each scored anew; 1 or more.
        examples: training examples that gradients are taken over, drawn by the run's seed; 0: all.
        during: how the mask changes while a level is trained: ``fixed``, not at all; ``gradual``,
            it begins as that of the level before and is pruned along a cubic curve; ``set`` or
            ``rigl``, the smallest weights give way to others, at random places or at those of the
            largest gradients.
        updates: how many such changes there are before the mask is trained to the end; 1 or more
            unless ``fixed``.
        every: epochs from one change to the next, 1 or more.
        swap: share of each layer's weights that the first change of ``set`` and ``rigl`` replaces;
            it falls to 0 as a cosine.
    """

    rate: float | None = None
    levels: int | None = None
    target: int | None = None
    schedule: str = "rate"
    criterion: str = "magnitude"
    scope: str = "global"
    alive: bool = False
    rewind: int = 0
    one_shot: bool = False
    biases: str = "reset"
    scored: str = "trained"
    start: str = "rewound"
    rounds: int = 1
    examples: int = 0
    during: str = "fixed"
    updates: int = 0
    every: int = 1
    swap: float = 0.3

    def check(self):
        """Refuse numbers out of range, and counts that two of the three do not fix."""
        self._require(self.rate is None or 0 < self.rate < 1, "rate", "above 0 and below 1")
        levels = self.levels or 0
        self._require(0 <= levels <= MAX_LEVELS, "levels", f"0 or more, at most {MAX_LEVELS}")
        self._require(self.target is None or self.target >= 1, "target", "1 or more")
        self._require(self.rewind >= 0, "rewind", "0 or more epochs")
        choose(self.schedule, ("rate", "extension"), "PruneSpec.schedule")
        choose(self.scope, ("global", "layer", "erk"), "PruneSpec.scope")
        choose(self.biases, ("reset", "kept"), "PruneSpec.biases")
        self._check_ways()
        if self.levels == 0 and self.target is not None:
            raise SpecError(
                f"PruneSpec.levels is 0 and target is {self.target}: "
                "without a pruning no target can be reached; give levels of 1 or more, or no target"
            )
        given = [n for n in ("rate", "levels", "target") if getattr(self, n) is not None]
        if self.schedule == "extension" and given != ["rate", "levels"]:
            raise SpecError(
                f"PruneSpec with schedule extension needs exactly rate and levels; given: {given}"
            )
        if self.schedule == "rate" and len(given) != 2 and self.levels != 0:
            named = ", ".join(given) or "none"
            raise SpecError(
                f"PruneSpec needs exactly two of rate, levels and target; given: {named}"
            )

    def _check_ways(self):
        """Refuse ways to prune that do not go together."""
        choose(self.scored, ("trained", "initial"), "PruneSpec.scored")
        choose(self.start, ("rewound", "trained", "fresh"), "PruneSpec.start")
        choose(self.during, ("fixed", "gradual", "set", "rigl"), "PruneSpec.during")
        self._require(self.rounds >= 1, "rounds", "1 or more")
        self._require(self.examples >= 0, "examples", "0 or more")
        self._require(self.every >= 1, "every", "1 or more epochs")
        self._require(0 < self.swap < 1, "swap", "above 0 and below 1")
        changing = self.during != "fixed"
        self._require(
            (self.updates >= 1) == changing,
            "updates",
            f"{'1 or more' if changing else '0'} where during is {self.during}",
        )
        self._require(not self.one_shot or self.rounds == 1, "rounds", "1 where one_shot is true")
        rewound = self.start == "rewound"
        for name, neutral in (("scored", "trained"), ("rewind", 0), ("biases", "reset")):
            value = getattr(self, name)
            self._require(
                rewound or value == neutral, name, f"{neutral} where start is not rewound"
            )
        by_change = self.criterion in ("movement", "magnitude_increase")
        self._require(
            rewound or not by_change, "criterion", "another one where start is not rewound"
        )


@dataclass(frozen=True)
class VariantSpec(Checked):
    """What is drawn anew of another run's ticket before it is trained once more.

    Args:
        found: how the run that found the ticket was trained; its other fields are the variant's.
        level: pruning level of the ticket.
        values: ``initial``, the ticket's own; ``fresh``, drawn anew as at initialisation;
            ``signs``, their own signs with fresh magnitudes; ``resampled_initial``, drawn with
            replacement from the initial values of the weights that survived;
            ``resampled_trained``, from what they were trained to before the last pruning.
        pooled: whether all layers are drawn from one pool, rather than each from its own.
        permuted: whether the mask is shuffled within each layer.
    """

    found: TrainSpec
    level: int
    values: str = "initial"
    pooled: bool = False
    permuted: bool = False

    def check(self):
        """Refuse values that a ticket of this level does not have."""
        choose(
            self.values,
            ("initial", "fresh", "signs", "resampled_initial", "resampled_trained"),
            "VariantSpec.values",
        )
        resampled = self.values.startswith("resampled")
        self._require(
            self.level >= (self.values == "resampled_trained"),
            "level",
            "0 or more; 1 or more for resampled_trained",
        )
        self._require(
            resampled or not self.pooled,
            "pooled",
            f"false where values are {self.values}: nothing is resampled",
        )
        self._require(
            resampled or self.values == "fresh" or not self.permuted,
            "permuted",
            f"false where values are {self.values}: weights that the ticket lacks have none",
        )


@dataclass(frozen=True)
class RunSpec(Checked):
    """Everything that decides a run's result: one seed's network through all its levels.

    Args:
        data: made by ``data.spec``.
        base: the network, a :data:`~lth_utils.config.shapes.Shape`; with schedule ``extension``
            the one before its extension.
        seed: of the network's initial values and batches, 0 or more.
        train: how each level is trained.
        prune: how many weights survive each level, and which.
        coverage: ``total``, inputs times outputs, or ``output``.
        stop_at: statuses that end the run.
        init: ``kaiming_normal`` with zero biases; or ``torch``, uniform within one over the root
            of the fan-in, biases too, as torch's layers have it.
        variant: None, or what is changed about the ticket of another run, which then has one level.
        output_gain: factor of the initial values of the last layer, above 0.
    """

    data: DataSpec
    base: Shape = (4, 8, 8, 2)
    seed: int = 0
    train: TrainSpec = field(default_factory=TrainSpec)
    prune: PruneSpec = field(
        default_factory=lambda: PruneSpec(rate=0.32, levels=9, schedule="extension")
    )
    coverage: str = "total"
    stop_at: tuple[str, ...] = ("degraded",)
    init: str = "kaiming_normal"
    variant: VariantSpec | None = None
    output_gain: float = 1.0

    def check(self):
        """Refuse fields out of range; ``pruning.plan`` checks that `base` makes a network."""
        choose(self.init, ("kaiming_normal", "torch"), "RunSpec.init")
        if self.variant is not None:
            self._require(
                self.prune.rewind == 0,
                "variant",
                "none where prune.rewind is above 0: the values a ticket was reset to are not kept",
            )
            self._require(
                self.prune.start == "rewound" and self.prune.during == "fixed",
                "variant",
                "none where prune.start is not rewound or prune.during not fixed",
            )
        self._require(
            len(self.base) >= 2 and smallest(self.base) >= 1,
            "base",
            "two or more widths, each 1 or more",
        )
        self._require(self.seed >= 0, "seed", "0 or more")
        self._require(self.output_gain > 0, "output_gain", "above 0")
        choose(self.coverage, ("total", "output"), "RunSpec.coverage")
        for word in self.stop_at:
            choose(
                word, ("interconnected", "separated", "fragmented", "degraded"), "RunSpec.stop_at"
            )
