"""Parameters of notebook 06, and the runs that they ask for."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field, replace

from lth_utils import data
from lth_utils.config import PruneSpec, RunSpec, Shape, TrainSpec, VariantSpec, expand, parse
from lth_utils.studies.parameters import Span, StudyParameters


@dataclass(frozen=True)
class Network(StudyParameters):
    """A network, its data, and how long it is trained at last.

    Args:
        base: its shape.
        data: options of its data set.
        epochs: of the last training.
        seeds: one trial each.
        batch: examples per step; None: as the other networks.
        note: a sentence for its figures.
    """

    base: Shape
    data: dict
    epochs: int
    seeds: Span
    batch: int | None = None
    note: str = ""


@dataclass(frozen=True)
class Redraw(StudyParameters):
    """What is drawn anew before a ticket is trained again: see :class:`VariantSpec`."""

    values: str = "initial"
    pooled: bool = False
    permuted: bool = False


def _mnist() -> Network:
    options = {"per_class": 500, "standardised": "whole"}
    return Network((784, 300, 100, 10), options, 20, "0-2")


def _variants() -> dict:
    return {"ticket": {}, "fresh": {"values": "fresh"}}


@dataclass(frozen=True)
class Parameters(StudyParameters):
    """What notebook 06 asks for.

    Args:
        mnist: the fully connected network; None leaves it out.
        cifar10: a convolutional network; None leaves it out.
        rounds: prunings after which the ticket is taken.
        rate: share of each layer's remaining weights removed per round, in (0, 1).
        round_epochs: epochs of training per round.
        batch_size: examples per step.
        lr: Adam's learning rate.
        weight_decay: Adam's L2 penalty.
        biases: ``reset`` with the weights, or ``kept``.
        variants: what is drawn anew, by name.
    """

    mnist: Network | None = field(default_factory=_mnist)
    cifar10: Network | None = None
    rounds: tuple[int, ...] = (6, 10)
    rate: float = 0.2
    round_epochs: int = 5
    batch_size: int = 1024
    lr: float = 0.001
    weight_decay: float = 0.0001
    biases: str = "reset"
    variants: dict = field(default_factory=_variants)

    def check(self):
        for name, changes in self.variants.items():
            parse(Redraw, changes, f"Parameters.variants.{name}")
        for name, network in self.networks().items():
            data.spec(name, **network.data)

    def networks(self) -> dict[str, Network]:
        """The networks that are run, by data set."""
        given = {"mnist": self.mnist, "cifar10": self.cifar10}
        return {name: network for name, network in given.items() if network is not None}

    def notes(self) -> dict[str, str]:
        """A sentence for the figures, by data set."""
        return {name: network.note for name, network in self.networks().items()}

    def groups(self) -> dict[tuple[str, str, int], list[RunSpec]]:
        """Runs by data set, variant and number of rounds; the full network after 0 rounds."""
        groups = {}
        for name, network in self.networks().items():
            found = self._round(network)
            spec = self._spec(name, network, found)
            seeds = {"seed": network.seeds}
            groups[name, "full", 0] = expand(replace(spec, prune=PruneSpec(levels=0)), seeds)
            for rounds in self.rounds:
                for variant, changes in self.variants.items():
                    drawn = VariantSpec(found, rounds, **asdict(Redraw(**changes)))
                    groups[name, variant, rounds] = expand(replace(spec, variant=drawn), seeds)
        return groups

    def specs(self) -> list[RunSpec]:
        """All runs, group by group."""
        return [spec for group in self.groups().values() for spec in group]

    def _round(self, network: Network) -> TrainSpec:
        """How the tickets are found."""
        return TrainSpec(
            lr=self.lr,
            batch_size=network.batch or self.batch_size,
            patience=self.round_epochs,
            max_epochs=self.round_epochs,
            weight_decay=self.weight_decay,
        )

    def _spec(self, name: str, network: Network, found: TrainSpec) -> RunSpec:
        """The last training of a ticket."""
        epochs = network.epochs
        return RunSpec(
            data=data.spec(name, **network.data),
            base=network.base,
            train=replace(found, patience=epochs, max_epochs=epochs, record=True),
            prune=PruneSpec(
                rate=self.rate, levels=max(self.rounds), scope="layer", biases=self.biases
            ),
            coverage="output",
            stop_at=[],
            init="torch",
        )
