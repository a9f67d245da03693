"""Study of notebook 06: which part of a ticket matters."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace

import numpy as np
import pandas as pd

from lth_utils import data
from lth_utils.config import PruneSpec, RunSpec, Shape, TrainSpec, VariantSpec, expand, parse
from lth_utils.plots.weight_distributions import THEIRS
from lth_utils.studies.parameters import Span, StudyParameters
from lth_utils.studies.reference import reference
from lth_utils.studies.verdict import COLUMNS, in_points, judge, verdict_row


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


def their_accuracy_drop(network: str, name: str, rounds: int) -> tuple[float, float, float] | None:
    """What a variant of the course project lost against its ticket, of the corrected accuracy: mean and 95 % interval after Welch, or None.

    network: ``mnist`` or ``cifar10``; their trials share no seed, so they are compared as two samples.
    """
    from scipy import stats

    table = reference("weight_distribution_trials").query(
        "dataset == @network and prune_rounds_n == @rounds"
    )
    base, other = (
        table.loc[table["variant"] == THEIRS.get(n), "max_acc_corrected_pct"] / 100
        for n in ("ticket", name)
    )
    if not len(base) or not len(other):
        return None
    ci = stats.ttest_ind(base, other, equal_var=False).confidence_interval(0.95)
    return float(base.mean() - other.mean()), float(ci.low), float(ci.high)


def histograms(
    weights: Mapping[tuple, Sequence[np.ndarray]], columns: Sequence[str], bins: np.ndarray
) -> pd.DataFrame:
    """Densities of weights by key, averaged over the trials: `columns`, ``left`` and ``right`` of the bin, ``density``; outside is not counted."""
    parts = []
    for key, trials in weights.items():
        density = np.mean([np.histogram(w, bins)[0] / len(w) for w in trials], axis=0) / np.diff(
            bins
        )
        parts.append(
            pd.DataFrame(
                {
                    **dict(zip(columns, key, strict=True)),
                    "left": bins[:-1],
                    "right": bins[1:],
                    "density": density,
                }
            )
        )
    return pd.concat(parts, ignore_index=True)


def moments(weights: Mapping[tuple, Sequence[np.ndarray]], columns: Sequence[str]) -> pd.DataFrame:
    """Per key, averaged over the trials: count, standard deviation, smallest and median size of the weights, share above zero."""
    rows = []
    for key, trials in weights.items():
        each = [
            (len(w), w.std(), np.abs(w).min(), np.median(np.abs(w)), (w > 0).mean()) for w in trials
        ]
        rows.append(
            dict(
                zip(
                    (*columns, "weights", "std", "abs_min", "abs_median", "share_positive"),
                    (*key, *np.mean(each, axis=0)),
                    strict=True,
                )
            )
        )
    return pd.DataFrame(rows)


def distributions(lost: pd.DataFrame) -> pd.DataFrame:
    """Claim 8: neither the mask alone nor the weights' distribution alone carries the ticket.

    lost: as ``trials.against`` with columns ``network, rounds, variant``: what each variant loses against the ticket.
    """
    said = {
        "resampled, trained": "the ticket's mask with resampled weights is worse than the ticket: as its code draws them, from trained weights",
        "resampled, initial": "the same as its paper says: from the surviving initial weights",
        "remasked, trained": "with the mask shuffled within each layer it is worse, too, from trained weights",
        "remasked, initial": "with the mask shuffled within each layer it is worse, too, from initial weights",
        "fresh": "control: the mask with a fresh initialisation is worse than the ticket",
        "signs": "control: signs kept, magnitudes drawn anew, it is worse than the ticket",
    }
    rows = []
    for name, statement in said.items():
        for network, at in lost[lost["variant"] == name].groupby("network", sort=False):
            ours = dict(
                zip(
                    at["rounds"],
                    zip(at["lost"], at["lost_low"], at["lost_high"], strict=True),
                    strict=True,
                )
            )
            theirs = {n: loss for n in ours if (loss := their_accuracy_drop(network, name, n))}
            unsure = [f"{n} rounds" for n, (_, low, _) in theirs.items() if low <= 0]
            rows.append(
                verdict_row(
                    "8",
                    f"{statement} ({network})",
                    _after_rounds(theirs) or "not reported",
                    _after_rounds(ours),
                    at["trials"].max(),
                    "95 % interval (Student, within a trial) after each number of rounds; largest p after Holm",
                    judge(list(at["lost_low"] > 0), list(at["lost_high"] < 0)),
                    at["p_corrected"].max(),
                    f"their own trials do not show it after {' and '.join(unsure)}: the interval includes zero"
                    if unsure
                    else "",
                )
            )
    return pd.DataFrame(rows, columns=COLUMNS)


def _after_rounds(losses: dict[int, tuple[float, float, float]]) -> str:
    return "; ".join(f"{in_points(*loss, digits=2)} after {n} rounds" for n, loss in losses.items())


def distributions_headline(lost: pd.DataFrame) -> str:
    """One sentence: what resampling costs, in both readings, where it was taken last."""
    parts = []
    for network, at in lost.groupby("network", sort=False):
        last = at[at["rounds"] == at["rounds"].max()].set_index("variant")
        parts += [
            f"{name} {in_points(*last.loc[name, ['lost', 'lost_low', 'lost_high']], digits=2)}"
            for name in ("resampled, trained", "resampled, initial", "fresh", "signs")
            if name in last.index
        ]
        parts[-1] += f" ({network}, {at['rounds'].max()} rounds)"
    return f"lost against the ticket: {'; '.join(parts)}"
